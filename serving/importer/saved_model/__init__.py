"""Reader of SavedModels. Rebuilds the layers if Keras 2 recorded them. Otherwise, the graph is served unchanged."""

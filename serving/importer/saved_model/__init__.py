"""Reader of SavedModels. Rebuilds the layers if Keras 2 recorded them; otherwise the graph is served unchanged."""

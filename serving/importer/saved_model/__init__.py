"""Reader of SavedModels: rebuilt as layers where Keras 2 recorded them, else served as a graph."""

"""Custom Keras layers, one per file. The layers compute only with `keras.ops`, and Keras can save and load them."""

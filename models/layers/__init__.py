"""Custom Keras layers, one in each file. They use only `keras.ops` and can be saved and loaded."""

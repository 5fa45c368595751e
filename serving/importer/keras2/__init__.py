"""Converts models of Keras 2 to Keras 3: the configuration, the weights, and the training settings."""

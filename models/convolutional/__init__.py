"""Convolutional networks: classify images, detect objects and label pixels."""

"""Convolutional networks: filters that slide over an image, for its class, its parts or its pixels."""

"""Feed-forward networks: dense layers in a row, from features or pixels to numbers or class probabilities."""

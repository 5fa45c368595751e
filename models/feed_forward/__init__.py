"""Feed-forward networks: stacks of dense layers, from features or pixels to numbers or class probabilities."""

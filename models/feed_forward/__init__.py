"""Feed-forward networks: dense layers that compute numbers or class probabilities from features or pixels."""

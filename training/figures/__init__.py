"""The figures of a trained model, with NumPy and outside yardsticks beside it."""

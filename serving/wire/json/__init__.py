"""REST bodies to NumPy and back, with TensorFlow Serving's status codes and messages."""

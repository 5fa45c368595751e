"""Reader of TensorFlow.js layers models."""

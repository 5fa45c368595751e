"""A configuration of Keras 2 to one of Keras 3."""

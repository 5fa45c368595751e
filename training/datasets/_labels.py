"""What the classes of several datasets are called."""

DIGITS = tuple("0123456789")

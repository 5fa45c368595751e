"""Class names that several datasets share."""

DIGITS = tuple("0123456789")

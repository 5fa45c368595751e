"""Custom layers, one a file: serialisable, on `keras.ops` alone."""

"""Training data: datasets in memory, windows of time series, tokens, and batches."""

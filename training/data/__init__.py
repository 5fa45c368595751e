"""What a model is trained on: datasets in memory, series and their windows, tokens, batches."""

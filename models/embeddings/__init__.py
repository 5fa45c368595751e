"""Embeddings: what is discrete, words and categories, as vectors whose distances mean something."""

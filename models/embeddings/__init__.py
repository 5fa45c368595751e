"""Embeddings: learn a vector for each word or category, so that similar words have similar vectors."""

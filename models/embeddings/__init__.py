"""Embeddings: learn a vector for each word or category, so that similar ones have similar vectors."""

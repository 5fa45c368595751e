"""Decides which versions of the models are loaded: polling, loading, unloading, version policies and labels."""

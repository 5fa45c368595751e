"""Trains and measures recipes, stores their metrics and writes the page of results."""

"""Trains the models of recipes, measures and stores their metrics, and writes the page of results."""

"""Trains and measures recipes, stores the results in `docs/results.json`, and writes the page `docs/results.md`."""

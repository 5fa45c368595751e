"""The table of results: trains and measures recipes, stores their figures and writes the page."""

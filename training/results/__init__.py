"""The table of results: trains recipes, stores each figure, writes the page."""

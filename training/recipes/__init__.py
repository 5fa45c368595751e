"""The recipes, one module for each model; see `training/recipe.py`."""

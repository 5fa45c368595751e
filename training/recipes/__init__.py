"""The recipes of the models. Each model has a module; see `training/recipe.py`."""

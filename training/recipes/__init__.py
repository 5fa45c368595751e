"""One model's recipe a file; see `training/recipe.py`."""

"""The recipes, one module for each model.

A recipe says how a model is trained: dataset, task, loss, optimizer, epochs, and hyperparameters that differ from the
defaults. It can also have published results as targets. Each module has a dictionary `RECIPES`, from a name to a
`Recipe` (`training/recipe.py`). The first recipe is the default.
"""

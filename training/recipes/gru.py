"""Adds the two marked numbers in a long sequence.

The recipe is the same as for `lstm`, so that the two models can be compared.
"""

from .lstm import RECIPES as RECIPES

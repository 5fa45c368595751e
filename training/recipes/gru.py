"""Adding what is marked in a long sequence: `lstm`'s recipe, so that the two can be compared."""

from .lstm import RECIPES as RECIPES

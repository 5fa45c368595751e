"""Years of sunspots and months of carbon dioxide: `sequence_to_sequence`'s recipes, so that the two can be compared."""

from .sequence_to_sequence import RECIPES as RECIPES

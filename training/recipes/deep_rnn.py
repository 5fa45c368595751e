"""Forecasts sunspots and carbon dioxide.

The recipes are the same as for `sequence_to_sequence`, so that the two models can be compared.
"""

from .sequence_to_sequence import RECIPES as RECIPES

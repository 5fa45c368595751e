"""Forecasts sunspots and carbon dioxide. The recipes are those of `sequence_to_sequence`, to compare the models."""

from .sequence_to_sequence import RECIPES as RECIPES

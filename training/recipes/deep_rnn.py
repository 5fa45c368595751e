"""Forecasts sunspots and carbon dioxide, with the recipes of `sequence_to_sequence` to compare the models."""

from .sequence_to_sequence import RECIPES as RECIPES

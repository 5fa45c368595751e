"""Adds the two marked numbers in a long sequence. The recipe is that of `lstm`, to compare the models."""

from .lstm import RECIPES as RECIPES

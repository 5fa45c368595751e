"""Adds the two marked numbers of a long sequence, with the recipe of `lstm` to compare the models."""

from .lstm import RECIPES as RECIPES

"""Adds the two marked numbers in a long sequence.

The settings are the same as for `simple_rnn`, except for a larger learning rate.
"""

from dataclasses import replace

from .simple_rnn import RECIPES as SIMPLE_RNN

RECIPES = {"adding": replace(SIMPLE_RNN["adding"], learning_rate=3e-3)}

"""Recurrent networks: one cell, applied to a sequence step by step, for values, classes, forecasts or texts."""

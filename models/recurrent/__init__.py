"""Recurrent networks: read a sequence step by step, to predict numbers, classes, forecasts or texts."""

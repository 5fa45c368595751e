"""Recurrent networks: process sequences step by step, to predict numbers, classes, time series or texts."""

"""Measures the tables of `serving/doctor`, layer by layer and runtime by runtime."""

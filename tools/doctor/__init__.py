"""Measures which layers each runtime can run, for the tables of `serving/doctor`."""

"""Draws the pictures of a run."""

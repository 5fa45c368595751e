"""Draws the pictures of a run, as PNG files.

A task calls these functions in its method `draw`. `draw.py` draws all pictures of a trained autoencoder. The functions
in the other files draw NumPy arrays: `answers.py` is for predictions, `series.py` for forecasts, `vectors.py` for embeddings, and `plots.py` has pictures that several tasks use.
`training/results/measure.py` draws `gradients_over_time.py` and the pictures that compare several models.
"""

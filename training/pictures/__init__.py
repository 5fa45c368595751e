"""Draws the pictures of a run, as PNG files.

A task calls these functions in its method `draw`. `draw.py` draws all pictures of a trained autoencoder. The functions
in the other files draw NumPy arrays:

    answers                 predictions: classes, values, masks, boxes, texts
    series                  time series and forecasts
    vectors                 vectors of words and categories
    gradients_over_time     gradients of recurrent networks; `training/results` calls it
    plots                   pictures that several tasks use
"""

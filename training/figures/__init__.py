"""Computes the results of trained models, and of baselines: PCA, scikit-learn, statsmodels and others.

In this project's code, a figure is a number (a plot is a picture). `evaluate.py`, `slow.py`, `pca.py`, `colour.py` and
`likelihood.py` are for autoencoders. `best_inputs.py` is for all networks with images. `metrics.py` and the other files
are for the other tasks.
"""

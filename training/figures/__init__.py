"""Computes the metrics of trained models and of baselines such as PCA, scikit-learn's and statsmodels' models."""

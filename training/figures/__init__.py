"""The figures of a trained model, and of baselines to compare with: PCA, scikit-learn, statsmodels and others."""

"""Code for training data that all datasets share: the class `Dataset`, windows of time series, tokens, and batches.

`training/datasets` has the datasets themselves.
"""

"""The datasets, one module for each; `training.data.dataset.load` loads them by name."""

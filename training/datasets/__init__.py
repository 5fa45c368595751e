"""The datasets. Each has a module; `training.data.dataset.load` loads a dataset by name."""

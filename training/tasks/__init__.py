"""What a model learns, one task a file: how data reach it, what it is judged by, which pictures show it."""

from .base import Task
from .classification import Classification
from .detection import Detection
from .reconstruction import Reconstruction
from .regression import Regression
from .segmentation import Segmentation

# By a recipe's `task`.
TASKS: dict[str, type[Task]] = {
    "reconstruct": Reconstruction,
    "denoise": Reconstruction,
    "colorize": Reconstruction,
    "generate": Reconstruction,
    "classify": Classification,
    "regress": Regression,
    "segment": Segmentation,
    "detect": Detection,
}

__all__ = ["TASKS", "Task"]

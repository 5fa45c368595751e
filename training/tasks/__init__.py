"""The tasks. A task defines the batches, the loss, the results and the pictures of a training."""

from .base import Task
from .classification import Classification
from .detection import Detection
from .entities import Entities
from .forecasting import Forecasting
from .reconstruction import Reconstruction
from .regression import Regression
from .segmentation import Segmentation
from .tagging import Tagging
from .text import TextClassification
from .translation import Translation
from .word_vectors import WordVectors

# The task classes by the name in a recipe's `task`.
TASKS: dict[str, type[Task]] = {
    "reconstruct": Reconstruction,
    "denoise": Reconstruction,
    "colorize": Reconstruction,
    "generate": Reconstruction,
    "classify": Classification,
    "classify_text": TextClassification,
    "regress": Regression,
    "regress_entities": Entities,
    "segment": Segmentation,
    "detect": Detection,
    "forecast": Forecasting,
    "tag": Tagging,
    "translate": Translation,
    "caption": Translation,
    "word_vectors": WordVectors,
}

__all__ = ["TASKS", "Task"]

"""A client for model servers over gRPC or REST, without TensorFlow."""

from .answers import Anomalies, Classification, Detection, GeneratedTexts, Neighbours, Segmentation, Tags
from .client import Client

__all__ = [
    "Anomalies",
    "Classification",
    "Client",
    "Detection",
    "GeneratedTexts",
    "Neighbours",
    "Segmentation",
    "Tags",
]

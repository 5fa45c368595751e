"""A client for model servers over gRPC or REST, without TensorFlow."""

from .answers import Classification, Detection, Neighbours, Segmentation
from .client import Client

__all__ = ["Classification", "Client", "Detection", "Neighbours", "Segmentation"]

"""Keras Gallery: Keras models from training to serving.

    import keras_gallery as kg

    run = kg.train("denoising_autoencoder", epochs=2)
    kg.export(run)
    digits = kg.load_dataset("mnist_5k").x_test[:5]
    with kg.serve("denoising_autoencoder") as server, kg.Client(server.grpc) as client:
        print(client.encode("denoising_autoencoder", digits).shape)

The import is fast: Keras, TensorFlow, gRPC and NumPy are imported by the first call that needs them.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from .api import create, evaluate, export, list_models, load_dataset, train
from .server import serve
from .tuning import tune

if TYPE_CHECKING:
    from .serving.client import Client
    from .training import Dataset, Recipe, Run

    __version__: str

__all__ = [
    "Client",
    "Dataset",
    "Recipe",
    "Run",
    "__version__",
    "create",
    "evaluate",
    "export",
    "list_models",
    "load_dataset",
    "serve",
    "train",
    "tune",
]

# Without this line, `import openvino` reports to an analytics service and writes an identifier into the home folder.
# Every process that uses OpenVINO imports this package first.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

_LAZY = {"Client": "serving.client", "Dataset": "training", "Recipe": "training", "Run": "training"}


def __getattr__(name: str) -> Any:
    """Imports a class, or reads the version, when it is first used."""
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("keras-gallery")
    elif name in _LAZY:
        from .loading import loading

        with loading():
            value = getattr(importlib.import_module(f".{_LAZY[name]}", __name__), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""Signatures for REST predict requests, and a function that reads the body of a request."""

from __future__ import annotations

from typing import Any

from keras_gallery.serving.wire import dtypes
from keras_gallery.serving.wire.json import predict as json_predict
from keras_gallery.serving.wire.signature import SignatureDef, TensorSpec

ROWS = {row.name: row for row in dtypes.DATA_TYPES}


def signature(**inputs: str) -> SignatureDef:
    """Returns a signature with inputs of the named data types."""
    return SignatureDef("s", "", {name: TensorSpec(name, ROWS[dtype], None) for name, dtype in inputs.items()}, {})


FLOAT, INT, TEXT = signature(x="float"), signature(x="int32"), signature(x="string")
BOTH = signature(a="float", b="int64")


def read(body: str | bytes, definition: SignatureDef) -> Any:
    data = body if isinstance(body, bytes) else body.encode()
    return json_predict.arrays(json_predict.parse(data), definition)

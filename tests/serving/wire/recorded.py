"""TensorFlow's answers about tensors, recorded: so that the tests compare with TensorFlow where it is not installed.

`test_recorded.py` compares the recorded answers with the installed TensorFlow. After a change of the requests, record
the answers anew: `RECORD=1 python -m pytest tests/serving/wire/test_tensor.py -m ''`.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
import json
import warnings
import zlib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from keras_gallery.serving.wire.dtypes import BY_NUMBER, STRING

FILE = Path(__file__).with_name("recorded.json")
Array = np.ndarray[Any, Any]
Request = dict[str, Any]


class Recorded:
    """TensorFlow's recorded answers. A request without one raises KeyError."""

    def __init__(self) -> None:
        self.calls: dict[str, dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}

    def answer(self, request: Request) -> Any:
        return self.calls[_key(request)]["answer"]

    def make_tensor_proto(self, array: Array, number: int) -> bytes:
        """`tf.make_tensor_proto`, serialized."""
        return _unpacked(self.answer({"call": "make_tensor_proto", "dtype": number, "array": pack_array(array)}))

    def parse_tensor(self, data: bytes, number: int) -> Array | None:
        """`tf.io.parse_tensor`; None if TensorFlow raises InvalidArgumentError."""
        found = self.answer({"call": "parse_tensor", "dtype": number, "data": _packed(data)})
        return None if found is None else unpack_array(found, number)


class Recorder(Recorded):
    """Asks TensorFlow, and keeps the answers for `write`."""

    def __init__(self) -> None:
        self.calls = {}
        tensorflow()

    def answer(self, request: Request) -> Any:
        found = ask_tensorflow(request)
        self.calls[_key(request)] = {"request": request, "answer": found}
        return found

    def write(self) -> None:
        lines = (f"{json.dumps(key)}: {json.dumps(self.calls[key])}" for key in sorted(self.calls))
        FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def tensorflow() -> ModuleType:
    # Not by an import statement, which would mark all tests that use the recorded answers as tests of the models extra.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("tensorflow")


def ask_tensorflow(request: Request) -> Any:
    tf = tensorflow()
    number = request["dtype"]
    if request["call"] == "make_tensor_proto":
        proto = tf.make_tensor_proto(unpack_array(request["array"], number), dtype=number)
        return _packed(proto.SerializeToString(deterministic=True))
    try:
        parsed = tf.io.parse_tensor(_unpacked(request["data"]), number)
    except tf.errors.InvalidArgumentError:
        return None
    return pack_array(np.asarray(parsed.numpy(), BY_NUMBER[number].numpy))


def pack_array(array: Array) -> dict[str, Any]:
    values = [_packed(each) for each in array.ravel()] if array.dtype == object else _packed(array.tobytes())
    return {"shape": list(array.shape), "values": values}


def unpack_array(packed: dict[str, Any], number: int) -> Array:
    shape, values = packed["shape"], packed["values"]
    if number != STRING.number:
        return np.frombuffer(_unpacked(values), BY_NUMBER[number].numpy).reshape(shape)
    array = np.empty(len(values), object)
    array[:] = [_unpacked(each) for each in values]
    return array.reshape(shape)


def _packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 9)).decode()


def _unpacked(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))


def _key(request: Request) -> str:
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()[:16]

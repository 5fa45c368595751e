"""Recorded results of TensorFlow's functions for tensors, so that the tests run without TensorFlow.

`test_recorded.py` compares the recorded results with the installed TensorFlow. If a test calls the functions with new
arguments, record the results anew: `RECORD=1 python -m pytest tests/serving/wire/test_tensor.py -m ''`.
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
    """Returns TensorFlow's recorded results. Raises KeyError for a call that is not recorded."""

    def __init__(self) -> None:
        self.calls: dict[str, dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}

    def answer(self, request: Request) -> Any:
        return self.calls[_key(request)]["answer"]

    def make_tensor_proto(self, array: Array, number: int) -> bytes:
        """Returns the result of `tf.make_tensor_proto`, serialized."""
        return _unpacked(self.answer({"call": "make_tensor_proto", "dtype": number, "array": pack_array(array)}))

    def parse_tensor(self, data: bytes, number: int) -> Array | None:
        """Returns the result of `tf.io.parse_tensor`. Returns None if TensorFlow raises InvalidArgumentError."""
        answer = self.answer({"call": "parse_tensor", "dtype": number, "data": _packed(data)})
        return None if answer is None else unpack_array(answer, number)


class Recorder(Recorded):
    """Calls TensorFlow and stores the results. `write` saves the results to the file."""

    def __init__(self) -> None:
        self.calls = {}
        tensorflow()

    def answer(self, request: Request) -> Any:
        answer = ask_tensorflow(request)
        self.calls[_key(request)] = {"request": request, "answer": answer}
        return answer

    def write(self) -> None:
        lines = (f"{json.dumps(key)}: {json.dumps(self.calls[key])}" for key in sorted(self.calls))
        FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def tensorflow() -> ModuleType:
    # An import statement would mark all tests that use the recorded results as tests that need the models extra.
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

"""TensorFlow's C library, without TensorFlow's Python: ready in half a second instead of ten.

The wheel of TensorFlow holds the library that TensorFlow Serving is built on. Only the child processes load it.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import os
from ctypes import POINTER, c_char_p, c_int, c_int64, c_size_t, c_void_p
from pathlib import Path
from typing import Any

from ...quiet import quiet_import

STRING = 7  # the number of the dtype
STRING_BYTES = 24  # the size of a TF_TString


class TensorFlowError(Exception):
    """What TensorFlow reports: its message, and the number of the gRPC code that goes with it."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Output(ctypes.Structure):
    """TF_Output: one output of an operation of a graph."""

    _fields_ = [("operation", c_void_p), ("index", c_int)]


Deallocator = ctypes.CFUNCTYPE(None, c_void_p, c_size_t, c_void_p)

# Functions that may take long let other threads go on meanwhile; for the others that would cost more than it saves.
_SLOW = {
    "TF_LoadSessionFromSavedModel": (
        c_void_p, c_void_p, c_void_p, c_char_p, POINTER(c_char_p), c_int, c_void_p, c_void_p, c_void_p
    ),
    "TF_SessionRun": (
        None, c_void_p, c_void_p, POINTER(Output), POINTER(c_void_p), c_int,
        POINTER(Output), POINTER(c_void_p), c_int, c_void_p, c_int, c_void_p, c_void_p
    ),
    "TF_CloseSession": (None, c_void_p, c_void_p),
    "TF_DeleteSession": (None, c_void_p, c_void_p),
    "TF_DeleteGraph": (None, c_void_p),
}  # fmt: skip
_QUICK = {
    "TF_AllocateTensor": (c_void_p, c_int, POINTER(c_int64), c_int, c_size_t),
    "TF_DeleteSessionOptions": (None, c_void_p),
    "TF_DeleteStatus": (None, c_void_p),
    "TF_DeleteTensor": (None, c_void_p),
    "TF_NewBufferFromString": (c_void_p, c_char_p, c_size_t),
    "TF_Dim": (c_int64, c_void_p, c_int),
    "TF_GetCode": (c_int, c_void_p),
    "TF_GraphOperationByName": (c_void_p, c_void_p, c_char_p),
    "TF_Message": (c_char_p, c_void_p),
    "TF_NewGraph": (c_void_p,),
    "TF_NewSessionOptions": (c_void_p,),
    "TF_NewStatus": (c_void_p,),
    "TF_NewTensor": (
        c_void_p, c_int, POINTER(c_int64), c_int, c_void_p, c_size_t, Deallocator, c_void_p
    ),
    "TF_NumDims": (c_int, c_void_p),
    "TF_OperationNumOutputs": (c_int, c_void_p),
    "TF_SetConfig": (None, c_void_p, c_char_p, c_size_t, c_void_p),
    "TF_StringCopy": (None, c_void_p, c_char_p, c_size_t),
    "TF_StringDealloc": (None, c_void_p),
    "TF_StringGetDataPointer": (c_void_p, c_void_p),
    "TF_StringGetSize": (c_size_t, c_void_p),
    "TF_TensorByteSize": (c_size_t, c_void_p),
    "TF_TensorData": (c_void_p, c_void_p),
    "TF_TensorType": (c_int, c_void_p),
}  # fmt: skip


def find() -> Path | None:
    """The library's file; None where TensorFlow is not installed, or comes without it (as it does on Windows)."""
    spec = importlib.util.find_spec("tensorflow")
    folders = spec.submodule_search_locations if spec else None
    found = [file for folder in folders or () for file in Path(folder).glob("libtensorflow_cc.*")]
    return found[0] if found else None


class Library:
    """The functions of `tensorflow/c/c_api.h` that are used here, as methods without their `TF_`."""

    def __init__(self, path: Path) -> None:
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
        with quiet_import():
            slow, quick = ctypes.CDLL(str(path)), ctypes.PyDLL(str(path))
        for library, functions in ((slow, _SLOW), (quick, _QUICK)):
            for name, (result, *arguments) in functions.items():
                function = getattr(library, name)
                function.restype, function.argtypes = result, arguments
                setattr(self, name.removeprefix("TF_"), function)

    def __getattr__(self, name: str) -> Any:  # for type checkers: __init__ sets them all
        raise AttributeError(name)


@functools.cache
def library() -> Library:
    """The library, loaded once. RuntimeError where there is none."""
    path = find()
    if path is None:
        raise RuntimeError("Expected TensorFlow to be installed. Received: no libtensorflow_cc")
    return Library(path)


class Status:
    """What a call reports; to be used in a `with`, at whose end an error is raised as `TensorFlowError`."""

    def __enter__(self) -> int:
        self._pointer = int(library().NewStatus())
        return self._pointer

    def __exit__(self, *_: object) -> None:
        code = library().GetCode(self._pointer)
        text = library().Message(self._pointer) if code else b""
        library().DeleteStatus(self._pointer)
        if code:
            raise TensorFlowError(code, text.decode(errors="replace"))

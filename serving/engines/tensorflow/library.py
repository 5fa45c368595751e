"""Calls TensorFlow's C library through ctypes. The library loads in 0.5 s, TensorFlow's Python package in 10 s.

The library is part of TensorFlow's wheel. TensorFlow Serving is built on the same code. Only child processes of the
server load the library.
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

STRING = 7  # number of the dtype
STRING_BYTES = 24  # size of a TF_TString


class TensorFlowError(Exception):
    """An error that TensorFlow reports. `code` is the number of the gRPC code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Output(ctypes.Structure):
    """TF_Output: an output of a graph operation."""

    _fields_ = [("operation", c_void_p), ("index", c_int)]


Deallocator = ctypes.CFUNCTYPE(None, c_void_p, c_size_t, c_void_p)

# ctypes releases the GIL for slow functions. For quick functions, releasing the GIL costs more than it saves.
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
    "TF_DeleteBuffer": (None, c_void_p),
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
    """Returns the library's file, or None if TensorFlow is not installed or has no such file (as on Windows)."""
    spec = importlib.util.find_spec("tensorflow")
    folders = spec.submodule_search_locations if spec else None
    files = [file for folder in folders or () for file in Path(folder).glob("libtensorflow_cc.*")]
    return files[0] if files else None


class Library:
    """The functions of `tensorflow/c/c_api.h` that are used here, as methods without the prefix `TF_`."""

    def __init__(self, path: Path) -> None:
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
        with quiet_import():
            slow, quick = ctypes.CDLL(str(path)), ctypes.PyDLL(str(path))
        for library, functions in ((slow, _SLOW), (quick, _QUICK)):
            for name, (result, *arguments) in functions.items():
                function = getattr(library, name)
                function.restype, function.argtypes = result, arguments
                setattr(self, name.removeprefix("TF_"), function)

    def __getattr__(self, name: str) -> Any:  # for type checkers: __init__ sets all functions
        raise AttributeError(name)


@functools.cache
def library() -> Library:
    """Returns the library, and loads it on the first call. Raises RuntimeError if `find` returns None."""
    path = find()
    if path is None:
        raise RuntimeError("TensorFlow is not installed (no libtensorflow_cc): pip install '.[models]'")
    return Library(path)


class Status:
    """A context manager for the status of C calls. On exit, raises TensorFlowError if a call reported an error."""

    def __enter__(self) -> int:
        self._pointer = int(library().NewStatus())
        return self._pointer

    def __exit__(self, *_: object) -> None:
        code = library().GetCode(self._pointer)
        text = library().Message(self._pointer) if code else b""
        library().DeleteStatus(self._pointer)
        if code:
            raise TensorFlowError(code, text.decode(errors="replace"))

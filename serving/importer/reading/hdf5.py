"""Opens untrusted HDF5 files. All objects are checked before the first array is read."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from ...errors import InvalidArgument, PermissionDenied, ResourceExhausted
from .bounds import check_size
from .causes import cause

MAX_OBJECTS = 100_000
MAX_DEPTH = 64

_NUMBER_KINDS = "biuf"
_FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}


@contextmanager
def open_checked(path: Path) -> Iterator[h5py.File]:
    """Opens an HDF5 file for reading, after checking that it has only groups, attributes and arrays of numbers.

    Raises:
        InvalidArgument: the file is damaged or is not an HDF5 file.
        PermissionDenied: the file has links, external or virtual data, two paths to an object, a compression other than
            gzip, or values that are neither numbers nor text.
        ResourceExhausted: the file has too many objects or levels, or its arrays are larger than `check_size` allows.
    """
    with _read_errors(path.name):
        file = h5py.File(path, "r")
    with file:
        with _read_errors(path.name):
            _Walk(path.stat().st_size).group(file, depth=0)
        yield file


@contextmanager
def _read_errors(name: str) -> Iterator[None]:
    """Turns the errors of reading an HDF5 file into InvalidArgument."""
    try:
        yield
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise InvalidArgument(f"Damaged HDF5 file: {name} cannot be read ({cause(error)})") from None


class _Walk:
    """Visits and checks all objects of a file of `length` bytes, and adds up their sizes."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.declared = self.stored = self.attributes = 0
        self.seen: set[int] = set()

    def group(self, group: h5py.Group, depth: int) -> None:
        self._enter(group, depth)
        for name in group:
            link = group.get(name, getlink=True)
            path = f"{group.name.rstrip('/')}/{name}"
            if not isinstance(link, h5py.HardLink):
                raise PermissionDenied(
                    f"Expected an HDF5 file without links. Received: {path!r}, a link of type {type(link).__name__}"
                )
            item = group[name]
            if isinstance(item, h5py.Group):
                self.group(item, depth + 1)
            elif isinstance(item, h5py.Dataset):
                self._enter(item, depth + 1)
                self.dataset(item)
            else:
                raise PermissionDenied(f"Expected groups and arrays in the HDF5 file. Received: {path!r}, a data type")

    def _enter(self, item: Any, depth: int) -> None:
        address = h5py.h5o.get_info(item.id).addr
        if address in self.seen:
            raise PermissionDenied(f"Expected one path to each object of the HDF5 file. Received: {item.name!r} again")
        self.seen.add(address)
        if len(self.seen) > MAX_OBJECTS or depth > MAX_DEPTH:
            raise ResourceExhausted(
                f"Expected an HDF5 file of at most {MAX_OBJECTS:,} objects and {MAX_DEPTH} levels. "
                f"Received: more, at {item.name[:100]!r}"
            )
        for name in item.attrs:
            self._attribute(f"{item.name}@{name}", item.attrs.get_id(name))

    def _attribute(self, path: str, attribute: h5py.h5a.AttrID) -> None:
        dtype = attribute.dtype
        if dtype.kind not in _NUMBER_KINDS + "S" and not h5py.check_string_dtype(dtype):
            raise PermissionDenied(_unsupported_type(path, dtype))
        self.attributes += math.prod(attribute.shape or ()) * dtype.itemsize  # the shape of an empty attribute is None
        check_size(f"the attributes from the first one to {path!r} together", self.attributes, self.length)

    def dataset(self, dataset: h5py.Dataset) -> None:
        path = dataset.name
        layout = dataset.id.get_create_plist()
        if layout.get_external_count():
            raise PermissionDenied(f"Expected arrays within the HDF5 file. Received: {path!r}, stored in another file")
        if dataset.is_virtual:
            raise PermissionDenied(f"Expected arrays within the HDF5 file. Received: {path!r}, a virtual dataset")
        if dataset.dtype.kind not in _NUMBER_KINDS and not _is_bfloat16(dataset):
            raise PermissionDenied(_unsupported_type(path, dataset.dtype))
        filters = {layout.get_filter(at)[0] for at in range(layout.get_nfilters())}
        if not filters <= _FILTERS:
            raise PermissionDenied(
                f"Expected arrays without compression or with gzip. Received: {path!r} with filter "
                f"{sorted(filters - _FILTERS)[0]}"
            )
        declared = (dataset.size or 0) * dataset.dtype.itemsize
        stored = min(dataset.id.get_storage_size(), self.length)
        check_size(f"array {path!r}", declared, stored)
        if dataset.chunks and (chunk := math.prod(dataset.chunks) * dataset.dtype.itemsize) > declared:
            check_size(f"a chunk of array {path!r}", chunk, stored)
        self.declared += declared
        self.stored += stored
        # Arrays can share stored bytes, which `self.stored` then counts several times. So the total is compared with
        # the length of the file.
        total = max(self.declared, self.stored)
        check_size(f"the arrays from the first one to {path!r} together", total, self.length)


def _is_bfloat16(dataset: h5py.Dataset) -> bool:
    """Whether an array holds bfloat16: Keras writes opaque two-byte values with the attribute dtype="bfloat16"."""
    return bool(dataset.dtype.str == "|V2" and dataset.attrs.get("dtype") == "bfloat16")


def _unsupported_type(path: str, dtype: Any) -> str:
    return f"Expected numbers in the HDF5 file, and text in its attributes. Received: {path!r} of type {dtype}"


def text(file: h5py.File, name: str) -> str:
    """Returns a text attribute of the file, or "" if it is missing. Raises InvalidArgument if it is not text."""
    if name not in file.attrs:
        return ""
    with _read_errors(name):
        value = file.attrs[name]
        if isinstance(value, bytes):
            return value.decode()
        if isinstance(value, str):
            return value
    raise InvalidArgument(f"Expected text in the attribute {name} of the HDF5 file. Received: {type(value).__name__}")

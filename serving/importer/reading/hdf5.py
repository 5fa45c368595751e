"""HDF5 files of untrusted origin: walked and checked before any array is read."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from ...errors import InvalidArgument, PermissionDenied, ResourceExhausted
from .bounds import check_size

MAX_OBJECTS = 100_000
MAX_DEPTH = 64

_NUMBERS = "biuf"
_FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}


@contextmanager
def open_checked(path: Path) -> Iterator[h5py.File]:
    """An HDF5 file, open for reading, that holds nothing but groups, attributes and arrays of numbers of its own.

    Raises:
        InvalidArgument: it is damaged, or no HDF5 file.
        PermissionDenied: it refers to other files or objects, or holds values that are no numbers and no text.
        ResourceExhausted: it is too large, too deep, or declares more than its bytes justify.
    """
    with _whole(path.name):
        file = h5py.File(path, "r")
    with file:
        with _whole(path.name):
            _Walk(path.stat().st_size).group(file, depth=0)
        yield file


@contextmanager
def _whole(name: str) -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InvalidArgument(f"Expected a whole HDF5 file. Received: {name}, which is damaged ({reason})") from None


class _Walk:
    """Visits every object once and adds up what they declare."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.declared = self.stored = self.attributes = 0
        self.seen: set[int] = set()

    def group(self, group: h5py.Group, depth: int) -> None:
        self._enter(group, depth)
        for name in group:
            link = group.get(name, getlink=True)
            place = f"{group.name.rstrip('/')}/{name}"
            if not isinstance(link, h5py.HardLink):
                raise PermissionDenied(
                    f"Expected an HDF5 file without links to elsewhere. Received: {place!r}, {type(link).__name__}"
                )
            found = group[name]
            if isinstance(found, h5py.Group):
                self.group(found, depth + 1)
            elif isinstance(found, h5py.Dataset):
                self._enter(found, depth + 1)
                self.dataset(found)
            else:
                raise PermissionDenied(f"Expected groups and arrays in the HDF5 file. Received: {place!r}, a data type")

    def _enter(self, found: Any, depth: int) -> None:
        address = h5py.h5o.get_info(found.id).addr
        if address in self.seen:
            raise PermissionDenied(f"Expected each object of the HDF5 file once. Received: {found.name!r} again")
        self.seen.add(address)
        if len(self.seen) > MAX_OBJECTS or depth > MAX_DEPTH:
            raise ResourceExhausted(
                f"Expected at most {MAX_OBJECTS:,} objects in {MAX_DEPTH} levels in the HDF5 file. "
                f"Received: more, at {found.name[:100]!r}"
            )
        for name in found.attrs:
            self._attribute(f"{found.name}@{name}", found.attrs.get_id(name))

    def _attribute(self, place: str, attribute: h5py.h5a.AttrID) -> None:
        dtype = attribute.dtype
        if dtype.kind not in _NUMBERS + "S" and not h5py.check_string_dtype(dtype):
            raise PermissionDenied(_odd_type(place, dtype))
        self.attributes += math.prod(attribute.shape or ()) * dtype.itemsize  # no shape: it is empty
        check_size(f"attributes up to {place!r}", self.attributes, self.length)

    def dataset(self, dataset: h5py.Dataset) -> None:
        place = dataset.name
        layout = dataset.id.get_create_plist()
        if layout.get_external_count():
            raise PermissionDenied(f"Expected arrays within the HDF5 file. Received: {place!r}, kept in another file")
        if dataset.is_virtual:
            raise PermissionDenied(f"Expected arrays within the HDF5 file. Received: {place!r}, a virtual dataset")
        if dataset.dtype.kind not in _NUMBERS and not _is_bfloat16(dataset):
            raise PermissionDenied(_odd_type(place, dataset.dtype))
        filters = {layout.get_filter(at)[0] for at in range(layout.get_nfilters())}
        if not filters <= _FILTERS:
            raise PermissionDenied(
                f"Expected arrays that are plain or packed with gzip. Received: {place!r} with filter "
                f"{sorted(filters - _FILTERS)[0]}"
            )
        declared = (dataset.size or 0) * dataset.dtype.itemsize
        stored = min(dataset.id.get_storage_size(), self.length)
        check_size(f"array {place!r}", declared, stored)
        if dataset.chunks and (chunk := math.prod(dataset.chunks) * dataset.dtype.itemsize) > declared:
            check_size(f"a chunk of array {place!r}", chunk, stored)
        self.declared += declared
        self.stored += stored
        # Arrays that lie over one another would count the same bytes again and again.
        check_size(f"the arrays up to {place!r}", max(self.declared, self.stored), self.length)


def _is_bfloat16(dataset: h5py.Dataset) -> bool:
    """Keras keeps them as two bytes of no type, and says so beside them."""
    return bool(dataset.dtype.str == "|V2" and dataset.attrs.get("dtype") == "bfloat16")


def _odd_type(place: str, dtype: Any) -> str:
    return f"Expected numbers in the HDF5 file, and text in its attributes. Received: {place!r} of type {dtype}"


def text(file: h5py.File, name: str) -> str:
    """A text among the file's attributes; "" where it is not there. Raises InvalidArgument for what is no text."""
    if name not in file.attrs:
        return ""
    with _whole(name):
        value = file.attrs[name]
        if isinstance(value, bytes):
            return value.decode()
        if isinstance(value, str):
            return value
    raise InvalidArgument(f"Expected text in the attribute {name} of the HDF5 file. Received: {type(value).__name__}")

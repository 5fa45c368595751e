"""Reads the zip archive of a .keras file. All members are checked before the first one is read."""

from __future__ import annotations

import io
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from ...errors import InvalidArgument, PermissionDenied, ResourceExhausted
from .bounds import check_size
from .causes import cause

CONFIG, METADATA = "config.json", "metadata.json"
WEIGHTS = ("model.weights.h5", "model.weights.npz")
ASSETS = "assets/"  # a folder for each layer, with files such as the vocabulary of a lookup layer

MAX_MEMBERS = 10_000
MAX_DIRECTORY_BYTES = 4 << 20
MAX_DEPTH = 32
_CHUNK = 1 << 20

_READ_ERRORS = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, OSError, ValueError)
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class _BoundedFile(io.FileIO):
    """A file that limits the size of a read until `opened` is set.

    `zipfile` reads the whole directory of an archive in one call. The limit bounds the memory for this call.
    """

    opened = False

    def read(self, size: int | None = -1, /) -> bytes:
        if not self.opened and size is not None and size > MAX_DIRECTORY_BYTES:
            raise ResourceExhausted(
                f"Expected an archive directory of at most {MAX_DIRECTORY_BYTES:,} bytes. Received: {size:,}"
            )
        return super().read(size) or b""


@contextmanager
def open_checked(path: Path) -> Iterator[zipfile.ZipFile]:
    """Opens a zip archive after checking the name, type and size of each member.

    Raises:
        InvalidArgument: the file is damaged or is not a zip archive.
        PermissionDenied: a member has an unsafe path, is a link or a device, is encrypted, uses another compression
            than deflate, or occurs twice.
        ResourceExhausted: the directory is too long, there are too many members, or the members unpack to more than
            `check_size` allows.
    """
    with _BoundedFile(path) as file:
        with _read_errors(path.name):
            archive = zipfile.ZipFile(file)
        file.opened = True
        with archive:
            _check(archive.infolist(), path.stat().st_size)
            yield archive


def read(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """Returns the bytes of a member.

    Raises:
        InvalidArgument: the member is damaged or missing.
        ResourceExhausted: the member is longer than `limit` bytes.
    """
    with _read_errors(name):
        if name not in archive.NameToInfo:
            raise InvalidArgument(f"The archive has no member {name}")
        if (length := archive.getinfo(name).file_size) > limit:
            raise ResourceExhausted(f"Expected {name} to have at most {limit:,} bytes. Received: {length:,}")
        return archive.read(name)


def extract(archive: zipfile.ZipFile, names: Iterable[str], folder: Path) -> None:
    """Extracts members of a checked archive into a folder.

    Raises InvalidArgument if a member is damaged, or if a file of that name exists in the folder.
    """
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        with _read_errors(name), archive.open(name) as member, open(file, "xb") as out:
            shutil.copyfileobj(member, out, _CHUNK)


def members(archive: zipfile.ZipFile, prefix: str) -> list[str]:
    """Returns the names of the files in a folder of the archive, such as "assets/"."""
    return [each.filename for each in archive.infolist() if each.filename.startswith(prefix) and not each.is_dir()]


@contextmanager
def _read_errors(name: str) -> Iterator[None]:
    """Turns the errors of reading a zip archive into InvalidArgument."""
    try:
        yield
    except RecursionError:
        raise
    except (*_READ_ERRORS, RuntimeError) as error:  # RuntimeError: the member is encrypted
        raise InvalidArgument(f"Damaged zip archive: {name} cannot be read ({cause(error)})") from None


def _check(infos: list[zipfile.ZipInfo], length: int) -> None:
    if len(infos) > MAX_MEMBERS:
        raise ResourceExhausted(f"Expected an archive of at most {MAX_MEMBERS:,} members. Received: {len(infos):,}")
    seen = set()
    for info in infos:
        if reason := _problem(info):
            raise PermissionDenied(f"Unsafe archive: member {info.orig_filename!r} {reason}")
        # Ignore case, as some file systems do.
        key = info.filename.rstrip("/").casefold()
        if key in seen:
            raise PermissionDenied(f"Unsafe archive: member {info.filename!r} occurs twice")
        seen.add(key)
        check_size(f"member {info.filename!r}", info.file_size, info.compress_size)
    # Members can share stored bytes, which the sum then counts several times. So it is compared with the file's length.
    if (stored := sum(info.compress_size for info in infos)) > length:
        raise ResourceExhausted(
            f"Expected the compressed members to have at most {length:,} bytes, the length of the file. "
            f"Received: {stored:,}"
        )
    check_size("the archive", sum(info.file_size for info in infos), length)


def _problem(info: zipfile.ZipInfo) -> str:
    """Returns why a member is refused, or "" if it is accepted."""
    name, parts = info.orig_filename, PurePosixPath(info.orig_filename).parts
    if not parts or name.startswith("/") or ".." in parts or "\\" in name or ":" in name or not name.isprintable():
        return "has a path that leaves the archive"
    if len(parts) > MAX_DEPTH or any(len(part) > 255 for part in parts):
        return "has a path that is too long"
    file_type = stat.S_IFMT(info.external_attr >> 16)
    if file_type not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device"
    if info.compress_type not in _COMPRESSIONS or info.flag_bits & 0x1:
        return "is encrypted, or compressed with another method than deflate"
    return ""

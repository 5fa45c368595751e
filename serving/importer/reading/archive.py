"""The zip archive of a .keras file: every member is checked before any is read."""

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

CONFIG, METADATA = "config.json", "metadata.json"
WEIGHTS = ("model.weights.h5", "model.weights.npz")
ASSETS = "assets/"  # such as the words of a lookup layer, a folder a layer

MAX_MEMBERS = 10_000
MAX_DIRECTORY_BYTES = 4 << 20
MAX_DEPTH = 32
_PIECE = 1 << 20

_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, OSError, ValueError)
_PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class _File(io.FileIO):
    """Bounds the directory of an archive, which `zipfile` reads in one piece; then `checked` is to be set."""

    checked = False

    def read(self, size: int | None = -1, /) -> bytes:
        if not self.checked and size is not None and size > MAX_DIRECTORY_BYTES:
            raise ResourceExhausted(
                f"Expected a directory of at most {MAX_DIRECTORY_BYTES:,} bytes in the archive. Received: {size:,}"
            )
        return super().read(size) or b""


@contextmanager
def open_checked(path: Path) -> Iterator[zipfile.ZipFile]:
    """An archive whose members' names, kinds and sizes are in order.

    Raises:
        InvalidArgument: it is damaged, or no zip archive.
        PermissionDenied: a member would be written elsewhere than below the folder, or is there twice.
        ResourceExhausted: too many members, or they unpack to more than the memory or their bytes justify.
    """
    with _File(path) as file:
        with _whole(path.name):
            archive = zipfile.ZipFile(file)
        file.checked = True
        with archive:
            _check(archive.infolist(), path.stat().st_size)
            yield archive


def read(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """A member's bytes. Raises InvalidArgument where it is damaged or not there, ResourceExhausted beyond `limit`."""
    with _whole(name):
        if name not in archive.NameToInfo:
            raise InvalidArgument(f"Expected a member {name} in the archive. Received: none")
        if (length := archive.getinfo(name).file_size) > limit:
            raise ResourceExhausted(f"Expected a {name} of at most {limit:,} bytes. Received: {length:,}")
        return archive.read(name)


def extract(archive: zipfile.ZipFile, names: Iterable[str], folder: Path) -> None:
    """Writes members of a checked archive below a folder. Raises InvalidArgument where one is damaged."""
    for name in names:
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        with _whole(name), archive.open(name) as member, open(place, "xb") as out:
            shutil.copyfileobj(member, out, _PIECE)


def members(archive: zipfile.ZipFile, prefix: str) -> list[str]:
    """The names of the files below a folder of the archive, such as "assets/"."""
    return [each.filename for each in archive.infolist() if each.filename.startswith(prefix) and not each.is_dir()]


@contextmanager
def _whole(name: str) -> Iterator[None]:
    try:
        yield
    except RecursionError:
        raise
    except (*_DAMAGE, RuntimeError) as error:  # RuntimeError: a password is needed
        reason = " ".join(str(error).split())[:200]
        raise InvalidArgument(f"Expected a whole zip archive. Received: {name}, which is damaged ({reason})") from None


def _check(infos: list[zipfile.ZipInfo], length: int) -> None:
    if len(infos) > MAX_MEMBERS:
        raise ResourceExhausted(f"Expected at most {MAX_MEMBERS:,} members in the archive. Received: {len(infos):,}")
    seen = set()
    for info in infos:
        if reason := _reason_against(info):
            raise PermissionDenied(
                f"Expected plain files below the archive's folder. Received: member {info.orig_filename!r}, {reason}"
            )
        # Some file systems tell no capitals from small letters.
        key = info.filename.rstrip("/").casefold()
        if key in seen:
            raise PermissionDenied(f"Expected each member once. Received: {info.filename!r} twice")
        seen.add(key)
        check_size(f"member {info.filename!r}", info.file_size, info.compress_size)
    # Members that lie over one another would count the same bytes again and again.
    if (stored := sum(info.compress_size for info in infos)) > length:
        raise ResourceExhausted(f"Expected members of {length:,} bytes together, as the file has. Received: {stored:,}")
    check_size("the archive", sum(info.file_size for info in infos), length)


def _reason_against(info: zipfile.ZipInfo) -> str:
    """Why a member is not taken; "" where it is."""
    name, parts = info.orig_filename, PurePosixPath(info.orig_filename).parts
    if not parts or name.startswith("/") or ".." in parts or "\\" in name or ":" in name or not name.isprintable():
        return "whose name leads elsewhere"
    if len(parts) > MAX_DEPTH or any(len(part) > 255 for part in parts):
        return "whose name is too long"
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "which is a link or a device"
    if info.compress_type not in _PLAIN or info.flag_bits & 0x1:
        return "which is encrypted or packed otherwise than zip's own way"
    return ""

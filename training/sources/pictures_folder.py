"""Lists the pictures of a folder. No file is opened, so that 200,000 files take about a second."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import BadData

SUFFIXES = (b".png", b".jpg", b".jpeg", b".jpe", b".jfif", b".bmp", b".dib", b".tif", b".tiff", b".webp")
KINDS = "PNG, JPEG, BMP, TIFF, WebP"
HIDDEN, LINKS, OTHERS, OUTSIDE = "hidden", "symbolic links", "in other file formats", "outside of the class folders"


@dataclass
class Listing:
    """The pictures of a folder, in the order of their names.

    Attributes:
        root: the folder.
        paths: path of each picture below `root`, as bytes: file names need not be valid text.
        ignored: number of ignored files and folders, by reason.
    """

    root: Path
    paths: list[bytes] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)

    @property
    def name(self) -> str:
        """Name of the folder, for messages."""
        return shown(os.path.basename(os.path.realpath(os.fsencode(self.root))) or os.fsencode(self.root))

    def tops(self) -> list[bytes]:
        """Returns the subfolder of the folder that contains each picture; empty for pictures in the folder itself."""
        return [path.split(b"/", 1)[0] if b"/" in path else b"" for path in self.paths]

    def folders(self) -> list[bytes]:
        """Returns the folder of each picture, as a path below `root`."""
        return [path.rpartition(b"/")[0] for path in self.paths]

    def keep(self, wanted: list[bool], reason: str) -> None:
        """Keeps only the wanted pictures, and counts the others as ignored."""
        self.ignored[reason] += wanted.count(False)
        self.paths = [path for path, is_wanted in zip(self.paths, wanted, strict=True) if is_wanted]

    def ignored_text(self) -> str:
        """Returns the numbers of ignored files, such as `2 hidden, 1 in other file formats`."""
        return ", ".join(f"{count:,} {reason}" for reason, count in self.ignored.items() if count)


def list_pictures(folder: str | Path) -> Listing:
    """Lists the pictures in a folder and in its subfolders.

    A file is a picture if its name ends with one of `SUFFIXES`. Hidden files and folders (their names start with a
    dot), symbolic links, and other files are ignored and counted.

    Raises:
        BadData: the folder or a subfolder cannot be read, or there are no pictures.
    """
    listing = Listing(Path(folder))
    top = os.fsencode(folder)
    waiting = [b""]  # folders below `top`
    while waiting:
        below = waiting.pop()
        try:
            with os.scandir(os.path.join(top, below) if below else top) as entries:
                for entry in entries:
                    path = below + b"/" + entry.name if below else entry.name
                    if entry.name.startswith(b"."):
                        listing.ignored[HIDDEN] += 1
                    elif entry.is_symlink():
                        listing.ignored[LINKS] += 1
                    elif entry.is_dir(follow_symlinks=False):
                        waiting.append(path)
                    elif entry.is_file(follow_symlinks=False) and entry.name.lower().endswith(SUFFIXES):
                        listing.paths.append(path)
                    else:
                        listing.ignored[OTHERS] += 1
        except OSError as error:
            where = shown(os.path.join(top, below) if below else top)
            raise BadData(f"Cannot read the folder {where}: {error.strerror or error}.") from None
    if not listing.paths:
        ignored = listing.ignored_text()
        raise BadData(f"{listing.name} has no pictures ({KINDS}).{f' Ignored: {ignored}.' if ignored else ''}")
    listing.paths.sort()
    return listing


def shown(path: bytes) -> str:
    """Returns a path as text in one line: bytes that are not printable UTF-8 are escaped, such as `\\xff`."""
    text = path.decode("utf-8", "backslashreplace")
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)

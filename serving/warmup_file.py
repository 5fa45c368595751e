"""Reads the file with the recorded requests of a version, without TensorFlow.

As in TensorFlow Serving, the file is `assets.extra/tf_serving_warmup_requests`, a TFRecord file of PredictionLog
messages. The log of TensorFlow Serving has the same format, with the answers beside the requests.
"""

from __future__ import annotations

import logging
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from google.protobuf.message import DecodeError

from . import version_files
from .wire import messages

FILE = Path("assets.extra", "tf_serving_warmup_requests")
MAX_REQUESTS = 1000
log = logging.getLogger(__name__)


def read(folder: Path) -> Iterator[Any]:
    """Reads the PredictionLog messages of the version in `folder`.

    Reads at most 1,000 messages. Skips unreadable messages with a warning.
    """
    try:
        file = version_files.open_file(folder / FILE)
    except FileNotFoundError:
        return
    with file:
        for count, data in enumerate(_records(file, os.fstat(file.fileno()).st_size)):
            if count == MAX_REQUESTS:
                log.warning("%s: only the first %d warm-up requests are replayed", folder, MAX_REQUESTS)
                return
            try:
                yield messages.PredictionLog.FromString(data)
            except DecodeError:
                log.warning("%s: skipped an unreadable warm-up request", folder)


def _records(file: BinaryIO, size: int) -> Iterator[bytes]:
    """Reads the records of a TFRecord file: u64 length, checksum of the length, data, checksum of the data."""
    while len(header := file.read(12)) == 12:
        (length,) = struct.unpack("<Q", header[:8])
        if length > size:
            log.warning("%s: truncated warm-up file", file.name)
            return
        data: Any = file.read(length)
        if len(data) < length or len(file.read(4)) < 4:
            log.warning("%s: truncated warm-up file", file.name)
            return
        yield data

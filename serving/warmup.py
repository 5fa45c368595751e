"""Warm-up requests: `assets.extra/tf_serving_warmup_requests`, a TFRecord file of PredictionLog messages.

TensorFlow Serving replays them when it loads a version, and so do we.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from google.protobuf.message import DecodeError

from .wire import messages, predict

FILE = Path("assets.extra", "tf_serving_warmup_requests")
MAX_REQUESTS = 1000
log = logging.getLogger(__name__)


def read(folder: Path) -> Iterator[predict.PredictRequest]:
    """The recorded Predict requests of the version in `folder`, at most 1,000; what can't be read is left out."""
    try:
        file = open(folder / FILE, "rb")
    except FileNotFoundError:
        return
    with file:
        for count, record in enumerate(_records(file, (folder / FILE).stat().st_size)):
            if count == MAX_REQUESTS:
                log.warning("%s: over %d warm-up requests: the others are left out", folder, MAX_REQUESTS)
                return
            try:
                logged = messages.PredictionLog.FromString(record)
            except DecodeError:
                log.warning("%s: unreadable warm-up request: left out", folder)
                continue
            if logged.WhichOneof("log_type") == "predict_log":
                yield predict.decode_request(logged.predict_log.request.SerializeToString())


def _records(file: BinaryIO, size: int) -> Iterator[bytes]:
    """The records of a TFRecord file: u64 length, its checksum, the data, its checksum."""
    while len(header := file.read(12)) == 12:
        (length,) = struct.unpack("<Q", header[:8])
        if length > size:
            log.warning("%s: cut short", file.name)
            return
        data: Any = file.read(length)
        if len(data) < length or len(file.read(4)) < 4:
            log.warning("%s: cut short", file.name)
            return
        yield data

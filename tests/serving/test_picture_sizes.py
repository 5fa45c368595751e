"""Tests of the memory that picture files take when they are decoded: from their headers to the wait for memory."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import orjson
import pytest
from keras_gallery.preparation.description import Pictures
from keras_gallery.preparation.file_headers import MAX_SEGMENTS
from keras_gallery.preparation.headers import MAX_PIXELS
from keras_gallery.preparation.notes import write_note
from keras_gallery.serving.engines.tensorflow import runner, worker
from keras_gallery.serving.errors import ResourceExhausted
from keras_gallery.serving.limits import WaitingBudget
from keras_gallery.serving.picture_sizes import (
    BYTES_PER_OPAQUE_PIXEL,
    BYTES_PER_PIXEL,
    decoded_bytes,
    needed_bytes,
    picture_bytes,
)
from keras_gallery.serving.wire import dtypes
from keras_gallery.serving.wire.signature import SignatureDef, TensorSpec
from PIL import Image

from ..preparation.pictures import encoded, kinds, photograph, turned
from ..waiting import until

KINDS = kinds()
JPEG = KINDS["JPEG"]
HUGE_JPEG = MAX_PIXELS * BYTES_PER_OPAQUE_PIXEL


def array(*files: bytes) -> dict[str, Any]:
    content = np.empty(len(files), object)
    content[:] = files
    return {"x": content}


@pytest.mark.parametrize("kind", KINDS)
def test_the_size_is_pillows(kind: str) -> None:
    image = Image.open(io.BytesIO(KINDS[kind]))
    of_pixel = BYTES_PER_PIXEL if image.format in ("PNG", "WEBP") else BYTES_PER_OPAQUE_PIXEL
    assert picture_bytes(KINDS[kind]) == image.width * image.height * of_pixel


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_have_some_size(kind: str) -> None:
    file = KINDS[kind]
    for length in range(min(len(file), 700)):
        assert 0 <= picture_bytes(file[:length]) <= MAX_PIXELS * BYTES_PER_PIXEL
        assert 0 <= picture_bytes(file[:length] + b"\xff" + file[length + 1 :]) <= MAX_PIXELS * BYTES_PER_PIXEL


@pytest.mark.parametrize("file", [b"", b"text", b"GIF89a" + bytes(40), b"RIFF1234WAVE" + bytes(40)])
def test_other_files_count_nothing(file: bytes) -> None:
    assert picture_bytes(file) == 0


def test_claims_beyond_the_limit_count_as_the_limit() -> None:
    assert picture_bytes(b"\x89PNG\r\n\x1a\n" + bytes(8) + b"\xff" * 8) == MAX_PIXELS * BYTES_PER_PIXEL


def test_a_jpeg_with_bytes_between_its_segments() -> None:
    """libjpeg skips these bytes. The bytes in a segment are not markers."""
    size = picture_bytes(JPEG)
    assert picture_bytes(JPEG[:2] + b"\xff\xff\xff" + JPEG[2:]) == size
    assert picture_bytes(JPEG[:20] + b"rubbish\xff\x00\x01" + JPEG[20:]) == size
    assert picture_bytes(JPEG[:20] + b"\xff\x01\xff\xd0" + JPEG[20:]) == size
    assert picture_bytes(JPEG[:2] + b"\xff\xe1\x00\x08\xff\xd9\xff\xc0\xff\xd8" + JPEG[2:]) == size
    assert np.asarray(Image.open(io.BytesIO(JPEG[:20] + b"rubbish\xff\x00\x01" + JPEG[20:]))).shape == (37, 53, 3)


def test_a_jpeg_with_too_many_segments_counts_as_the_limit() -> None:
    comment = b"\xff\xfe\x00\x02"
    assert picture_bytes(JPEG[:2] + comment * (MAX_SEGMENTS // 2) + JPEG[2:]) == picture_bytes(JPEG)
    assert picture_bytes(JPEG[:2] + comment * (16 << 20) + JPEG[2:]) == HUGE_JPEG
    assert picture_bytes(JPEG[:2] + b"\xff" * (1 << 20) + JPEG[2:]) == HUGE_JPEG
    assert picture_bytes(JPEG[:20] + b"\xff\xd9\x00\x02" + JPEG[20:]) == HUGE_JPEG


def test_the_pictures_of_a_request() -> None:
    files = array(JPEG, b"text", turned(6), encoded(photograph(10, 20), "PNG"))
    total = 2 * 37 * 53 * BYTES_PER_OPAQUE_PIXEL + 10 * 20 * BYTES_PER_PIXEL
    assert decoded_bytes(files, ["x"], total) == total
    assert decoded_bytes(files, [], 0) == 0
    with pytest.raises(
        ResourceExhausted, match=r"^Decoding a picture in input x takes 768 MiB of memory \(maximum 2\)"
    ):
        decoded_bytes(array(JPEG, JPEG[:2] + b"\xff\xd9"), ["x"], 2 << 20)


@pytest.mark.parametrize(
    ("last_dimension", "size", "most"),
    [
        (write_note(Pictures(40, 30, 3)), 4 * 40 * 30 * 3, 4 * 40 * 30 * 3),
        ("pixels 0..1", 0, picture_bytes(JPEG)),
        ("", 0, None),
    ],
    ids=["prepared", "fixed size", "from elsewhere"],
)
def test_the_images_of_many_small_files(last_dimension: str, size: int, most: int | None) -> None:
    specs = {"x": TensorSpec.named("x:0", dtypes.STRING, (-1,), last_dimension)}
    decoded = 3 * picture_bytes(JPEG)
    enough = decoded if most is None else max(3 * most, picture_bytes(JPEG))
    assert needed_bytes(array(JPEG, JPEG, JPEG), specs, enough) == decoded + 3 * size
    if most is None:
        assert needed_bytes(array(JPEG, JPEG, JPEG), specs, picture_bytes(JPEG)) == decoded
    else:
        with pytest.raises(ResourceExhausted, match=r"The images of input x take .* Send fewer pictures\.$"):
            needed_bytes(array(JPEG, JPEG, JPEG), specs, enough - 1)


class Connections:
    """Takes the place of the connections to the TensorFlow process."""

    def __init__(self) -> None:
        self.decoded: list[int] = []

    def start(self, number: int, feeds: Any, fetches: Sequence[str], milliseconds: int, decoded: int) -> Any:
        self.decoded.append(decoded)
        return SimpleNamespace(result=lambda: [np.array([0])])


def test_a_run_says_what_its_pictures_take(monkeypatch: pytest.MonkeyPatch) -> None:
    strings = TensorSpec("x:0", dtypes.STRING, (-1,))
    signature = SignatureDef("encode_png", "", {"x": strings}, {"y": strings})
    graph: Any = SimpleNamespace(nodes_of=lambda _: [SimpleNamespace(op="DecodeImage")])
    connections = Connections()
    model: Any = SimpleNamespace(number=lambda: 1, connections=connections)
    run = runner.TensorFlowRunner(model, signature, graph)
    run(array(JPEG, JPEG), ["y"])
    assert connections.decoded == [2 * picture_bytes(JPEG)]
    monkeypatch.setattr(runner, "_MAX_PICTURE_BYTES", picture_bytes(JPEG) - 1)
    with pytest.raises(ResourceExhausted, match="Send a smaller picture"):
        run(array(JPEG), ["y"])


class Session:
    """A model that is slow, and counts the runs at the same time."""

    is_closed = False

    def __init__(self) -> None:
        self.running = self.most = 0
        self.go_on = threading.Event()

    def run(self, *_: Any) -> list[Any]:
        self.running += 1
        self.most = max(self.most, self.running)
        self.go_on.wait(30)
        self.running -= 1
        return []


class Stream:
    """The answers of a connection with one request."""

    def __init__(self, decoded: int, milliseconds: int = 0) -> None:
        self._head: list[bytes] = [orjson.dumps([1, [], [], milliseconds, decoded])]
        self.codes: list[int] = []
        self.text = b""

    def read(self) -> tuple[int, bytes]:
        if not self._head:
            raise ConnectionError
        return 2, self._head.pop()

    def write(self, code: int, text: bytes, _: Any = ()) -> None:
        self.codes.append(code)
        self.text = text

    def close(self) -> None:
        """Is called at the end of the connection."""


@pytest.mark.parametrize(("decoded", "most"), [(0, 4), (100, 4), (200, 2), (201, 1), (10**12, 1)])
def test_pictures_of_several_runs_wait_for_memory(decoded: int, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "PICTURES", WaitingBudget(400))
    monkeypatch.setattr(worker, "PICTURES_SECONDS", 60.0)
    session, streams = Session(), [Stream(decoded) for _ in range(4)]
    models: Any = SimpleNamespace(get=lambda _: session)
    threads = [threading.Thread(target=worker.serve, args=(stream, models)) for stream in streams]
    for thread in threads:
        thread.start()
    until(lambda: session.running == most, seconds=20, pause=0.01)
    session.go_on.set()
    for thread in threads:
        thread.join(60)
    assert session.most == most and [stream.codes for stream in streams] == [[0]] * 4


@pytest.mark.parametrize(("seconds", "milliseconds"), [(0.05, 0), (0.05, 60_000), (60.0, 50)])
def test_a_run_that_waits_too_long_is_refused(
    seconds: float, milliseconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "PICTURES", WaitingBudget(400))
    monkeypatch.setattr(worker, "PICTURES_SECONDS", seconds)
    stream: Any = Stream(1, milliseconds)
    start = time.monotonic()
    with worker.PICTURES.hold(400, 1):
        worker.serve(stream, SimpleNamespace(get=lambda _: Session()))  # type: ignore[arg-type]
    assert time.monotonic() - start < 30
    assert stream.codes == [8] and stream.text == b"The memory for pictures and texts is used up. Retry later."


def test_the_check_of_small_pictures_is_quick() -> None:
    """Decoding a small picture takes over 100 µs of CPU time. The limit allows for a slow processor."""
    files = array(*(JPEG,) * 1000)
    start = time.thread_time()
    decoded_bytes(files, ["x"], HUGE_JPEG)
    assert time.thread_time() - start < 0.1

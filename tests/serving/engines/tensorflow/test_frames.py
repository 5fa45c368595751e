"""Tests of writing and reading frames over a socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras_gallery.serving.engines.tensorflow.frames import Stream, strings_from_bytes, strings_to_bytes


@pytest.fixture
def ends() -> Iterator[tuple[Stream, Stream]]:
    left, right = (Stream(end) for end in socket.socketpair())
    yield left, right
    left.close()
    right.close()


@pytest.mark.parametrize("sizes", [[], [0], [1], [70_000], [3, 0, 65_536, 1], [5_000_000, 2], [1] * 2000], ids=str)
def test_writing_and_reading_frames(ends: tuple[Stream, Stream], sizes: list[int]) -> None:
    rng = np.random.default_rng(len(sizes))
    body = [rng.integers(0, 256, size, np.uint8) for size in sizes]

    def write() -> None:
        for kind in (1, 200):
            ends[0].write(kind, b"head" * kind, body)

    writing = threading.Thread(target=write)
    writing.start()
    for kind in (1, 200):
        assert ends[1].read() == (kind, b"head" * kind)
        for part in body:
            target = bytearray(part.nbytes)
            ends[1].take_into(memoryview(target))
            assert target == part.tobytes()
    writing.join()


def test_small_pieces(ends: tuple[Stream, Stream]) -> None:
    left, right = ends
    left.write(1, b"abc", [b"defg"])
    left.write(2, b"", [])
    assert right.read() == (1, b"abc")
    assert [right.take(n) for n in (1, 0, 3)] == [b"d", b"", b"efg"]
    assert right.read() == (2, b"")


def test_whether_a_whole_frame_has_arrived(ends: tuple[Stream, Stream]) -> None:
    left, right = ends
    assert not right.has_frame(0)
    left.write(1, b"abc", [b"defg"])
    left.write(2, b"", [bytes(60_000)])
    assert right.has_frame(0) and right.has_frame(0)
    assert right.read() == (1, b"abc") and right.take(4) == b"defg"
    assert right.has_frame(0)  # also if a part of it was received with the frame before
    assert right.read() == (2, b"") and right.take(60_000) == bytes(60_000)
    assert not right.has_frame(0.001)


def test_a_frame_that_is_not_complete(ends: tuple[Stream, Stream]) -> None:
    left, right = ends
    left._socket.sendall(b"\1\3\0\0\0\2\0\0")
    assert not right.has_frame(0)
    left._socket.sendall(bytes(5) + b"abcd")
    assert not right.has_frame(0)
    left._socket.sendall(b"e")
    assert right.has_frame(0)
    assert right.read() == (1, b"abc") and right.take(2) == b"de"


def test_a_large_frame_is_not_waited_for(ends: tuple[Stream, Stream]) -> None:
    left, right = ends
    writing = threading.Thread(target=left.write, args=(1, b"abc", [bytes(500_000)]))
    writing.start()
    assert not right.has_frame(20)
    assert right.read() == (1, b"abc") and right.take(500_000) == bytes(500_000)
    writing.join()


@pytest.mark.parametrize("sent", [b"", b"\x01\x02"])
def test_the_other_end_closes(sent: bytes) -> None:
    left, right = socket.socketpair()
    left.sendall(sent)
    left.close()
    stream = Stream(right)
    with pytest.raises(ConnectionResetError):
        stream.has_frame(1)
    with pytest.raises(ConnectionResetError):
        stream.read()
    with pytest.raises(BrokenPipeError):
        stream.write(1, b"")
    stream.close()


@given(st.lists(st.binary(max_size=50), max_size=50))
def test_strings(strings: list[bytes]) -> None:
    assert strings_from_bytes(strings_to_bytes(strings), len(strings)) == strings

"""Tests of the network side of a server whose system has no resources left."""

from __future__ import annotations

import logging
import os
import resource
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from keras_gallery.serving.api import front

from ...waiting import until
from .front_server import FrontServer

LIVEZ = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"


@contextmanager
def no_file_descriptors() -> Iterator[None]:
    free = os.dup(0)
    os.close(free)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_port_answers_again_after_a_shortage_of_file_descriptors(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(front, "RESTART_SECONDS", 0.01)
    caplog.set_level(logging.ERROR)
    with FrontServer({}) as server, socket.socket() as client:
        client.settimeout(10)
        with no_file_descriptors():
            client.connect(("127.0.0.1", server.rest_port))
            until(lambda: "the rest server failed" in caplog.text)
        with socket.create_connection(("127.0.0.1", server.rest_port), 10) as other:
            other.sendall(LIVEZ)
            assert other.recv(100).startswith(b"HTTP/1.1 200")


def test_no_folder_for_temporary_files_is_needed_without_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    with FrontServer({}) as server, socket.create_connection(("127.0.0.1", server.rest_port), 10) as client:
        client.sendall(LIVEZ)
        assert client.recv(100).startswith(b"HTTP/1.1 200")

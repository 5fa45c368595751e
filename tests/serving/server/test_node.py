"""Tests of a node: the number of threads that the flags set, and closing."""

from __future__ import annotations

import threading

import pytest
from keras_gallery.serving.config import flags
from keras_gallery.serving.config.flag_table import CORES
from keras_gallery.serving.server import node

BASE = "--model_base_path=/m"


def test_the_workers_share_the_default_number_of_threads() -> None:
    assert node.threads(flags.parse([BASE], {})) == 4
    assert node.threads(flags.parse([BASE, "--workers=1"], {})) == 4 * CORES


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        (["--workers=1", "--grpc_max_threads=3"], 3),
        (["--workers=2", "--grpc_max_threads=3"], 2),
        (["--workers=5", "--grpc_max_threads=3"], 1),
        # Without a REST port, --rest_api_num_threads has no effect.
        (["--workers=1", "--rest_api_num_threads=2", "--grpc_max_threads=3"], 3),
        (["--workers=1", "--rest_api_num_threads=7", "--grpc_max_threads=3", "--rest_api_port=1"], 7),
        (["--workers=1", "--rest_api_num_threads=2", "--grpc_max_threads=3", "--rest_api_port=1"], 3),
        (["--workers=1", "--rest_api_num_threads=2", "--grpc_max_threads=3", "--rest_api_port=1", "--port=0"], 2),
        (["--workers=1", "--rest_api_num_threads=2", "--grpc_max_threads=3", "--grpc_socket_path=s", "--port=0"], 3),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_threads(arguments: list[str], count: int) -> None:
    assert node.threads(flags.parse([BASE, *arguments], {})) == count


def test_closing_ends_the_batch_threads() -> None:
    before = set(threading.enumerate())
    values = flags.parse([BASE, "--enable_batching", "--convert_to_openvino=false"], {})
    running = node.Node(values, lambda: "", name="server")
    mine = set(threading.enumerate()) - before
    assert len([thread for thread in mine if thread.name.startswith("batch")]) == CORES
    running.close()
    for thread in mine:
        thread.join(20)
        assert not thread.is_alive()

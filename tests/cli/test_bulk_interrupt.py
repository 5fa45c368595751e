"""Tests that a command with many inputs keeps its answers when it is interrupted.

The Makefile runs this file in a process of its own: its signals would end a process in which a library handles them.
"""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_gallery.cli import files
from keras_gallery.cli.main import main

from .bulk_answers import SIGNATURES, answer, pictures
from .fake_client import FakeClient


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_command_keeps_its_answers(
    number: int, status: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    client = FakeClient(SIGNATURES, answer)
    monkeypatch.setattr(files, "connect", lambda values: client)
    monkeypatch.chdir(tmp_path)
    pictures(40)
    Path("codes.npz").write_text("an earlier file")
    main_thread = threading.main_thread().ident
    assert main_thread is not None
    sent: list[int] = []  # one signal only: a second one could reach the test itself

    def interrupt(name: str, inputs: Any) -> Any:
        if sum(client.sizes) > 20 and not sent:
            sent.append(number)
            signal.pthread_kill(main_thread, number)
            threading.Event().wait(0.2)
        return answer(name, inputs)

    client._answer = interrupt
    command = ["encode", "m", "in", "--output", "codes.npz", "--batch-size", "4", "--in-flight", "1"]
    if number == signal.SIGTERM:
        with pytest.raises(SystemExit, match="143"):
            main(command)
    else:
        assert main(command) == status
    assert Path("codes.npz").read_text() == "an earlier file"
    client._answer = answer
    client.sizes.clear()
    assert main([*command, "--resume"]) == 0
    assert np.load("codes.npz")["code"][:, 0].tolist() == list(range(40)) and sum(client.sizes) < 30

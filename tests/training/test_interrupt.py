"""Tests of Ctrl-C during training."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from keras_gallery.training import Run
from keras_gallery.training.interrupt import interrupt_at_end, interrupt_between_steps

SCRIPT = """
import sys
from keras_gallery.training.settings import TrainConfig
from keras_gallery.training.train import train

config = dict(hyperparameters={"code_dim": 4}, dataset="digits", root=sys.argv[1])
try:
    train(TrainConfig("dense_autoencoder", epochs=2, batch_size=1, **config))
except KeyboardInterrupt:
    print("raised", flush=True)
run = train(TrainConfig("dense_autoencoder", epochs=100_000, batch_size=512, **config))
print("returned", run.folder, flush=True)
try:
    train(TrainConfig("dense_autoencoder", epochs=1, **config), lambda step: print(step, flush=True))
except KeyboardInterrupt:
    print("raised after saving", flush=True)
"""


def test_interrupts(tmp_path: Path) -> None:
    """Ctrl-C in the first epoch writes nothing. Ctrl-C in a later epoch saves the best epoch as an interrupted run.

    Ctrl-C while the run is saved takes effect when the run is saved.
    """
    out = tmp_path / "runs"
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", SCRIPT, str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert process.stdout is not None
    lines = []
    with process:
        for line in process.stdout:
            lines.append(line.strip())
            if line.startswith(("Epoch 1/2", "Epoch 4/", "Saving the run")):
                process.send_signal(signal.SIGINT)
            if line == "raised\n":
                assert not out.exists()
    assert process.returncode == 0
    assert "raised" in lines
    folder = out / "dense_autoencoder" / "001"
    run = Run.load(folder)
    best, done = run.config["best_epoch"], run.config["epochs_done"]
    assert f"Interrupted after {done} of 100000 epochs: saving epoch {best}" in lines
    assert f"returned {folder}" in lines
    assert run.interrupted
    assert 3 <= done == len(run.history["loss"]) < 100_000
    assert best == 1 + int(np.argmin(run.history["val_loss"]))
    assert lines[-1] == "raised after saving"
    saved = Run.load(folder.with_name("002"))
    assert not saved.interrupted and saved.model.count_params() == run.metrics["parameters"]
    names = sorted(path.name for path in folder.parent.iterdir())
    assert names[1:] == ["001", "002"] and names[0].startswith(".unfinished-")  # 001 can still be resumed
    settings = json.loads((folder.parent / names[0] / "settings.json").read_text("utf-8"))
    assert settings["epochs"] == 100_000


def test_interrupt_waits_for_the_end_of_the_step() -> None:
    """A KeyboardInterrupt inside TensorFlow's code sometimes crashes Python."""
    with interrupt_between_steps() as callback:
        callback.on_train_batch_end(0)
        signal.raise_signal(signal.SIGINT)
        for end in (callback.on_train_batch_end, callback.on_test_batch_end):
            with pytest.raises(KeyboardInterrupt):
                end(0)
        with pytest.raises(KeyboardInterrupt):  # a second Ctrl-C does not wait
            signal.raise_signal(signal.SIGINT)
    with interrupt_between_steps():
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_waits_for_the_end_of_the_block() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt):
        with interrupt_at_end():
            signal.raise_signal(signal.SIGINT)
            done.append("after the first Ctrl-C")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with pytest.raises(KeyboardInterrupt):
        with interrupt_at_end():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            done.append("after the second Ctrl-C")
    with pytest.raises(OSError, match="disk full"):
        with interrupt_at_end():
            signal.raise_signal(signal.SIGINT)
            raise OSError("disk full")
    with interrupt_at_end():
        done.append("no Ctrl-C")
    assert done == ["after the first Ctrl-C", "no Ctrl-C"]


def test_custom_handler_is_kept() -> None:
    """For example, a shell may start a background job with a handler that ignores Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupt_between_steps():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)

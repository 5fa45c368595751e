"""Tests of the request log: the lines of JSON, and that requests never wait for the log."""

from __future__ import annotations

import calendar
import json
import logging
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from keras_gallery.serving.config.auth_tokens import Access
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.observe.metrics import MAX_SERIES, Metrics
from keras_gallery.serving.observe.observation import Observation
from keras_gallery.serving.observe.request_log import DROPPED, RequestLog, check

from ... import waiting

until = partial(waiting.until, seconds=20)

COUNT = ":tensorflow:serving:request_log_count"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
REQUEST = Observation(
    *("grpc", "Predict", "m", 3, "serving_default", "OK", 0.25, 0.125, "openvino", 4, 8, 100, 200),
    *("ipv4:127.0.0.1:5", "id-1", TRACE),
    access=Access("web", b""),
)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def dropped(metrics: Metrics) -> float:
    return sum(value for value in metrics.snapshot().get(DROPPED, {}).values() if isinstance(value, int))


def test_the_fields_of_a_line(tmp_path: Path) -> None:
    metrics = Metrics()
    log = RequestLog(str(tmp_path / "log"), metrics)
    before = time.time()
    log.record(replace(REQUEST))
    log.close()
    (line,) = lines(tmp_path / "log")
    arrival = line.pop("time")
    assert arrival.endswith("Z")
    seconds = calendar.timegm(time.strptime(arrival[:19], "%Y-%m-%dT%H:%M:%S")) + float(arrival[19:-1])
    assert before - 0.26 < seconds < time.time() - 0.24
    assert line == {
        "request_id": "id-1",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "face": "grpc",
        "method": "Predict",
        "model": "m",
        "version": 3,
        "signature": "serving_default",
        "status": "OK",
        "seconds": 0.25,
        "runtime_seconds": 0.125,
        "request_bytes": 100,
        "response_bytes": 200,
        "rows": 4,
        "batch_rows": 8,
        "peer": "ipv4:127.0.0.1:5",
        "engine": "openvino",
        "token": "web",
    }
    assert metrics.snapshot()[":tensorflow:serving:request_log_count"] == {("m", "OK"): 1}


def test_a_request_without_an_id_gets_one(tmp_path: Path) -> None:
    log = RequestLog(str(tmp_path / "log"), Metrics())
    for _ in range(2):
        log.record(Observation("rest", "Predict", status="NOT_FOUND", traceparent="nonsense"))
    log.close()
    one, two = lines(tmp_path / "log")
    assert len(one["request_id"]) == 16 and one["request_id"] != two["request_id"]
    assert (one["trace_id"], one["version"]) == (None, None)


def test_long_texts_and_special_characters_fit_into_one_short_line(tmp_path: Path) -> None:
    log = RequestLog(str(tmp_path / "log"), Metrics())
    nasty = 'x"\n\r\x00\u2028\udcff' * 10_000
    log.record(Observation("rest", nasty[:20], nasty, 1, nasty, peer=nasty, request_id=nasty, traceparent=nasty))
    log.close()
    raw = (tmp_path / "log").read_bytes()
    assert raw.count(b"\n") == 1 and len(raw) < 4096
    assert json.loads(raw)["model"] == nasty[:128]


def test_a_rotated_file_is_created_again(tmp_path: Path) -> None:
    path, moved = tmp_path / "log", tmp_path / "log.1"
    log = RequestLog(str(path), Metrics())
    log.record(replace(REQUEST))
    until(lambda: path.stat().st_size > 0)
    path.rename(moved)
    log.record(replace(REQUEST))
    until(lambda: path.exists() and path.stat().st_size > 0)
    path.write_text("")  # as logrotate does with the option copytruncate
    log.record(replace(REQUEST))
    log.close()
    assert (len(lines(moved)), len(lines(path))) == (1, 1)


def test_a_removed_folder_drops_lines_with_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    metrics = Metrics()
    log = RequestLog(str(folder / "log"), metrics)
    (folder / "log").unlink()
    folder.rmdir()
    for _ in range(3):
        log.record(replace(REQUEST))
    until(lambda: dropped(metrics) == 3)
    folder.mkdir()
    log.record(replace(REQUEST))
    log.close()
    assert len(lines(folder / "log")) == 1
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "No such file or directory" in caplog.text


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_drops_lines_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics()
    log = RequestLog("/dev/full", metrics)
    for _ in range(3):
        log.record(replace(REQUEST))
    log.close()
    assert metrics.snapshot()[DROPPED] == {("failed write",): 3}
    assert len(caplog.records) == 1
    assert "No space left on device" in caplog.text


def test_a_slow_reader_does_not_delay_requests(tmp_path: Path) -> None:
    path, metrics, number = tmp_path / "pipe", Metrics(), 15_000
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    log = RequestLog(str(path), metrics)
    for _ in range(number):
        log.record(replace(REQUEST))
    assert metrics.snapshot()[DROPPED].keys() == {("full queue",)}
    log.close(0.01)  # does not wait for the reader
    with open(reader, "rb") as pipe:
        data = b""
        os.set_blocking(reader, True)
        while data.count(b"\n") < number - dropped(metrics):
            data += pipe.read1()
    assert all(json.loads(line)["model"] == "m" for line in data.splitlines())


def test_a_pipe_without_a_reader(tmp_path: Path) -> None:
    path, metrics = tmp_path / "pipe", Metrics()
    os.mkfifo(path)
    opened = threading.Thread(target=check, args=(str(path),), daemon=True)
    opened.start()
    opened.join(10)
    assert not opened.is_alive()
    log = RequestLog(str(path), metrics)
    log.record(replace(REQUEST))
    until(lambda: dropped(metrics) == 1)
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as reader:
        log.record(replace(REQUEST))
        log.close()
        assert json.loads(reader.read())["model"] == "m"


def test_several_processes_write_to_one_file(tmp_path: Path) -> None:
    program = f"""
from keras_gallery.serving.observe.request_log import RequestLog
from keras_gallery.serving.observe.metrics import Metrics
from keras_gallery.serving.observe.observation import Observation
import sys
log = RequestLog({str(tmp_path / "log")!r}, Metrics())
for number in range(1000):
    log.record(Observation("rest", "Predict", sys.argv[1] * 100, number))
log.close(60)
"""
    children = [subprocess.Popen([sys.executable, "-c", program, name]) for name in "ab"]
    assert [child.wait(60) for child in children] == [0, 0]
    records = lines(tmp_path / "log")
    for name in "ab":
        assert [line["version"] for line in records if line["model"] == name * 100] == list(range(1000))


def test_standard_output(capfd: pytest.CaptureFixture[str]) -> None:
    log = RequestLog("-", Metrics())
    log.record(replace(REQUEST))
    log.close()
    assert json.loads(capfd.readouterr().out)["model"] == "m"
    os.write(1, b"still open")
    assert capfd.readouterr().out == "still open"


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(
        InvalidArgument, match=r"^Cannot write to the file .*/none/log of --request_log: No such file or directory$"
    ):
        check(str(tmp_path / "none" / "log"))


def test_a_folder_that_is_created_later(tmp_path: Path) -> None:
    metrics = Metrics()
    path = tmp_path / "later" / "log"
    log = RequestLog(str(path), metrics)
    log.record(replace(REQUEST))
    until(lambda: dropped(metrics) == 1)
    path.parent.mkdir()
    log.record(replace(REQUEST))
    log.close()
    assert len(lines(path)) == 1


def test_the_number_of_unknown_model_names_in_the_metric_is_limited(tmp_path: Path) -> None:
    metrics = Metrics()
    log = RequestLog(str(tmp_path / "log"), metrics)
    for number in range(MAX_SERIES + 5):
        log.record(replace(REQUEST, model=f"x{number}", status="NOT_FOUND"))
    log.record(replace(REQUEST))
    log.close(20)
    counts = metrics.snapshot()[COUNT]
    assert len(counts) == MAX_SERIES + 2
    assert counts["(others)", "NOT_FOUND"] == 5
    assert counts["m", "OK"] == 1, "a model that answers keeps its name"

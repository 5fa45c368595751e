"""Tests of the functions that read the output of h2load 1.52 and wrk 4.1, on recorded output."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
H2LOAD = """\
finished in 3.00s, 4643.33 req/s, 14.45MB/s
requests: 13930 total, 13930 started, 13930 done, {succeeded} succeeded, 0 failed, 0 errored, 0 timeout
status codes: 13930 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 43.36MB (45467909) total, 53.89KB (55182) headers (space savings 96.26%), 42.58MB ({data}) data
                     min         max         mean         sd        +/- sd
time for request:     2.61ms     15.85ms      3.44ms       686us    93.57%
"""
WRK = """\
Running 2s test @ http://127.0.0.1:43625/v1/models/conv:predict
  1 threads and 8 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   360.73ms  288.54ms   1.37s    66.67%
    Req/Sec    22.67     19.38    80.00     88.89%
  Latency Distribution
     50%  344.78us
     75%  492.48ms
     90%  773.57ms
     99%    1.37s{blank}
  45 requests in 2.09s, 8.01MB read
{problem}Requests/sec:     21.50
Transfer/sec:      3.82MB
"""


@pytest.fixture(scope="module")
def load_tools() -> Iterator[Any]:
    spec = importlib.util.spec_from_file_location("load_tools", BENCHMARKS / "load_tools.py")
    assert spec and spec.loader
    module = sys.modules["load_tools"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules["load_tools"]


def test_h2load(load_tools: Any) -> None:
    log = np.array([[200, 1000], [200, 3000], [200, 2000]])
    load = load_tools.read_h2load(H2LOAD.format(succeeded=13930, data=13930 * 3205), log, 3205, 16)
    assert load == load_tools.Load(13930, 4643.33, 2.0, pytest.approx(2.98))
    # h2load received the last 16 messages, but not their status.
    assert load_tools.read_h2load(H2LOAD.format(succeeded=13930, data=13946 * 3205), log, 3205, 16) == load


@pytest.mark.parametrize(("succeeded", "data"), [(13930, 13929 * 3205), (13930, 13950 * 3205), (13929, 13930 * 3205)])
def test_h2load_with_errors(load_tools: Any, succeeded: int, data: int) -> None:
    with pytest.raises(load_tools.LoadError, match="Expected 13930 messages of 3205 bytes"):
        load_tools.read_h2load(H2LOAD.format(succeeded=succeeded, data=data), np.array([[200, 1000]]), 3205, 16)


def test_h2load_of_rest(load_tools: Any) -> None:
    log = np.array([[200, 1000]])
    assert load_tools.read_h2load(H2LOAD.format(succeeded=13930, data=5), log, None, 16).answers == 13930
    with pytest.raises(load_tools.LoadError, match="Received: 2 other responses of 13930"):
        load_tools.read_h2load(H2LOAD.format(succeeded=13928, data=5), log, None, 16)


def test_h2load_without_responses(load_tools: Any) -> None:
    with pytest.raises(load_tools.LoadError, match="No figures in the output of h2load"):
        load_tools.read_h2load("", np.zeros((0, 2)), 3205, 16)


def test_wrk(load_tools: Any) -> None:
    assert load_tools.read_wrk(WRK.format(problem="", blank=" ")) == load_tools.Load(45, 21.5, 0.34478, 1370.0)


@pytest.mark.parametrize(
    "problem", ["Non-2xx or 3xx responses: 3", "Socket errors: connect 0, read 2, write 0, timeout 0"]
)
def test_wrk_with_errors(load_tools: Any, problem: str) -> None:
    with pytest.raises(load_tools.LoadError, match=problem):
        load_tools.read_wrk(WRK.format(problem=f"  {problem}\n", blank=" "))


@pytest.mark.parametrize(
    ("program", "text"), [("serve.py", "speed, start, swaps, idle, spread"), ("request_path.py", "--in-flight")]
)
def test_help(program: str, text: str) -> None:
    command = [sys.executable, str(BENCHMARKS / program), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert text in done.stdout

"""Runs pages in Chromium without a window, by the DevTools protocol over a pipe. No package is needed for it."""

from __future__ import annotations

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

PROGRAM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
needs_chromium = pytest.mark.skipif(not PROGRAM, reason="needs Chromium, such as from: apt-get install chromium")
SECONDS = 120  # time limit of each wait; a page loads slowly on a busy machine
# The browser reads commands from the descriptor 3, and writes answers to the descriptor 4.
_START = """
import os, sys
read, write = (os.dup2(int(each), at) for each, at in zip(sys.argv[1:3], (103, 104)))
os.dup2(read, 3)
os.dup2(write, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Chromium:
    """A browser with one tab. The `with` statement starts and stops it.

    Args:
        profile: a folder for the browser's files.

    Attributes:
        problems: the texts of errors and refusals in the console, and of exceptions.
    """

    def __init__(self, profile: Path) -> None:
        self.problems: list[str] = []
        self._numbers = itertools.count(1)
        self._received = b""
        read, self._write = os.pipe()
        self._read, write = os.pipe()
        command = [
            *(sys.executable, "-c", _START, str(read), str(write), PROGRAM),
            *("--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"),
            *(
                "--disable-background-networking",
                "--no-first-run",
                "--disable-extensions",
                f"--user-data-dir={profile}",
                "about:blank",
            ),
        ]
        silent = subprocess.DEVNULL
        self._process = subprocess.Popen(command, pass_fds=(read, write), stdin=silent, stdout=silent, stderr=silent)
        os.close(read)
        os.close(write)
        (tab,) = [each for each in self._call("Target.getTargets")["targetInfos"] if each["type"] == "page"]
        attached = self._call("Target.attachToTarget", targetId=tab["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Chromium:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._write)  # the browser ends
        try:
            self._process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._read)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Calls a method of the protocol for the tab."""
        return self._call(method, self._session, **parameters)

    def _call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while (answer := self._receive()).get("id") != number:
            self._note(answer)
        assert "error" not in answer, f"{method}: {answer}"
        result: dict[str, Any] = answer["result"]
        return result

    def _receive(self) -> dict[str, Any]:
        end = time.monotonic() + SECONDS
        while b"\0" not in self._received:
            ready, _, _ = select.select([self._read], [], [], max(0, end - time.monotonic()))
            assert ready, "Chromium does not answer"
            part = os.read(self._read, 1 << 20)
            assert part, "Chromium has ended"
            self._received += part
        text, _, self._received = self._received.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message

    def _note(self, event: dict[str, Any]) -> None:
        if event["method"] == "Runtime.exceptionThrown":
            self.problems.append(json.dumps(event["params"]["exceptionDetails"])[:500])
        elif event["method"] == "Log.entryAdded" and event["params"]["entry"]["level"] == "error":
            self.problems.append(event["params"]["entry"]["text"])

    def open(self, url: str) -> None:
        self.call("Page.navigate", url=url)

    def run(self, code: str) -> Any:
        """Returns the value of a JavaScript expression. A promise is awaited."""
        result = self.call("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, f"{code}: {result['exceptionDetails']}"
        return result["result"].get("value")

    def until(self, code: str) -> None:
        """Waits until a JavaScript expression is true."""
        end = time.monotonic() + SECONDS
        while not self.run(f"Boolean({code})"):
            text = self.run("document.body.innerText")
            assert time.monotonic() < end, f"{code} did not become true. The page: {text}"
            time.sleep(0.02)

    def screenshot(self, file: Path, *, width: int, dark: bool, height: int = 900) -> None:
        self.call("Emulation.setEmulatedMedia", features=[_scheme(dark)])
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        time.sleep(0.2)
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(shot["data"]))


def _scheme(dark: bool) -> dict[str, str]:
    return {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}

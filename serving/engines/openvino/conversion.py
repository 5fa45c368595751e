"""Makes OpenVINO's files of SavedModels that come without: once for each, in a child process, into the cache folder.

Whatever happens in that process (a crash, a hang) the SavedModel is served all the same, by TensorFlow.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from ... import saved_model
from ...errors import ServingError
from ..tensorflow import library as tensorflow_library
from .files import Index, OpenVinoFiles, read

log = logging.getLogger(__name__)
_KEPT_SECONDS = 90 * 24 * 3600  # how long files are kept that no server asks for


class Converter:
    """Converts one SavedModel after the other.

    Args:
        files: where the results go, and which meta graphs are meant.
        seconds: the longest time for a SavedModel; signatures that were not done by then are TensorFlow's.
        niceness: how far the child process steps back behind others, 0 to 19.
    """

    def __init__(self, files: OpenVinoFiles, *, seconds: float = 600, niceness: int = 0) -> None:
        self._files = files
        self._seconds = seconds
        self._niceness = niceness
        self._one_at_a_time = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def prepare(self, folder: Path) -> bool:
        """Sees to it that there are OpenVINO files for the SavedModel in `folder`, and logs which engine runs what.

        Takes as long as a conversion does, where one is due. Never raises.

        Returns:
            whether `OpenVino.load` finds some signature now.
        """
        if saved_model.model_file(folder) is None:
            return False
        try:
            index = self._files.of(folder) or self._convert(folder)
        except (OSError, ServingError) as error:
            log.warning("%s: not converted for OpenVINO: %s", folder, error)
            return False
        if index is None:
            return False
        log.info("%s: %s", folder, index)
        return bool(index.signatures)

    def close(self) -> None:
        """Breaks off the conversion that runs, if any; those to come are left out."""
        self._closed = True
        if (process := self._process) is not None:
            process.kill()

    def _convert(self, folder: Path) -> Index | None:
        if tensorflow_library.find() is None:  # nothing to compare with
            return None
        place = self._files.place(saved_model.fingerprint(folder))
        with self._one_at_a_time:
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._remove_old(place.parent)
            partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=place.parent))
            try:
                index = self.convert_into(partial, folder)
                if self._closed:
                    return None
                shutil.rmtree(place, ignore_errors=True)  # unreadable, if there at all
                partial.rename(place)
                return index
            finally:
                shutil.rmtree(partial, ignore_errors=True)

    def convert_into(self, target: Path, folder: Path) -> Index:
        """Converts the SavedModel in `folder` into the empty folder `target`. Raises OSError or ServingError."""
        command = (sys.executable, "-P", "-m", "keras_gallery.serving.engines.openvino.conversion_worker")
        self._process = subprocess.Popen(
            [*command, str(self._niceness), str(folder), str(target), *self._files.tags],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        if self._closed:
            self._process.kill()
        try:
            _, errors = self._process.communicate(timeout=self._seconds)
            failure = f"status {self._process.returncode}" if self._process.returncode else ""
        except subprocess.TimeoutExpired:
            self._process.kill()
            _, errors = self._process.communicate()
            failure = f"over {self._seconds:g} s"
        self._process = None
        return self._complete(target, folder, failure, errors.decode(errors="replace").strip())

    def _complete(self, target: Path, folder: Path, failure: str, errors: str) -> Index:
        """The index that the child process wrote, with a word on the signatures that it did not come to."""
        index = read(target) or Index(saved_model.fingerprint(folder))
        if failure and not self._closed:
            log.warning("%s: the conversion for OpenVINO failed (%s): %s", folder, failure, errors[-500:])
            for name in saved_model.read_signatures(folder, self._files.tags):
                index.reasons.setdefault(name, f"tensorflow (conversion failed: {failure})")
            index.write(target)
        return index

    def _remove_old(self, cache: Path) -> None:
        """Removes what nobody has asked for in a long time, and what a server left behind that was killed."""
        for place in cache.iterdir():
            if time.time() - place.stat().st_mtime > _KEPT_SECONDS:
                shutil.rmtree(place, ignore_errors=True)

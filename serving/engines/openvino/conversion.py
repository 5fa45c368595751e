"""Converts SavedModels that have no OpenVINO files yet. Keeps the result in a cache folder.

The conversion runs in a child process. If the child process crashes or hangs, TensorFlow runs the signatures that are
not converted.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

from ... import saved_model
from ...errors import PermissionDenied, ServingError
from ...leftovers import OwnedFolder
from ..tensorflow import library as tensorflow_library
from . import recorded
from .files import Index, OpenVinoFiles, read

log = logging.getLogger(__name__)
PARTIAL = ".partial-"  # the beginning of the name of a folder while it is being written
_UNUSED_SECONDS = 90 * 24 * 3600  # the cache drops files that no server used for this time


class Converter:
    """Converts SavedModels, one at a time.

    Args:
        files: finds existing OpenVINO files. Its attributes are the cache folder and the tags of the meta graph.
        seconds: time limit for one SavedModel. TensorFlow runs the signatures that are not converted by then.
        niceness: niceness of the child process, 0 to 19. A higher value means a lower priority.
    """

    def __init__(self, files: OpenVinoFiles, *, seconds: float = 600, niceness: int = 0) -> None:
        self._files = files
        self._seconds = seconds
        self._niceness = niceness
        self._one_at_a_time = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def prepare(self, folder: Path) -> bool:
        """Converts the SavedModel in `folder` if it has no OpenVINO files, and logs which engine runs each signature.

        Also converts it if an earlier conversion failed, for example because it was killed or the disk was full.

        Waits for the conversion. Errors are logged, not raised.

        Returns:
            whether `OpenVino.load` now returns a runner for at least one signature.
        """
        if saved_model.model_file(folder) is None:
            return False
        try:
            index = self._files.of(folder)
            if index is None or not index.complete:
                index = self._convert(folder)
        except (OSError, ServingError) as error:
            log.warning("%s: not converted for OpenVINO: %s", folder, error)
            return False
        if tensorflow_library.find() is None:
            self._say_what_is_missing(folder, index)
        if index is None:
            return False
        log.info("%s: %s", folder, index)
        return bool(index.signatures)

    def _say_what_is_missing(self, folder: Path, index: Index | None) -> None:
        """Logs a line for each signature that needs TensorFlow, which is not installed."""
        found = Index("") if index is None else index
        for name in sorted(saved_model.read_signatures(folder, self._files.tags)):
            if name not in found.signatures and name not in found.plans:
                why = found.reasons.get(name, "tensorflow (no recorded answers)")
                why = why.removeprefix("tensorflow (").removesuffix(")")
                log.warning("%s: %s needs TensorFlow (pip install '.[models]'): %s", folder, name, why)

    def close(self) -> None:
        """Stops the conversion in progress, and prevents new ones."""
        self._closed = True
        if (process := self._process) is not None:
            process.kill()

    def _convert(self, folder: Path) -> Index | None:
        if tensorflow_library.find() is None and not recorded.exist(folder):  # nothing to compare with
            return None
        if not self._files.is_private():
            raise PermissionDenied(f"{self._files.cache} must belong to this user, with mode 0700")
        target = self._files.cache_folder(saved_model.fingerprint(folder))
        with self._one_at_a_time:
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._remove_unused(target.parent)
            partial = OwnedFolder(PARTIAL, target.parent)
            try:
                index = self.convert_into(partial.path, folder)
                if self._closed:
                    return None
                shutil.rmtree(target, ignore_errors=True)  # a folder that exists here has no readable index
                partial.path.rename(target)
                return index
            finally:
                partial.close()

    def convert_into(self, target: Path, folder: Path) -> Index:
        """Converts the SavedModel in `folder` into the folder `target`. Raises OSError or ServingError.

        The folder is empty, or has what `plans.write` has written.
        """
        command = (sys.executable, "-P", "-m", "keras_gallery.serving.engines.openvino.conversion_worker")
        theirs, ours = os.pipe()  # the child ends when this process ends, which closes the pipe
        try:
            self._process = subprocess.Popen(
                [*command, str(self._niceness), str(folder), str(target), *self._files.tags],
                stdin=theirs,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        if self._closed:
            self._process.kill()
        try:
            _, errors = self._process.communicate(timeout=self._seconds)
            failure = f"status {self._process.returncode}" if self._process.returncode else ""
        except subprocess.TimeoutExpired:
            self._process.kill()
            _, errors = self._process.communicate()
            failure = f"took more than {self._seconds:g} s"
        finally:
            os.close(ours)
        self._process = None
        return self._complete(target, folder, failure, errors.decode(errors="replace").strip())

    def _complete(self, target: Path, folder: Path, failure: str, errors: str) -> Index:
        """Returns the index that the child process wrote.

        If the child process failed, the failure becomes the reason for each signature that has no reason yet. The index
        is then not complete, and is written again.
        """
        index = read(target) or Index(saved_model.fingerprint(folder))
        if failure and not self._closed:
            log.warning("%s: the conversion for OpenVINO failed (%s): %s", folder, failure, errors[-500:])
            for name in saved_model.read_signatures(folder, self._files.tags):
                index.reasons.setdefault(name, f"tensorflow (conversion failed: {failure})")
            index = replace(index, complete=False)
            index.write(target)
        return index

    def _remove_unused(self, cache: Path) -> None:
        """Removes folders not used for `_UNUSED_SECONDS`."""
        for folder in cache.iterdir():
            if time.time() - folder.stat().st_mtime > _UNUSED_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)

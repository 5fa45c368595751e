"""The last check of an import: serves the model briefly, and compares the results with TensorFlow's results."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from .. import version_files
from ..client import Client
from ..client.transports import GrpcTransport
from ..core import warmup
from ..errors import FailedPrecondition, ResourceExhausted, ServingError
from ..export.comparing import difference, too_far
from ..export.random_outputs import unlike, varies
from ..launcher import ServerProcess
from ..ports import free_port
from ..wire import messages, tensor
from .reading import precision
from .reading.causes import cause
from .time_limit import killed_after

LOG_BYTES = 1 << 20  # the last part of a log that is read
MAX_MESSAGE = 300  # characters of an error that is shown as it is
SPARE_BYTES = 1 << 20  # a response may have this many bytes more than twice the expected size
READY_SECONDS = 120.0  # longest time for starting the server and loading the model

# The server is for this comparison only, which sends the warm-up requests itself.
FLAGS = ("--allow_reload=false", "--workers=1", "--enable_model_warmup=false")
# Words in the server's log when a library, Python or the system has no memory left.
_OUT_OF_MEMORY = ("bad_alloc", "MemoryError", "OOM when allocating", "Cannot allocate memory", "memory allocation of")


def compare(
    name: str, version: Path, answers: Path, *, memory: int, seconds: float, limit: float, trust: bool = False
) -> str:
    """Serves a version, sends its warm-up requests, and compares the responses with TensorFlow's responses.

    Args:
        name: model name in the requests.
        version: folder of the version.
        answers: folder with TensorFlow's responses: a `PredictResponse` in `<number>.pb` for each warm-up request. If
            the signature draws random numbers, the responses of further runs are in `<number>.<run>.pb`. The file
            `tolerance` has the tolerance.
        memory: bytes that each process of the server may allocate.
        seconds: longest time for the comparison, which is the rest of the import's time.
        limit: longest time for the whole import, in seconds, for the error message.
        trust: whether the model may have operations that do more than compute.

    Returns:
        One line of text: the compared signatures, the largest difference, and the outputs that are random.

    Raises:
        FailedPrecondition: a result differs by more than the tolerance.
        ResourceExhausted: the model needs too much memory or time.
    """
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "1").symlink_to(version)
        log = Path(folder) / "log"
        ports = {"port": free_port(), "rest_port": free_port()}
        flags = FLAGS if trust else (*FLAGS, "--restrict_models")
        server = ServerProcess("embedded", {name: Path(folder)}, **ports, host="127.0.0.1", flags=flags, log=log)
        limited = (sys.executable, "-P", "-m", "keras_gallery.serving.importer.limited", str(memory), str(seconds))
        server.command = [*limited, *server.command]
        with server, killed_after(seconds, lambda: server.process) as expired:
            try:
                server.wait_until_ready(READY_SECONDS)
                transport = GrpcTransport(server.grpc, seconds, _max_answer(version, answers))
                with Client(server.grpc, transport=transport) as client:
                    worst, compared, random = _differences(client, name, version, answers)
            except ServingError as error:
                if expired.is_set():
                    raise ResourceExhausted(
                        f"The import takes more than {limit:.0f} s (--max-seconds allows more)"
                    ) from None
                text = f"{error}\n{last_part(log)}"
                if any(words in text for words in _OUT_OF_MEMORY):
                    raise ResourceExhausted(
                        f"The model needs more than {memory / (1 << 30):.1f} GiB of memory (--max-memory allows more)"
                    ) from None
                if server.process is not None and (status := server.process.poll()) is not None:
                    lines = last_part(log).strip().splitlines()  # the log will be deleted
                    reason = f": {cause(lines[-1])}" if lines else ""
                    raise FailedPrecondition(
                        f"The server that tests the model ended with exit status {status}{reason}"
                    ) from None
                if "\n" in str(error) or len(str(error)) > MAX_MESSAGE:  # an error of TensorFlow
                    raise type(error)(f"The server that tests the model fails: {cause(str(error))}") from None
                raise
    if not compared:
        return "the model loads, but there is no warm-up request to compare"
    text = f"{', '.join(compared)} match TensorFlow (largest difference {worst:.1g})"
    return text + (f"; compared by their means, because they are random: {', '.join(random)}" if random else "")


def last_part(log: Path) -> str:
    """Returns the last `LOG_BYTES` bytes of a log as text. Returns "" if the file does not exist."""
    try:
        with open(log, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - LOG_BYTES))
            return file.read(LOG_BYTES).decode(errors="replace")
    except FileNotFoundError:
        return ""


def _max_answer(version: Path, answers: Path) -> int:
    """Returns the maximum size of a response of the server in bytes.

    A response has outputs, which are about as long as TensorFlow's, or the signatures, which are in saved_model.pb.
    """
    sizes = [each.stat().st_size for each in (*answers.glob("*.pb"), version / "saved_model.pb") if each.exists()]
    return min(SPARE_BYTES + 2 * max(sizes, default=0), (1 << 31) - 1)  # the maximum of gRPC


def _differences(client: Client, name: str, version: Path, answers: Path) -> tuple[float, list[str], list[str]]:
    """Returns the largest difference, the compared signatures, and the outputs that are random.

    Raises FailedPrecondition if the results differ.
    """
    worst, compared, random = 0.0, [], []
    tolerance = precision.read(answers)
    for number, record in enumerate(warmup.read(version)):
        signature = record.request.spec.signature

        def predict(record: Any = record, signature: str = signature) -> Any:
            return client.predict(name, record.request.inputs, signature=signature)

        results = [predict()]
        expected = [_answer(answers / f"{number}.pb"), *map(_answer, sorted(answers.glob(f"{number}.*.pb")))]
        results += [predict() for _ in expected[1:]]
        if results[0].keys() != expected[0].keys():
            raise FailedPrecondition(
                f"Expected outputs {', '.join(sorted(expected[0]))} of signature {signature} from the server. "
                f"Received: {', '.join(sorted(results[0]))}"
            )
        for key in expected[0]:
            new, old = [each[key] for each in results], [each[key] for each in expected]
            largest = difference(new[0], old[0])
            if varies(old, tolerance) or (too_far(largest, tolerance) and varies(new, tolerance)):
                problem, largest = unlike(new, old), 0.0
                random.append(f"{key} of {signature}")
            else:
                problem = too_far(largest, tolerance)
            if problem:
                raise FailedPrecondition(
                    f"The server's results differ from TensorFlow's (tolerance {tolerance:g}): "
                    f"output {key} of signature {signature} is {problem}"
                )
            worst = max(worst, float(largest))
        compared.append(signature)
    return worst, compared, random


def _answer(file: Path) -> dict[str, Any]:
    """Reads the outputs in a `PredictResponse`."""
    message = messages.PredictResponse.FromString(version_files.read_file(file))
    return {key: tensor.to_array(proto) for key, proto in message.outputs.items()}

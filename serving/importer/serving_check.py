"""The last look at an import: a server answers as TensorFlow did."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ..client import Client
from ..core import warmup
from ..errors import FailedPrecondition
from ..export.comparing import difference, too_far
from ..launcher import ServerProcess
from ..ports import free_port
from ..wire import messages, tensor

TOLERANCE = 1e-4


def compare(name: str, version: Path, answers: Path) -> str:
    """Serves the version from where it is, sends its warm-up requests, and compares what comes with `answers`.

    Returns:
        What came of it, in a line.

    Raises:
        FailedPrecondition: the server answers otherwise.
    """
    worst, asked = 0.0, []
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "1").symlink_to(version)
        models, log = {name: Path(folder)}, Path(folder) / "log"
        with ServerProcess("embedded", models, port=free_port(), rest_port=free_port(), log=log) as server:
            server.wait_until_ready()
            with Client(server.grpc) as client:
                for number, record in enumerate(warmup.read(version)):
                    signature = record.request.spec.signature
                    got = client.predict(name, record.request.inputs, signature=signature)
                    message = messages.PredictResponse.FromString((answers / f"{number}.pb").read_bytes())
                    want = {key: tensor.to_array(proto) for key, proto in message.outputs.items()}
                    for key, value in want.items():
                        off = difference(got[key], value)
                        if problem := too_far(off, TOLERANCE):
                            raise FailedPrecondition(
                                f"Expected the server to answer as TensorFlow does (within {TOLERANCE:g}). Received: "
                                f"{key} of {signature} {problem}"
                            )
                        worst = max(worst, float(off))
                    asked.append(signature)
    if not asked:
        return "it loads; no signature could be tried"
    return f"{', '.join(asked)} answer as TensorFlow does (they differ by {worst:.1g} at most)"

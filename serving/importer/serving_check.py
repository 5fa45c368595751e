"""The last check of an import: serves the model briefly, and compares the results with TensorFlow's results."""

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


# The server is for this comparison only.
FLAGS = ("--allow_reload=false", "--workers=1")


def compare(name: str, version: Path, answers: Path, *, trust: bool = False) -> str:
    """Serves a version, sends its warm-up requests, and compares the responses with TensorFlow's responses.

    Args:
        name: model name in the requests.
        version: folder of the version.
        answers: folder with TensorFlow's responses: a `PredictResponse` in `<number>.pb` for each warm-up request.
        trust: whether the model may have operations that do more than compute.

    Returns:
        One line of text: the compared signatures, and the largest difference.

    Raises:
        FailedPrecondition: a result differs by more than `TOLERANCE`.
    """
    worst, compared = 0.0, []
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "1").symlink_to(version)
        models, log = {name: Path(folder)}, Path(folder) / "log"
        ports = {"port": free_port(), "rest_port": free_port()}
        flags = FLAGS if trust else (*FLAGS, "--restrict_models")
        with ServerProcess("embedded", models, **ports, host="127.0.0.1", flags=flags, log=log) as server:
            server.wait_until_ready()
            with Client(server.grpc) as client:
                for number, record in enumerate(warmup.read(version)):
                    signature = record.request.spec.signature
                    results = client.predict(name, record.request.inputs, signature=signature)
                    message = messages.PredictResponse.FromString((answers / f"{number}.pb").read_bytes())
                    expected = {key: tensor.to_array(proto) for key, proto in message.outputs.items()}
                    for key, value in expected.items():
                        largest = difference(results[key], value)
                        if problem := too_far(largest, TOLERANCE):
                            raise FailedPrecondition(
                                f"The server's results differ from TensorFlow's (tolerance {TOLERANCE:g}): "
                                f"output {key} of signature {signature} is {problem}"
                            )
                        worst = max(worst, float(largest))
                    compared.append(signature)
    if not compared:
        return "the model loads, but there is no warm-up request to compare"
    return f"{', '.join(compared)} match TensorFlow (largest difference {worst:.1g})"

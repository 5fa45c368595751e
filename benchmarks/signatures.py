"""Compares signatures that decode pictures, read texts or look up labels: OpenVINO and steps against TensorFlow.

    python benchmarks/signatures.py [--beside PROGRAM] [--rows REGEX] [--rounds 5] [--seconds 3]

Two servers run at the same time, and are measured in turns: `gallery-model-server`, and the program after `--beside`,
which has the flags of TensorFlow Serving. Without `--beside`, the second server is `gallery-model-server` with
`--convert_to_openvino=false`, so that TensorFlow runs all signatures.

The requests are the warm-up requests of the export: one row each. h2load sends them over gRPC, on 8 connections with 2
requests in flight on each. The models are those of the gallery with their default sizes and random weights.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import load_tools
from keras_gallery.serving.core import warmup
from serve_beside import in_turns
from serve_common import PREDICT, Table, answer_size, port_of, progress, request_of, running
from serve_rows import Run, measured

ROWS = (
    ("dense_autoencoder", "encode_png"),
    ("convnet", "classify"),
    ("convnet", "classify_png"),
    ("convnet", "classify_example"),
    ("encoder_decoder", "translate"),
    ("encoder_decoder", "translate_beam"),
    ("word2vec_skipgram", "nearest"),
)
EXPORT = """
import sys
from keras_gallery.models import create
from keras_gallery.serving.export.writing import export
for name in sys.argv[2:]:
    model = create(name)
    texts = None
    if name == "word2vec_skipgram":
        count = model.get_layer("embedding").input_dim
        texts = {"word": {"names": [f"w{at}" for at in range(count - 2)], "split": "words"}}
    if name == "encoder_decoder":
        count = model.get_layer("decoder").outputs[0].shape[-1]
        (read,) = [each.input_dim for each in model.get_layer("encoder").layers if hasattr(each, "input_dim")]
        texts = {
            "text": {"names": [chr(97 + at) for at in range(read - 2)], "split": "characters"},
            "output": {"names": ["[START]", "[END]", *(f"s{at}" for at in range(count - 4))], "split": "spaces"},
        }
    export(model, name, sys.argv[1], texts=texts)
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--beside", metavar="PROGRAM", help="compare with this server")
    parser.add_argument("--rows", default="", help="signatures whose names match, such as 'png' (default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="number of rounds (default: 5)")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement (default: 3)")
    parser.add_argument("--workers", type=int, default=0, help="worker processes (default: one for each core)")
    parser.add_argument("--models", type=Path, help="folder of exported models (default: export them)")
    options = parser.parse_args()
    if problem := load_tools.missing("h2load"):
        sys.exit(problem)
    rows = [row for row in ROWS if re.search(options.rows, " ".join(row))]
    names = sorted({name for name, _ in rows})
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        if options.models is None:
            options.models = Path(folder)
            progress(f"exporting {', '.join(names)}")
            subprocess.run([sys.executable, "-c", EXPORT, folder, *names], check=True, capture_output=True)
        others = [] if options.beside else ["--convert_to_openvino=false"]
        servers = [
            stack.enter_context(running(options, names)),
            stack.enter_context(running(options, names, *others, program=options.beside)),
        ]
        print(table(options, rows, servers).markdown())
    return 0


def table(options: argparse.Namespace, rows: list[tuple[str, str]], servers: list[Any]) -> Table:
    """Measures both servers in turns. The ratio is the first server's requests per second divided by the second's."""
    cells = []
    for row in rows:
        this, other = (
            partial(measured, prepared(options.models, row, server), options.seconds, server.process.pid)
            for server in servers
        )
        this(), other()  # warm-up
        pairs = [in_turns(number, this, other) for number in range(options.rounds)]
        ratios = [a.load.per_second / b.load.per_second for a, b in pairs]
        cpu = [a.cpu / b.cpu for a, b in pairs]
        progress(f"{' '.join(row)}: {median(ratios):.2f}")
        cells.append(
            {
                "model": row[0],
                "signature": row[1],
                "requests/s": f"{median(a.load.per_second for a, _ in pairs):,.0f}",
                "other": f"{median(b.load.per_second for _, b in pairs):,.0f}",
                "ratio": f"{median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})",
                "CPU ratio": f"{median(cpu):.2f} ({min(cpu):.2f}–{max(cpu):.2f})",
            }
        )
    return Table("Signatures with steps", cells)


def prepared(models: Path, row: tuple[str, str], server: Any) -> Run:
    """Returns a function that sends the warm-up request of a signature for a number of seconds."""
    name, signature = row
    (record,) = [each for each in warmup.read(models / name / "1") if each.request.spec.signature == signature]
    request = request_of(name, dict(record.request.inputs), signature)
    port = port_of(server.grpc)
    size = answer_size(port, PREDICT, request)
    return lambda seconds: load_tools.grpc_load(port, PREDICT, request, size, seconds)


if __name__ == "__main__":
    sys.exit(main())

"""`gallery segment`: pictures in, what each pixel belongs to out, through a running server."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from . import files

HELP = "segment pictures (PNG, JPEG, NPY or a folder of them) through a running server; masks out as PNG or NPY"


def configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    files.configure(parser)


def run(values: argparse.Namespace) -> int:
    from ..serving.client import Client
    from .pictures import coloured

    pairs = files.pair(values.inputs, values.output, "segment")
    with Client(values.server, timeout=values.timeout) as client:
        for source, target in pairs:
            masks = files.ask(client, values.name, source, "segment").mask
            mask = masks[0] if files.is_picture(source) else masks
            if target.suffix.lower() != ".npy":
                outputs = client.signatures(values.name)["serving_default"].outputs
                (probabilities,) = outputs.values()  # (batch, height, width, classes), the background last
                mask = coloured(mask, background=(probabilities.shape or (0,))[-1] - 1)
            files.write(target, mask)
            print(f"{source} -> {target}")
    return 0

"""`gallery detect`: pictures in, what is where in them out, through a running server."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from . import files

HELP = "find objects in pictures (PNG, JPEG or a folder of them) through a running server; PNG files with boxes out"


def configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    files.configure(parser, "PNG or JPEG")


def run(values: argparse.Namespace) -> int:
    from ..serving.client import Client
    from .pictures import with_boxes

    pairs = files.pair(values.inputs, values.output, "detect", files.PICTURES)
    with Client(values.server, timeout=values.timeout) as client:
        for source, target in pairs:
            (found,) = files.ask(client, values.name, source, "detect")
            files.write(target, with_boxes(source, found))
            print(f"{source} -> {target}")
            for label, score, box in zip(found.labels, found.scores, found.boxes, strict=True):
                top, left, bottom, right = box
                place = f"top {top:.1f}, left {left:.1f}, bottom {bottom:.1f}, right {right:.1f}"
                print(f"    {label}\t{score:.4f}\t{place}")
    return 0

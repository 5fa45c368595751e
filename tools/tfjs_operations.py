"""Writes the operations that TensorFlow.js supports in graph models to `serving/targets/tfjs/operations.json`.

    python -m tools.tfjs_operations node_modules

The operations come from the npm package @tensorflow/tfjs-converter, which contains tables of TensorFlow's operations.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from keras_gallery.serving.targets.tfjs import OPERATIONS


def read(modules: Path) -> dict[str, Any]:
    """Returns the converter's {"version": …, "operations": […]}. `modules` is a folder of npm packages."""
    package = modules / "@tensorflow" / "tfjs-converter"
    tables = sorted(package.glob("dist/operations/op_list/*.js"))
    names = {name for table in tables for name in re.findall(r"'tfOpName': '(\w+)'", table.read_text("utf-8"))}
    version = json.loads(Path(package, "package.json").read_text("utf-8"))["version"]
    return {"version": version, "operations": sorted(names)}


if __name__ == "__main__":
    OPERATIONS.write_text(json.dumps(read(Path(sys.argv[1])), indent=2) + "\n", "utf-8")

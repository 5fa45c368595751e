"""Lists the operations that TensorFlow.js's graph models may have: `serving/targets/tfjs/operations.json`.

    python -m tools.tfjs_operations node_modules

reads them from the npm package @tensorflow/tfjs-converter, whose tables map TensorFlow's operations to its own.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from keras_gallery.serving.targets.tfjs import OPERATIONS


def read(modules: Path) -> dict[str, Any]:
    """{"version": …, "operations": […]} of the package in a folder of npm packages."""
    package = modules / "@tensorflow" / "tfjs-converter"
    tables = sorted(package.glob("dist/operations/op_list/*.js"))
    found = {name for table in tables for name in re.findall(r"'tfOpName': '(\w+)'", table.read_text("utf-8"))}
    version = json.loads(Path(package, "package.json").read_text("utf-8"))["version"]
    return {"version": version, "operations": sorted(found)}


if __name__ == "__main__":
    OPERATIONS.write_text(json.dumps(read(Path(sys.argv[1])), indent=2) + "\n", "utf-8")

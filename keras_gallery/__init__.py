"""Keras Gallery: Keras models from training to serving."""

from __future__ import annotations

import sys

# `import openvino` reports to an analytics service and writes an identifier into the home folder, unless this module
# is missing. Every process of ours imports this package before OpenVINO.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

"""The table is measured: a handful of its rows, measured anew."""

from __future__ import annotations

import pytest
from keras_gallery.serving.quiet import quiet_import

with quiet_import():
    from tools.doctor import measure
    from tools.doctor.cases import cases

PATTERNS = ["GroupNormalization", "Masking", "Conv2DTranspose", "CategoryEncoding", "ops.Einsum"]
TARGETS = ["saved_model", "onnx", "openvino"]


@pytest.mark.filterwarnings("ignore")  # of the converters
def test_rows_measured_anew() -> None:
    rows = measure.known()
    found = list(cases(PATTERNS))
    assert {case.layer for case in found} == set(PATTERNS)
    for key, reasons in measure.measure(found, TARGETS).items():
        told = rows[key]
        assert {target for target, reason in reasons.items() if not reason} == set(told["ok"]) & set(TARGETS)
        assert {target: reason for target, reason in reasons.items() if reason}.keys() == told["no"].keys() & set(
            TARGETS
        )


def test_every_row_was_tried_for_every_target() -> None:
    for key, row in measure.known().items():
        assert {*row["ok"], *row["no"]} == set(measure.TARGETS), key

"""Measures a few rows of the table of `gallery doctor` again, and checks that the table is complete."""

from __future__ import annotations

import pytest
from keras_gallery.serving.quiet import quiet_import

with quiet_import():
    from tools.doctor import measure
    from tools.doctor.cases import cases

PATTERNS = ["GroupNormalization", "Masking", "Conv2DTranspose", "CategoryEncoding", "ops.Einsum"]
TARGETS = ["saved_model", "onnx", "openvino"]
# TensorFlow cannot run these rows on a processor without oneDNN.
ONEDNN_ONLY = ('Conv2DTranspose {"dilation_rate": ">1"}', 'Conv2DTranspose {"data_format": "channels_first"}')


@pytest.mark.slow  # only maintainers measure the rows
@pytest.mark.filterwarnings("ignore")  # warnings of the converters
def test_measured_rows_are_reproducible() -> None:
    rows = measure.known()
    found = list(cases(PATTERNS))
    assert {case.layer for case in found} == set(PATTERNS)
    for key, reasons in measure.measure(found, TARGETS).items():
        row = rows[key]
        if key in ONEDNN_ONLY and "Graph execution error" in (reasons["saved_model"] or ""):
            continue
        assert {target for target, reason in reasons.items() if not reason} == set(row["ok"]) & set(TARGETS)
        assert {target: reason for target, reason in reasons.items() if reason}.keys() == row["no"].keys() & set(
            TARGETS
        )


def test_every_row_has_every_target() -> None:
    for key, row in measure.known().items():
        assert {*row["ok"], *row["no"]} == set(measure.TARGETS), key

"""Tests of configuration files in text format: batching parameters, monitoring and TLS."""

from __future__ import annotations

from pathlib import Path

import pytest
from keras_gallery.serving.config import server_config
from keras_gallery.serving.config.server_config import BatchingParameters, Monitoring, Ssl
from keras_gallery.serving.errors import InvalidArgument

ERROR = "Error parsing text-format tensorflow.serving.BatchingParameters: "
LAST = "^Last entry in allowed_batch_sizes must "
SPLITTING = "max_batch_size { value: 8 } enable_large_batch_splitting { value: true } "


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "some.config"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", BatchingParameters()),
        (  # the example in TensorFlow Serving's guide
            """max_batch_size { value: 128 }
            batch_timeout_micros { value: 0 }
            max_enqueued_batches { value: 1000000 }
            num_batch_threads { value: 8 }""",
            BatchingParameters(128, 0, 1_000_000, 8),
        ),
        (
            "# a comment\nmax_batch_size: <value: 4> allowed_batch_sizes: 2, allowed_batch_sizes: 4;"
            "pad_variable_length_inputs: true thread_pool_name { value: 'pool' }",
            BatchingParameters(4, allowed_batch_sizes=(2, 4), pad_variable_length_inputs=True, thread_pool_name="pool"),
        ),
        ("allowed_batch_sizes: [1, 1000]", BatchingParameters(allowed_batch_sizes=(1, 1000))),
        (
            "max_batch_size { value: 64 } enable_large_batch_splitting { value: true } "
            "max_execution_batch_size { value: 16 } allowed_batch_sizes: 16",
            BatchingParameters(
                64, enable_large_batch_splitting=True, max_execution_batch_size=16, allowed_batch_sizes=(16,)
            ),
        ),
        (
            SPLITTING + "max_execution_batch_size { value: 4 } allowed_batch_sizes: [4, 8]",
            BatchingParameters(
                8, enable_large_batch_splitting=True, max_execution_batch_size=4, allowed_batch_sizes=(4, 8)
            ),
        ),
        ("enable_large_batch_splitting {}", BatchingParameters(enable_large_batch_splitting=False)),
    ],
    ids=["empty", "guide", "other syntax", "list", "splitting", "sizes up to the maximum", "empty message"],
)
def test_batching_parameters(tmp_path: Path, text: str, expected: BatchingParameters) -> None:
    assert server_config.batching_parameters(write(tmp_path, text)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max_batch { }", 'BatchingParameters: 1:1: Message type "tensorflow.serving.BatchingParameters" has no field'),
        ("max_batch_size: 5", ERROR + "1:1[67]: "),
        ("\n\n max_batch_size { value: 'x' }", ERROR + "3:26: "),
        ("max_batch_size {", ERROR + "1:"),
        (b"thread_pool_name { value: '\xff' }", ERROR),
        ("max_batch_size { value: 0 }", "max_batch_size must be positive; was 0"),
        ("max_batch_size {}", "max_batch_size must be positive; was 0"),
        ("num_batch_threads { value: -1 }", "num_batch_threads must be positive; was -1"),
        ("batch_timeout_micros { value: -1 }", "batch_timeout_micros must be non-negative; was -1"),
        ("max_enqueued_batches { value: -2 }", "max_enqueued_batches must be non-negative; was -2"),
        ("allowed_batch_sizes: [4, 2, 1000]", "^allowed_batch_sizes entries must be monotonically increasing"),
        ("allowed_batch_sizes: [4, 4, 1000]", "^allowed_batch_sizes entries must be monotonically increasing"),
        ("allowed_batch_sizes: [2, 4]", LAST + "match max_batch_size; last entry was 4; expected 1000"),
        ("max_batch_size { value: 8 } allowed_batch_sizes: 4", "last entry was 4; expected 8"),
        (
            SPLITTING + "max_execution_batch_size { value: 4 } allowed_batch_sizes: [2, 5]",
            LAST + "be equal to max_execution_batch_size; last entry was 5; expected 4",
        ),
        (
            SPLITTING + "allowed_batch_sizes: [2, 5]",
            LAST + "be equal to max_execution_batch_size; last entry was 5; expected 8",
        ),
        (
            "max_batch_size { value: 8 } enable_large_batch_splitting { value: true } "
            "max_execution_batch_size { value: 9 }",
            "max_execution_batch_size must be at most max_batch_size; was 9; expected at most 8",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_errors_have_one_line_and_name_the_file(tmp_path: Path, text: str | bytes, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(InvalidArgument, match=message) as caught:
        server_config.batching_parameters(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"Cannot read the SSLConfig file .*/none: No such file"):
        server_config.ssl(tmp_path / "none")


def test_batching_parameters_in_a_version_folder(tmp_path: Path) -> None:
    assert server_config.model_batching_parameters(tmp_path) is None
    (tmp_path / "batching_params.pbtxt").write_text("max_batch_size { value: 3 }")
    assert server_config.model_batching_parameters(tmp_path) == BatchingParameters(3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Monitoring(False)),
        ("prometheus_config {}", Monitoring(False)),
        ("prometheus_config { enable: true }", Monitoring(True, "/monitoring/prometheus/metrics")),
        ('prometheus_config: { enable: true, path: "/metrics" }', Monitoring(True, "/metrics")),
    ],
)
def test_monitoring(tmp_path: Path, text: str, expected: Monitoring) -> None:
    assert server_config.monitoring(write(tmp_path, text)) == expected


def test_ssl(tmp_path: Path) -> None:
    text = """server_key: "-----BEGIN\\n"
                          "KEY-----\\n"
              server_cert: 'cert' custom_ca: "ca" client_verify: true"""
    actual = server_config.ssl(write(tmp_path, text))
    assert actual == Ssl("-----BEGIN\nKEY-----\n", "cert", "ca", True)
    assert "BEGIN" not in repr(actual)  # the key must not appear in a log

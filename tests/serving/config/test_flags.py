"""Tests of the flags: TensorFlow Serving's names, defaults and syntax."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import logging
from typing import Any

import pytest
from keras_gallery.serving.config import flags
from keras_gallery.serving.config.flag_table import FLAGS

BASE = "--model_base_path=/m"

# TensorFlow Serving's flags and defaults. None stands for the number of CPU cores or a multiple of that number.
TENSORFLOW_SERVING: dict[str, Any] = {
    "port": 8500, "grpc_socket_path": "", "rest_api_port": 0, "rest_api_num_threads": None,
    "rest_api_timeout_in_ms": 30000, "rest_api_enable_cors_support": False, "enable_batching": False,
    "allow_version_labels_for_unavailable_models": False, "batching_parameters_file": "",
    "enable_per_model_batching_parameters": False, "model_config_file": "",
    "model_config_file_poll_wait_seconds": 0, "model_name": "default", "model_base_path": "/m",
    "num_load_threads": 0, "num_unload_threads": 0, "max_num_load_retries": 5,
    "load_retry_interval_micros": 60_000_000, "file_system_poll_wait_seconds": 1,
    "flush_filesystem_caches": True, "tensorflow_session_parallelism": 0, "tensorflow_session_config_file": "",
    "tensorflow_intra_op_parallelism": 0, "tensorflow_inter_op_parallelism": 0, "use_alts_credentials": False,
    "ssl_config_file": "", "platform_config_file": "", "per_process_gpu_memory_fraction": 0.0,
    "saved_model_tags": "serve", "grpc_channel_arguments": "", "grpc_max_threads": None,
    "enable_model_warmup": True, "num_request_iterations_for_warmup": 0, "version": False,
    "monitoring_config_file": "", "remove_unused_fields_from_bundle_metagraph": True,
    "prefer_tflite_model": False, "num_tflite_pools": None, "num_tflite_interpreters_per_pool": 1,
    "enable_signature_method_name_check": False, "xla_cpu_compilation_enabled": False,
    "xla_gpu_compilation_enabled": False, "enable_profiler": True, "thread_pool_factory_config_file": "",
    "mixed_precision": "", "skip_initialize_tpu": False, "enable_grpc_healthcheck_service": False,
    "enable_serialization_as_tensor_content": False,
}  # fmt: skip


def parse(*arguments: str, **environment: str) -> Any:
    return flags.parse(arguments, environment)


@pytest.mark.parametrize(("name", "value"), TENSORFLOW_SERVING.items(), ids=TENSORFLOW_SERVING)
def test_defaults(name: str, value: object) -> None:
    actual = getattr(parse(BASE), name)
    if value is None:
        assert actual >= 1
    else:
        assert (type(actual), actual) == (type(value), value)


def test_flags_that_tensorflow_serving_lacks_are_marked() -> None:
    assert {flag.name for flag in FLAGS if not flag.ours} == set(TENSORFLOW_SERVING)
    assert len({flag.name for flag in FLAGS}) == len(FLAGS)


@pytest.mark.parametrize(
    ("arguments", "name", "value"),
    [
        (["--port=9000"], "port", 9000),
        (["--port", "9000"], "port", 9000),
        (["--port=1", "--port=2"], "port", 2),
        (["--port=65535"], "port", 65535),
        (["--port=0", "--rest_api_port=1"], "port", 0),
        (["--model_name=a=b"], "model_name", "a=b"),
        (["--rest_api_enable_cors_support"], "rest_api_enable_cors_support", True),
        (["--rest_api_enable_cors_support", "--port=1"], "rest_api_enable_cors_support", True),
        (["--rest_api_enable_cors_support=true"], "rest_api_enable_cors_support", True),
        (["--rest_api_enable_cors_support=1"], "rest_api_enable_cors_support", True),
        (["--enable_model_warmup=false"], "enable_model_warmup", False),
        (["--enable_model_warmup=FALSE"], "enable_model_warmup", False),
        (["--enable_model_warmup=0"], "enable_model_warmup", False),
        (["--enable_model_warmup", "false"], "enable_model_warmup", False),
        (["--max_request_bytes=1"], "max_request_bytes", 1),
        (["--load_retry_interval_micros=-1"], "load_retry_interval_micros", -1),
        (["--load_retry_interval_micros=9223372036854775807"], "load_retry_interval_micros", (1 << 63) - 1),
        (["--grpc_socket_path=s", "--port=0"], "grpc_socket_path", "s"),
        (["--enable_batching", "--batching_parameters_file=b"], "batching_parameters_file", "b"),
        # A base path and a config file are allowed together: TensorFlow Serving's container always sets a base path.
        (["--model_config_file=c"], "model_config_file", "c"),
        (["--model_config_file="], "model_config_file", ""),
        (["--request_log", "-"], "request_log", "-"),
        (["--per_process_gpu_memory_fraction=0.5"], "per_process_gpu_memory_fraction", 0.5),
        (["--use_alts_credentials=false"], "use_alts_credentials", False),
    ],
    ids=str,
)
def test_values(arguments: list[str], name: str, value: object) -> None:
    actual = getattr(parse(BASE, *arguments), name)
    assert (type(actual), actual) == (type(value), value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([BASE, "--model_nam=x"], r"unknown argument: --model_nam=x \(did you mean --model_name\?\)"),
        ([BASE, "--rest_port=1"], r"unknown argument: --rest_port=1 \(did you mean --rest_api_port\?\)"),
        ([BASE, "--zzz"], r"unknown argument: --zzz \(see --help\)"),
        ([BASE, "left over"], "unknown argument: left over"),
        ([BASE, "--port=-1"], "Expected --port of 0 or more. Received: -1"),
        ([BASE, "--port=65536"], "Expected --port of at most 65535. Received: 65536"),
        ([BASE, "--rest_api_port=65536"], "Expected --rest_api_port of at most 65535. Received: 65536"),
        ([BASE, "--max_request_bytes=0"], "Expected --max_request_bytes of 1 or more. Received: 0"),
        ([BASE, "--max_request_bytes=2147483648"], "Expected --max_request_bytes of at most 2147483647"),
        ([BASE, "--port=many"], "argument --port: invalid int value: 'many'"),
        ([BASE, "--port"], "argument --port: expected one argument"),
        ([BASE, "--enable_model_warmup=maybe"], "argument --enable_model_warmup: invalid .* value: 'maybe'"),
        ([BASE, "--port=0"], "No port to listen on: set --port, --rest_api_port or --grpc_socket_path"),
        ([], "No model to serve: set --model_base_path or --model_config_file"),
        ([BASE, "--port=1_000"], "argument --port: invalid int value: '1_000'"),
        ([BASE, "--port=9999999999999999999999"], "argument --port: invalid int value"),
        ([BASE, "--port=\u0663"], "argument --port: invalid int value"),
        ([BASE, "--max_num_load_retries=2147483648"], "Expected --max_num_load_retries of at most 2147483647"),
        ([BASE, "--per_process_gpu_memory_fraction=1.5"], "of at most 1. Received: 1.5"),
        ([BASE, "--per_process_gpu_memory_fraction=nan"], "of 0 or more. Received: nan"),
        ([BASE, "--workers=-1"], "Expected --workers of 0 or more. Received: -1"),
        (
            [BASE, "--port=5", "--rest_api_port=5"],
            "--port and --rest_api_port must differ, but both are 5",
        ),
        ([BASE, "--batching_parameters_file=b"], "--batching_parameters_file needs --enable_batching"),
        (
            [BASE, "--batching_parameters_file=b", "--enable_batching=false"],
            "--batching_parameters_file needs --enable_batching",
        ),
        (
            [BASE, "--use_alts_credentials"],
            "--use_alts_credentials is not supported: encrypt gRPC with --ssl_config_file",
        ),
        (
            [BASE, "--grpc_channel_arguments=grpc.x"],
            "Expected name=value in --grpc_channel_arguments. Received: grpc.x",
        ),
    ],
    ids=str,
)
def test_errors_have_one_line(arguments: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        parse(*arguments)
    assert "\n" not in str(caught.value)


def test_help_describes_every_flag() -> None:
    text = " ".join(flags.parser().format_help().split())
    for flag in FLAGS:
        assert f"--{flag.name}" in text
        assert flag.help in text
    assert text.count("[not in TensorFlow Serving]") == sum(flag.ours for flag in FLAGS)
    assert text.count("[accepted, has no effect]") == sum(flag.ignored for flag in FLAGS)


@pytest.mark.parametrize("flag", [flag for flag in FLAGS if flag.ignored], ids=lambda flag: flag.name)
def test_a_flag_without_effect_warns_if_it_is_set(flag: Any, caplog: pytest.LogCaptureFixture) -> None:
    flags.warn_of_ignored(parse(BASE, f"--{flag.name}={flag.default}"))
    assert not caplog.records
    other = {bool: not flag.default, int: 77, float: 0.5, str: "x"}[type(flag.default)]
    flags.warn_of_ignored(parse(BASE, f"--{flag.name}={other}"))
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.WARNING, f"--{flag.name} is accepted, but has no effect")
    ]


def test_channel_arguments_without_effect_warn(caplog: pytest.LogCaptureFixture) -> None:
    flags.warn_of_ignored(parse(BASE, "--grpc_channel_arguments=grpc.max_concurrent_streams=9"))
    assert not caplog.records
    flags.warn_of_ignored(parse(BASE, "--grpc_channel_arguments=a.b=1,grpc.max_concurrent_streams=9,c=d"))
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.WARNING, f"--grpc_channel_arguments: {name!r} has no effect") for name in ("a.b", "c")
    ]


@pytest.mark.parametrize(
    ("arguments", "environment", "name", "path"),
    [
        ([], {"MODEL_NAME": "m"}, "m", "/models/m"),
        ([], {"MODEL_NAME": "m", "MODEL_BASE_PATH": "/elsewhere"}, "m", "/elsewhere/m"),
        ([], {"MODEL_NAME": "m", "MODEL_BASE_PATH": ""}, "m", "/models/m"),
        # --model_name does not change the path. The entry point of TensorFlow Serving's container does the same.
        (["--model_name=x"], {"MODEL_NAME": "m"}, "x", "/models/m"),
        ([BASE], {"MODEL_NAME": "m"}, "default", "/m"),
        (["--model_config_file=c"], {"MODEL_NAME": "m"}, "default", ""),
    ],
    ids=str,
)
def test_environment_variables(arguments: list[str], environment: dict[str, str], name: str, path: str) -> None:
    values = parse(*arguments, **environment)
    assert (values.model_name, values.model_base_path) == (name, path)


def test_a_base_path_in_the_environment_needs_a_model_name() -> None:
    with pytest.raises(ValueError, match="^No model to serve: "):
        parse(MODEL_BASE_PATH="/models")


def test_version_needs_no_model() -> None:
    assert parse("--version").version is True
    first, second = flags.version_text().splitlines()
    assert first == f"TensorFlow ModelServer: keras-gallery {importlib.metadata.version('keras-gallery')}"
    tensorflow = importlib.metadata.version("tensorflow") if importlib.util.find_spec("tensorflow") else "not installed"
    assert second == f"TensorFlow Library: {tensorflow}"

"""The flags: TensorFlow Serving's names, defaults and forms."""

from __future__ import annotations

import pytest
from keras_gallery.serving import flags

BASE = "--model_base_path=/m"

DEFAULTS = {  # TensorFlow Serving's
    "port": 8500,
    "rest_api_port": 0,
    "model_name": "default",
    "file_system_poll_wait_seconds": 1,
    "enable_model_warmup": True,
    "max_num_load_retries": 5,
    "load_retry_interval_micros": 60_000_000,
    "enable_serialization_as_tensor_content": False,
    "rest_api_enable_cors_support": False,
}


@pytest.mark.parametrize(("name", "value"), DEFAULTS.items(), ids=DEFAULTS)
def test_defaults(name: str, value: object) -> None:
    found = getattr(flags.parse([BASE]), name)
    assert (type(found), found) == (type(value), value)


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
    ],
    ids=str,
)
def test_values(arguments: list[str], name: str, value: object) -> None:
    found = getattr(flags.parse([BASE, *arguments]), name)
    assert (type(found), found) == (type(value), value)


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
        ([BASE, "--port=0"], "Expected --port or --rest_api_port above 0. Received: neither"),
        ([], "Expected one of --model_base_path and --model_config_file. Received: neither"),
        ([BASE, "--model_config_file=c"], "Expected one of .* Received: both"),
        (
            [BASE, "--grpc_channel_arguments=grpc.x"],
            "Expected name=value in --grpc_channel_arguments. Received: grpc.x",
        ),
    ],
    ids=str,
)
def test_refused_in_one_line(arguments: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message) as refused:
        flags.parse(arguments)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("", []),
        ("grpc.max_connection_age_ms=2000", [("grpc.max_connection_age_ms", 2000)]),
        ("a=1,b=text,,c=-3,d=", [("a", 1), ("b", "text"), ("c", -3), ("d", "")]),
        ("a=b=c", [("a", "b=c")]),
        ("a=-,b=1.5,c=--5", [("a", "-"), ("b", "1.5"), ("c", "--5")]),
    ],
)
def test_channel_arguments(text: str, options: list[tuple[str, object]]) -> None:
    assert flags.channel_arguments(text) == options


def test_help_names_every_flag_and_says_which_are_ours() -> None:
    text = " ".join(flags.parser().format_help().split())
    for flag in flags.FLAGS:
        assert f"--{flag.name}" in text
        assert flag.help in text
    assert text.count("[not in TensorFlow Serving]") == sum(flag.ours for flag in flags.FLAGS)

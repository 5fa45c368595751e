"""Tests of --grpc_channel_arguments: each option becomes a setting of h2corn that h2corn accepts, or is named."""

from __future__ import annotations

from typing import Any

import pytest
from h2corn import Config
from keras_gallery.serving.api import front
from keras_gallery.serving.config import flags
from keras_gallery.serving.config.channel_arguments import parse

INT32 = (1 << 31) - 1


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("", {}),
        (",,", {}),
        ("grpc.max_concurrent_streams=7", {"max_concurrent_streams": 7}),
        ("grpc.max_concurrent_streams=7,grpc.max_concurrent_streams=8", {"max_concurrent_streams": 8}),
        ("grpc.max_concurrent_streams=0000000007", {"max_concurrent_streams": 7}),
        ("grpc.max_allowed_incoming_connections=3,,", {"limit_connections": 3}),
        ("grpc.max_connection_idle_ms=1500", {"timeout_keep_alive": 1.5}),
        ("grpc.server_handshake_timeout_ms=250", {"timeout_handshake": 0.25}),
        ("grpc.max_metadata_size=4096", {"h2_max_header_list_size": 4096}),
        ("grpc.absolute_max_metadata_size=4096", {"h2_max_header_list_size": 4096}),
        ("grpc.http2.lookahead_bytes=65536", {"h2_initial_stream_window_size": 65536}),
        ("grpc.http2.max_frame_size=32768", {"h2_max_inbound_frame_size": 32768}),
        (f"grpc.max_concurrent_streams={INT32}", {"max_concurrent_streams": INT32}),
        # The value -1 stands for no limit.
        ("grpc.max_connection_idle_ms=-1", {"timeout_keep_alive": 0}),
        ("grpc.max_allowed_incoming_connections=-1", {"limit_connections": 0}),
        ("grpc.max_concurrent_streams=-1", {"max_concurrent_streams": INT32}),
        ("grpc.http2.lookahead_bytes=-1", {}),
        ("grpc.http2.max_frame_size=-1", {}),
    ],
)
def test_settings(text: str, settings: dict[str, Any]) -> None:
    found = parse(text)
    assert (found.settings, found.max_message_bytes, found.unsupported) == (settings, None, ())
    assert found.names.keys() >= settings.keys() and all(name in text for name in found.names.values())


def test_the_maximum_message_length() -> None:
    assert parse("").max_message_bytes is None
    for value, expected in ((0, 0), (1000, 1000), (-1, INT32), (INT32, INT32)):
        assert parse(f"grpc.max_receive_message_length={value}") == ({}, {}, expected, ())


def test_options_without_effect_are_named_whatever_their_values_are() -> None:
    found = parse("grpc.lb_policy_name=x,a=b=c,grpc.max_concurrent_streams=1,d=,grpc.max_connection_age_ms=-3")
    assert found.unsupported == ("grpc.lb_policy_name", "a", "d", "grpc.max_connection_age_ms")
    assert found.settings == {"max_concurrent_streams": 1}


@pytest.mark.parametrize("value", ["", "-", "-2", "1.5", "x", "--5", "1 ", "+1", f"{INT32 + 1}", "1" * 11, "٣"])
@pytest.mark.parametrize("name", ["grpc.max_concurrent_streams", "grpc.max_receive_message_length"])
def test_values_that_are_no_numbers(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"^Expected a number from 0 to {INT32} for {name}. Received: ") as caught:
        parse(f"{name}={value}")
    assert str(caught.value).endswith(f"Received: {value}")


def test_a_part_without_a_value() -> None:
    with pytest.raises(ValueError, match=r"^Expected name=value in --grpc_channel_arguments. Received: grpc.x$"):
        parse("a=1,grpc.x")


# === The settings of the gRPC API ===

OPTIONS = {
    "grpc.max_concurrent_streams": 100,
    "grpc.max_allowed_incoming_connections": 50,
    "grpc.max_connection_idle_ms": 60_000,
    "grpc.server_handshake_timeout_ms": 5_000,
    "grpc.max_metadata_size": 20_000,
    "grpc.http2.lookahead_bytes": 1 << 17,
    "grpc.http2.max_frame_size": 1 << 15,
}


def settings(**options: int) -> dict[str, Any]:
    text = ",".join(f"{name}={value}" for name, value in options.items())
    return front.grpc_settings(flags.parse(["--model_base_path=/m", f"--grpc_channel_arguments={text}"], {}))


@pytest.mark.parametrize(("name", "value"), OPTIONS.items(), ids=OPTIONS)
def test_h2corn_accepts_each_setting(name: str, value: int) -> None:
    text = f"{name}={value}"
    ((setting, expected),) = parse(text).settings.items()
    assert getattr(Config(**settings(**{name: value})), setting) == expected
    assert settings().get(setting) != expected, "the test needs another value than the default"


@pytest.mark.parametrize("name", OPTIONS)
def test_no_limit(name: str) -> None:
    assert Config(**settings(**{name: -1}))


def test_all_options_together() -> None:
    assert Config(**settings(**OPTIONS)).max_concurrent_streams == 100


def test_the_rest_api_ignores_the_options() -> None:
    values = flags.parse(["--model_base_path=/m", "--grpc_channel_arguments=grpc.max_concurrent_streams=1"], {})
    assert front.rest_settings(values)["max_concurrent_streams"] == front.STREAMS


@pytest.mark.parametrize("name", ["grpc.http2.max_frame_size", "grpc.http2.lookahead_bytes"])
def test_the_error_for_a_value_that_h2corn_does_not_accept(name: str) -> None:
    """The error has gRPC's name of the option, and not h2corn's name of the setting."""
    with pytest.raises(ValueError, match=rf"^--grpc_channel_arguments: {name} must be ") as caught:
        settings(**{"grpc.max_concurrent_streams": 5, name: 1})
    assert "\n" not in str(caught.value) and "h2_" not in str(caught.value)

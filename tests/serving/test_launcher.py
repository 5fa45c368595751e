"""Tests of the launcher: which server it starts, and the command line of the server."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format
from keras_gallery.serving import launcher
from keras_gallery.serving.client import Client
from keras_gallery.serving.config.model_config import parse_config_file
from keras_gallery.serving.errors import FailedPrecondition, InvalidArgument, NotFound, Unauthenticated, Unavailable
from keras_gallery.serving.launcher import ServerProcess, choose, command, find_models, model_config
from keras_gallery.serving.ports import free_port

from .conftest import MODEL, embedded_only


@pytest.fixture
def no_binary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Sets PATH to an empty folder, and returns the folder."""
    monkeypatch.delenv("TF_MODEL_SERVER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def program(file: Path, text: str = "") -> Path:
    file.write_text("#!/bin/sh\n" + text)
    file.chmod(0o755)
    return file


def test_auto_chooses_tensorflow_serving_if_it_is_installed(no_binary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose("auto") == "embedded"
    program(no_binary / "tensorflow_model_server")
    assert choose("auto") == "tensorflow-model-server"
    (no_binary / "tensorflow_model_server").unlink()
    monkeypatch.setenv("TF_MODEL_SERVER", str(program(no_binary / "mine")))
    assert choose("auto") == "tensorflow-model-server"
    assert command("tensorflow-model-server", {}, no_binary, 1, 2)[0] == str(no_binary / "mine")


@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [
        ("tensorflow-model-server", NotFound, "tensorflow_model_server is not on PATH"),
        ("container", NotFound, "docker is not on PATH"),
        ("other", InvalidArgument, "Expected a server kind: auto, embedded"),
    ],
)
def test_a_server_that_is_not_installed(no_binary: Path, kind: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        choose(kind)


def test_the_error_if_tf_model_server_is_not_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_MODEL_SERVER", "/nowhere/server")
    with pytest.raises(NotFound, match="TF_MODEL_SERVER does not name a program: /nowhere/server"):
        choose("auto")


def test_tensorflow_serving_can_parse_the_config_file() -> None:
    from tensorflow_serving.apis import model_management_pb2

    path = 'a"b\\c'
    request = model_management_pb2.ReloadConfigRequest()
    text_format.Parse(model_config({"m": "/models/m", "special": path}), request.config)
    got = {each.name: each.base_path for each in request.config.model_config_list.config}
    assert got == {"m": "/models/m", "special": path}


def test_the_command_of_the_container(tmp_path: Path) -> None:
    arguments = command("container", {"m": tmp_path / "m"}, tmp_path, 9000, 9001, ["--enable_batching"])
    assert arguments[:3] == ["docker", "run", "--rm"]
    assert {"--publish=127.0.0.1:9000:8500", "--publish=127.0.0.1:9001:8501"} <= set(arguments)
    assert f"--volume={tmp_path}/m:/models/m:ro" in arguments
    at = arguments.index("tensorflow/serving")
    assert arguments[at + 1 :] == ["--model_config_file=/etc/models.config", "--enable_batching"]
    assert 'base_path: "/models/m"' in (tmp_path / "models.config").read_text()


def listening_on(port: int, address: str) -> bool:
    with socket.socket() as probe:
        probe.settimeout(5)
        return probe.connect_ex((address, port)) == 0


@embedded_only()
def test_the_server_listens_on_other_addresses_only_with_host(saved_models: Path, tmp_path: Path) -> None:
    """The test connects to 127.0.0.2 instead of the address of a network interface."""
    for host, reached in ((None, False), ("0.0.0.0", True)):
        more = {"host": host} if host else {}
        ports = {"port": free_port(), "rest_port": free_port()}
        models = {MODEL: saved_models / MODEL}
        with ServerProcess("embedded", models, log=tmp_path / "log", **ports, **more) as server:  # type: ignore[arg-type]
            server.wait_until_ready()
            for port in ports.values():
                assert listening_on(port, "127.0.0.1")
                assert listening_on(port, "127.0.0.2") is reached


@embedded_only()
def test_an_ipv6_address(saved_models: Path, tmp_path: Path) -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6")
    models, ports = {MODEL: saved_models / MODEL}, {"port": free_port(), "rest_port": free_port()}
    with ServerProcess("embedded", models, host="::1", log=tmp_path / "log", **ports) as server:  # type: ignore[arg-type]
        server.wait_until_ready()
        for address in (server.grpc, server.rest):
            with Client(address) as client:
                assert client.encode(MODEL, np.zeros((1, 8, 8, 1), np.float32)).shape[0] == 1


def test_any_program_with_the_same_flags_serves(
    saved_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TF_MODEL_SERVER is a script that starts the embedded server (serving/server) in place of TensorFlow Serving."""
    start = f'exec {sys.executable} -m keras_gallery.serving.server.model_server --host=127.0.0.1 "$@"\n'
    script = program(tmp_path / "server", start)
    if "TF_MODEL_SERVER" not in os.environ:
        monkeypatch.setenv("TF_MODEL_SERVER", str(script))
    ports = {"port": free_port(), "rest_port": free_port()}
    with ServerProcess("auto", {MODEL: saved_models / MODEL}, log=tmp_path / "log", **ports) as server:
        assert server.kind == "tensorflow-model-server"
        server.wait_until_ready()
        with Client(server.grpc) as client:
            assert client.status(MODEL) == {1: "AVAILABLE"}
    assert server.process is not None and server.process.returncode == 0


def test_the_error_if_a_server_ends(saved_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_MODEL_SERVER", str(program(tmp_path / "server", "exit 3\n")))
    ports = {"port": free_port(), "rest_port": free_port()}
    with ServerProcess("auto", {MODEL: saved_models / MODEL}, **ports) as server:
        with pytest.raises(FailedPrecondition, match="The tensorflow-model-server server ended with exit status 3"):
            server.wait_until_ready()


def test_find_models(saved_models: Path, tmp_path: Path) -> None:
    assert find_models(saved_models) == {MODEL: saved_models / MODEL}
    with pytest.raises(NotFound, match="No exported model other in .*. Exported models: denoiser"):
        find_models(saved_models, ["other"])
    with pytest.raises(
        NotFound, match="No exported models in .*nowhere. Export one with: gallery export NAME. Or .* --all$"
    ):
        find_models(tmp_path / "nowhere")


def test_a_version_that_is_being_written_is_not_found(tmp_path: Path) -> None:
    for version in ("new/.partial-x", "old/1", "old/.partial-y", "notes/text"):
        (tmp_path / version).mkdir(parents=True)
        (tmp_path / version / "saved_model.pb").touch()
    assert find_models(tmp_path) == {"old": tmp_path / "old"}


def test_update_changes_the_config_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_MODEL_SERVER", str(program(tmp_path / "server", "exec sleep 60\n")))
    a, b = tmp_path / "a", tmp_path / "b"
    with ServerProcess("auto", {"a": a}, port=1, rest_port=2) as server:
        (flag,) = (each for each in server.command if each.startswith("--model_config_file="))
        file = Path(flag.partition("=")[2])
        assert [each.name for each in parse_config_file(file)] == ["a"]
        server.update({"a": a, "b": b})
        assert [(each.name, each.base_path) for each in parse_config_file(file)] == [("a", a), ("b", b)]
        assert "models.changed" not in [each.name for each in file.parent.iterdir()]


def test_progress_while_the_models_load(saved_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "PROGRESS_SECONDS", 0)
    lines: list[str] = []
    ports = {"port": free_port(), "rest_port": free_port()}
    with ServerProcess("auto", {MODEL: saved_models / MODEL}, log=tmp_path / "log", **ports) as server:
        server.wait_until_ready(progress=lines.append)
    assert lines[0] == f"Loading {MODEL}, 0 s"


def test_a_server_that_does_not_answer_yet_is_asked_for_one_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise, the requests for many models take time from the server while it loads them."""
    asked: list[str] = []

    class Starting(Client):
        def status(self, model: str, *, version: int | None = None) -> dict[int, str]:
            asked.append(model)
            if len(asked) <= 2:
                raise Unavailable("connection refused")
            if len(asked) == 3:
                raise NotFound(model)
            return {1: "AVAILABLE"}

    monkeypatch.setattr(launcher, "Client", Starting)
    monkeypatch.setenv("TF_MODEL_SERVER", str(program(tmp_path / "server", "exec sleep 60\n")))
    with ServerProcess("auto", {name: tmp_path / name for name in "abc"}, port=1, rest_port=2) as server:
        server.wait_until_ready()
    assert asked == ["a", "a", "a", "b", "c", "a"]


def test_a_server_that_requires_tokens_is_ready_when_it_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def status(*_: object) -> dict[int, str]:
        raise Unauthenticated("Expected the header authorization: Bearer TOKEN.")

    monkeypatch.setattr(Client, "status", status)
    monkeypatch.setenv("TF_MODEL_SERVER", str(program(tmp_path / "server", "exec sleep 60\n")))
    with ServerProcess("auto", {"m": tmp_path}, port=1, rest_port=2) as server:
        server.wait_until_ready(1)

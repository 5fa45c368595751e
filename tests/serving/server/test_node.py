"""Tests of a node: the number of threads that the flags set, TLS keys, and closing."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.error
import urllib.request
from pathlib import Path

import grpc
import pytest
import trustme
from keras_gallery.serving.config import flags
from keras_gallery.serving.config.flag_table import CORES
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.ports import free_port
from keras_gallery.serving.server import node
from keras_gallery.serving.server.settings import Settings

from ..api.rest.rest_client import Control
from ..config.test_auth_tokens import entry, written

BASE = "--model_base_path=/m"


def test_the_workers_share_the_default_number_of_threads() -> None:
    assert node.threads(flags.parse([BASE], {})) == 4
    assert node.threads(flags.parse([BASE, "--workers=1"], {})) == 4 * CORES


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        (["--workers=1", "--grpc_max_threads=3"], 3),
        (["--workers=2", "--grpc_max_threads=3"], 2),
        (["--workers=5", "--grpc_max_threads=3"], 1),
        # Without a REST port, --rest_api_num_threads has no effect.
        (["--workers=1", "--rest_api_num_threads=2", "--grpc_max_threads=3"], 3),
        (["--workers=1", "--rest_api_num_threads=7", "--grpc_max_threads=3", "--rest_api_port=1"], 7),
        (["--workers=1", "--rest_api_num_threads=2", "--grpc_max_threads=3", "--rest_api_port=1"], 3),
        (["--workers=1", "--rest_api_num_threads=2", "--grpc_max_threads=3", "--rest_api_port=1", "--port=0"], 2),
        (["--workers=1", "--rest_api_num_threads=2", "--grpc_max_threads=3", "--grpc_socket_path=s", "--port=0"], 3),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_threads(arguments: list[str], count: int) -> None:
    assert node.threads(flags.parse([BASE, *arguments], {})) == count


def test_the_documents_do_not_stop_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []

    def document(*_: object) -> str:
        threads.append(threading.current_thread())
        return "text"

    monkeypatch.setattr(node.openapi, "document", document)
    monkeypatch.setattr(node.openapi_page, "page", document)
    values = flags.parse([BASE, "--convert_to_openvino=false"], {})
    running = node.Node(values, Settings.read(values), lambda: "", name="server")
    assert asyncio.run(running._openapi())[2] == b'"text"' and asyncio.run(running._docs())[2] == b"text"
    assert len(threads) == 2 and threading.main_thread() not in threads
    running.close()


def test_closing_ends_the_batch_threads() -> None:
    values = flags.parse([BASE, "--enable_batching", "--convert_to_openvino=false"], {})
    running = node.Node(values, Settings.read(values), lambda: "", name="server")
    assert running._batching
    thread = running._batching._pool.submit(threading.current_thread).result(20)
    running.close()
    thread.join(20)
    assert not thread.is_alive()


def test_each_api_has_a_file_with_its_tls_keys(tmp_path: Path) -> None:
    assert Settings.read(flags.parse([BASE], {})).tls == {}
    names, arguments = {"grpc": "ssl_config_file", "rest": "rest_api_ssl_config_file"}, []
    for api, flag in names.items():
        issued = trustme.CA().issue_cert(api)
        pair = {"server_key": issued.private_key_pem, "server_cert": issued.cert_chain_pems[0]}
        lines = [f"{name}: {json.dumps(blob.bytes().decode())}" for name, blob in pair.items()]
        (tmp_path / api).write_text("\n".join(lines))
        arguments.append(f"--{flag}={tmp_path / api}")
        alone = Settings.read(flags.parse([BASE, arguments[-1]], {})).tls
        assert list(alone) == [api] and alone[api].server_key == issued.private_key_pem.bytes().decode()
    both = Settings.read(flags.parse([BASE, *arguments], {})).tls
    assert list(both) == list(names) and both["grpc"].server_key != both["rest"].server_key


@pytest.mark.parametrize("flag", ["ssl_config_file", "rest_api_ssl_config_file"])
def test_invalid_tls_keys_are_found_before_the_workers_start(flag: str, tmp_path: Path) -> None:
    file = tmp_path / "ssl"
    file.write_text('server_key: "words"')
    with pytest.raises(InvalidArgument, match="^Cannot use server_key and server_cert"):
        Settings.read(flags.parse([BASE, f"--{flag}={file}"], {}))


def test_invalid_channel_arguments_are_found_before_the_workers_start() -> None:
    Settings.read(flags.parse([BASE, "--grpc_channel_arguments=grpc.http2.max_frame_size=16384"], {}))
    with pytest.raises(ValueError, match="^--grpc_channel_arguments: "):
        Settings.read(flags.parse([BASE, "--grpc_channel_arguments=grpc.http2.max_frame_size=1"], {}))


def test_both_apis_require_the_tokens_of_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, entry(metrics=True))
    ports = [free_port(), free_port()]
    arguments = [f"--auth_tokens_file={file}", f"--port={ports[0]}", f"--rest_api_port={ports[1]}", "--enable_page"]
    values = flags.parse([BASE, "--host=127.0.0.1", "--workers=1", "--convert_to_openvino=false", *arguments], {})
    running = node.Node(values, Settings.read(values), lambda: "", name="server")

    def status(path: str, token: str) -> int:
        headers = {"authorization": f"Bearer {token}"}
        try:
            with urllib.request.urlopen(
                urllib.request.Request(f"http://127.0.0.1:{ports[1]}{path}", None, headers)
            ) as a:
                return int(a.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code

    def code(token: str) -> str:
        with grpc.insecure_channel(f"127.0.0.1:{ports[0]}") as channel:
            method = channel.unary_unary("/keras_gallery.ModelList/List")
            try:
                method(b"", timeout=10, metadata=[("authorization", f"Bearer {token}")])
            except grpc.RpcError as error:
                return str(error.code().name)
            return "OK"

    def ask() -> None:
        paths = ("/", "/page/main.js", "/readyz", "/models", "/openapi.json", "/monitoring/prometheus/metrics")
        assert [status(path, "wrong") for path in paths] == [200, 200, 200, 401, 401, 401]
        assert [status(path, "secret") for path in paths] == [200] * 6
        assert (code("wrong"), code("secret")) == ("UNAUTHENTICATED", "OK")

    async def serve() -> None:
        await running.open(Control(), None)
        try:
            await asyncio.to_thread(ask)
        finally:
            await running.drain()

    asyncio.run(serve())
    watcher = running._token_watcher
    running.close()
    assert watcher and watcher._stopping.is_set()

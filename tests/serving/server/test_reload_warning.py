"""Tests of the question whether strangers can replace the models, which the server answers in its log at the start."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import trustme
from keras_gallery.serving.config import flags
from keras_gallery.serving.server.model_server import anyone_can_reload
from keras_gallery.serving.server.settings import Settings


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], True),
        (["--host=::"], True),
        (["--host=10.0.0.1"], True),
        (["--host=a.name.of.this.machine"], True),
        (["--host=127.0.0.1"], False),
        (["--host=::1"], False),
        (["--host=localhost"], False),
        (["--allow_reload=false"], False),
        (["--port=0", "--rest_api_port=1"], False),  # only gRPC has a reload
        (["--port=0", "--grpc_socket_path=/s"], False),
    ],
    ids=str,
)
def test_who_can_reload(arguments: list[str], expected: bool) -> None:
    values = flags.parse(["--model_base_path=/m", *arguments], {})
    assert anyone_can_reload(values, Settings.read(values)) is expected


@pytest.mark.parametrize("verify", [False, True])
def test_client_certificates(verify: bool, tmp_path: Path) -> None:
    ca = trustme.CA()
    issued = ca.issue_cert("localhost")
    texts = {
        "server_key": issued.private_key_pem.bytes(),
        "server_cert": issued.cert_chain_pems[0].bytes(),
        "custom_ca": ca.cert_pem.bytes(),
    }
    lines = [f"{name}: {json.dumps(text.decode())}" for name, text in texts.items()]
    (tmp_path / "ssl").write_text("\n".join([*lines, f"client_verify: {str(verify).lower()}"]))
    values = flags.parse(["--model_base_path=/m", f"--ssl_config_file={tmp_path / 'ssl'}"], {})
    assert anyone_can_reload(values, Settings.read(values)) is not verify

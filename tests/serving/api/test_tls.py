"""Tests of TLS on both APIs. A real server and real clients use certificates that the tests create."""

from __future__ import annotations

import datetime
import json
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed448
from keras_gallery.serving.config.server_config import Ssl
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.server import credentials
from keras_gallery.serving.wire import predict
from keras_gallery.serving.wire.model_spec import ModelSpec

from ..certificates import issued, pem
from ..fake_models import definition, signatures
from .front_server import FrontServer

SIGNATURES = signatures(
    (definition(inputs={"x": "float"}, outputs={"y": "float"}), lambda inputs: {"y": inputs["x"] * 2})
)
REQUEST = predict.encode_request(ModelSpec("m"), {"x": np.ones(1, np.float32)})
BODY = json.dumps({"instances": [1]})


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def config(authority: trustme.CA) -> Ssl:
    return issued(authority, "localhost", "127.0.0.1")


@pytest.fixture(scope="module")
def of_clients() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def server(config: Ssl) -> Iterator[FrontServer]:
    with FrontServer(SIGNATURES, tls={"grpc": config, "rest": config}) as running:
        yield running


@pytest.fixture(scope="module")
def mutual(config: Ssl, of_clients: trustme.CA) -> Iterator[FrontServer]:
    """Starts a server that requires client certificates of `of_clients` on both APIs."""
    checked = replace(config, custom_ca="Zürich\n" + pem(of_clients.cert_pem), client_verify=True)
    with FrontServer(SIGNATURES, tls={"grpc": checked, "rest": checked}) as running:
        yield running


def call(server: FrontServer, authority: trustme.CA | None, own: trustme.LeafCert | None = None) -> str:
    """Calls Predict over gRPC. Returns "OK" or the status code. Without an authority, the client does not use TLS."""
    where = f"localhost:{server.grpc_port}"
    channel = grpc.insecure_channel(where)
    if authority:
        pair = (own.private_key_pem.bytes(), pem(*own.cert_chain_pems).encode()) if own else (None, None)
        channel = grpc.secure_channel(where, grpc.ssl_channel_credentials(authority.cert_pem.bytes(), *pair))
    with channel:
        try:
            answer = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")(REQUEST, timeout=20)
        except grpc.RpcError as error:
            failed: Any = error
            return str(failed.code().name)
    assert answer
    return "OK"


def trusting(authority: trustme.CA, own: trustme.LeafCert | None = None) -> ssl.SSLContext:
    """Returns the context of a client that trusts `authority`. The client may have the certificate `own`."""
    context = ssl.create_default_context(cadata=pem(authority.cert_pem))
    if own:
        own.configure_cert(context)
    return context


def ask(server: FrontServer, context: ssl.SSLContext, **options: Any) -> httpx.Response:
    with httpx.Client(verify=context, **options) as client:
        return client.post(f"https://localhost:{server.rest_port}/v1/models/m:predict", content=BODY)


# === gRPC ===


def test_grpc_clients_check_the_servers_certificate(server: FrontServer, authority: trustme.CA) -> None:
    assert call(server, authority) == "OK"
    assert call(server, trustme.CA()) == "UNAVAILABLE"
    assert call(server, None) == "UNAVAILABLE"


def test_the_server_checks_the_certificates_of_grpc_clients(
    mutual: FrontServer, authority: trustme.CA, of_clients: trustme.CA
) -> None:
    assert call(mutual, authority, of_clients.issue_cert("client")) == "OK"
    assert call(mutual, authority, trustme.CA().issue_cert("client")) == "UNAVAILABLE"
    assert call(mutual, authority) == "UNAVAILABLE"


# === REST ===


def test_rest_clients_check_the_servers_certificate(server: FrontServer, authority: trustme.CA) -> None:
    answer = ask(server, trusting(authority))
    assert (answer.status_code, answer.json(), answer.http_version) == (200, {"predictions": [2.0]}, "HTTP/1.1")
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        ask(server, trusting(trustme.CA()))
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://localhost:{server.rest_port}/livez")


def test_the_server_checks_the_certificates_of_rest_clients(
    mutual: FrontServer, authority: trustme.CA, of_clients: trustme.CA
) -> None:
    assert ask(mutual, trusting(authority, of_clients.issue_cert("client"))).status_code == 200
    for own in (None, trustme.CA().issue_cert("client")):
        with pytest.raises(httpx.TransportError):
            ask(mutual, trusting(authority, own))


def test_without_client_verify_clients_need_no_certificate(
    config: Ssl, authority: trustme.CA, of_clients: trustme.CA
) -> None:
    unchecked = replace(config, custom_ca=pem(of_clients.cert_pem))
    with FrontServer(SIGNATURES, tls={"grpc": unchecked, "rest": unchecked}) as server:
        assert call(server, authority) == "OK"
        assert ask(server, trusting(authority)).status_code == 200


def test_each_api_has_its_own_keys(config: Ssl, authority: trustme.CA) -> None:
    with FrontServer(SIGNATURES, tls={"rest": config}) as server:
        assert call(server, None) == "OK"
        assert ask(server, trusting(authority)).status_code == 200
    with FrontServer(SIGNATURES, tls={"grpc": config}) as server:
        assert call(server, authority) == "OK"
        assert httpx.get(f"http://localhost:{server.rest_port}/livez").status_code == 200


@pytest.mark.parametrize(
    ("api", "offered", "chosen"),
    [
        ("rest", ["h2", "http/1.1"], "h2"),
        ("rest", ["http/1.1"], "http/1.1"),
        ("rest", [], None),
        ("grpc", ["h2"], "h2"),
        ("grpc", ["grpc-exp", "h2"], "h2"),
    ],
)
def test_the_protocol_is_chosen_by_alpn(
    server: FrontServer, authority: trustme.CA, api: str, offered: list[str], chosen: str | None
) -> None:
    context = trusting(authority)
    if offered:
        context.set_alpn_protocols(offered)
    port = server.rest_port if api == "rest" else server.grpc_port
    with (
        socket.create_connection(("localhost", port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as encrypted,
    ):
        assert encrypted.selected_alpn_protocol() == chosen


def test_rest_over_http2(server: FrontServer, authority: trustme.CA, tmp_path: Path) -> None:
    certificates = tmp_path / "authority.pem"
    certificates.write_text(pem(authority.cert_pem))
    url = f"https://localhost:{server.rest_port}/v1/models/m:predict"
    options = ["--silent", "--http2", "--cacert", certificates, "--write-out", "%{http_version}", "--data", BODY]
    done = subprocess.run(["curl", *options, url], capture_output=True, text=True, check=True, timeout=20)
    assert done.stdout == '{\n    "predictions": [2.0]\n}2'


def test_a_key_that_the_http_server_does_not_accept() -> None:
    """OpenSSL accepts Ed448 keys, so `server.credentials` accepts them, too."""
    key = ed448.Ed448PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    unsigned = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(days=1))
    certificate = unsigned.sign(key, None).public_bytes(serialization.Encoding.PEM).decode()
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    keys = Ssl(key.private_bytes(*form).decode(), certificate)
    credentials.check(keys)
    with pytest.raises(InvalidArgument, match=r"^Cannot use the keys of the SSLConfig for grpc: .*parse private key"):
        with FrontServer(SIGNATURES, tls={"grpc": keys}):
            raise AssertionError

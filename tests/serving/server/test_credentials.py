"""Tests of TLS over gRPC. A real server and real clients use certificates that the tests create."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import grpc
import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from keras_gallery.serving.config.server_config import Ssl
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.server.credentials import server_credentials


def pem(*blobs: trustme.Blob) -> str:
    return "".join(blob.bytes().decode() for blob in blobs)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def config(authority: trustme.CA) -> Ssl:
    issued = authority.issue_cert("localhost")
    return Ssl(pem(issued.private_key_pem), pem(*issued.cert_chain_pems))


async def echo(data: bytes, context: Any) -> bytes:
    return data


def ask(config: Ssl, client: grpc.ChannelCredentials | None) -> str:
    """Calls an echo method of a server with TLS. Returns the answer, or the status code if the call fails."""

    async def run() -> str:
        server = grpc.aio.server()
        method = grpc.unary_unary_rpc_method_handler(echo)
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("echo", {"Echo": method})])
        port = server.add_secure_port("localhost:0", server_credentials(config))
        await server.start()
        where = f"localhost:{port}"
        channel = grpc.aio.secure_channel(where, client) if client else grpc.aio.insecure_channel(where)
        try:
            async with channel:
                return str((await channel.unary_unary("/echo/Echo")(b"hello", timeout=20)).decode())
        except grpc.aio.AioRpcError as error:
            return error.code().name
        finally:
            await server.stop(None)

    return asyncio.run(run())


def trusting(authority: trustme.CA, own: trustme.LeafCert | None = None) -> grpc.ChannelCredentials:
    """Returns credentials of a client that trusts `authority`. The client may have the certificate `own`."""
    pair = (own.private_key_pem.bytes(), pem(*own.cert_chain_pems).encode()) if own else (None, None)
    return grpc.ssl_channel_credentials(authority.cert_pem.bytes(), *pair)


def test_clients_check_the_servers_certificate(config: Ssl, authority: trustme.CA) -> None:
    assert ask(config, trusting(authority)) == "hello"
    assert ask(config, trusting(trustme.CA())) == "UNAVAILABLE"
    assert ask(config, None) == "UNAVAILABLE"


def test_without_client_verify_clients_need_no_certificate(config: Ssl, authority: trustme.CA) -> None:
    named = "Zürich\n" + pem(authority.cert_pem)
    assert ask(replace(config, custom_ca=named), trusting(authority)) == "hello"


def test_the_server_checks_client_certificates(config: Ssl, authority: trustme.CA) -> None:
    of_clients, strangers = trustme.CA(), trustme.CA()
    mutual = replace(config, custom_ca=pem(of_clients.cert_pem), client_verify=True)
    assert ask(mutual, trusting(authority, of_clients.issue_cert("client"))) == "hello"
    assert ask(mutual, trusting(authority, strangers.issue_cert("client"))) == "UNAVAILABLE"
    assert ask(mutual, trusting(authority)) == "UNAVAILABLE"


def encrypted(key: trustme.Blob) -> str:
    """Returns the private key in PEM format, encrypted with a password."""
    encryption = serialization.BestAvailableEncryption(b"secret")
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    return serialization.load_pem_private_key(key.bytes(), None).private_bytes(*form).decode()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"server_key": ""}, "^Cannot use server_key and server_cert .*: not readable as PEM.$"),
        ({"server_cert": ""}, "^Cannot use server_key and server_cert .*: not readable as PEM.$"),
        ({"server_key": "", "server_cert": ""}, "^Cannot use server_key and server_cert .*: not readable as PEM.$"),
        ({"server_key": "words"}, "^Cannot use server_key and server_cert of the SSLConfig"),
        (
            {"server_key": encrypted(trustme.CA().private_key_pem)},
            "^Cannot use server_key and server_cert of the SSLConfig",
        ),
        ({"server_key": pem(trustme.CA().private_key_pem)}, "^Cannot use server_key and server_cert of .*: .*mismatch"),
        ({"custom_ca": "words"}, "Cannot use custom_ca of the SSLConfig, which must be PEM certificates: "),
        ({"custom_ca": "ä"}, "Cannot use custom_ca of the SSLConfig, which must be PEM certificates: "),
        ({"client_verify": True}, "client_verify in the SSLConfig needs custom_ca"),
    ],
    ids=[
        "no key",
        "no certificate",
        "no pair",
        "key not PEM",
        "encrypted",
        "mismatch",
        "CA not PEM",
        "CA not ASCII",
        "no CA",
    ],
)
def test_errors_have_one_line(config: Ssl, change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message) as caught:
        server_credentials(replace(config, **change))
    assert "\n" not in str(caught.value)
    assert "PRIVATE KEY--" not in str(caught.value)

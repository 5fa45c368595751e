"""TLS for the gRPC port, from an SSLConfig file."""

from __future__ import annotations

import ssl
import tempfile

import grpc

from ..config.server_config import Ssl
from ..errors import InvalidArgument


def server_credentials(config: Ssl) -> grpc.ServerCredentials:
    """What the gRPC server shows its clients, and asks of them.

    Raises:
        InvalidArgument: a key or a certificate can't be read, or they do not belong together. gRPC itself would say
            no more than that the port can't be had.
    """
    _check_pair(config)
    if config.custom_ca:
        _check_authority(config.custom_ca)
    if config.client_verify and not config.custom_ca:
        raise InvalidArgument("Expected custom_ca in the SSLConfig, with client_verify. Received: none")
    return grpc.ssl_server_credentials(
        [(config.server_key.encode(), config.server_cert.encode())],
        root_certificates=config.custom_ca.encode() or None,
        require_client_auth=config.client_verify,
    )


def _check_pair(config: Ssl) -> None:
    # The ssl module reads keys from files only; this one is the owner's alone, and gone at once.
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(f"{config.server_key}\n{config.server_cert}\n")
        file.flush()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(file.name, password=lambda: "")  # a key with a password must not wait for one
        except (ssl.SSLError, ValueError) as error:
            raise InvalidArgument(
                "Expected a private key without a password and its certificate, as PEM, in server_key and server_cert "
                f"of the SSLConfig. Received: {_reason(error)}"
            ) from None


def _check_authority(text: str) -> None:
    ascii_text = text.encode("ascii", "replace").decode()  # between certificates anything may stand
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(cadata=ascii_text)
    except (ssl.SSLError, ValueError) as error:
        raise InvalidArgument(
            f"Expected PEM certificates in custom_ca of the SSLConfig. Received: {_reason(error)}"
        ) from None


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return reason.lower().replace("_", " ") if reason else "none that can be read"

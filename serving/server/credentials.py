"""Checks the TLS keys and certificates of an SSLConfig file."""

from __future__ import annotations

import ssl
import tempfile

from ..config.server_config import Ssl
from ..errors import InvalidArgument


def check(config: Ssl) -> None:
    """Checks the keys and certificates.

    Raises:
        InvalidArgument: a key or a certificate can't be read, the key does not belong to the certificate, or
            client_verify is set without custom_ca.
    """
    _check_pair(config)
    if config.custom_ca:
        _check_authority(config.custom_ca)
    if config.client_verify and not config.custom_ca:
        raise InvalidArgument("client_verify in the SSLConfig needs custom_ca, the authority of client certificates.")


def _check_pair(config: Ssl) -> None:
    # The ssl module reads keys from files only. The temporary file is private to this user and deleted at once.
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(f"{config.server_key}\n{config.server_cert}\n")
        file.flush()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(file.name, password=lambda: "")  # do not prompt for the password of a key
        except (ssl.SSLError, ValueError) as error:
            raise InvalidArgument(
                "Cannot use server_key and server_cert of the SSLConfig, which must be a PEM private key without a "
                f"password and its PEM certificate: {_reason(error)}."
            ) from None


def _check_authority(text: str) -> None:
    ascii_text = text.encode("ascii", "replace").decode()  # a PEM file may have any text between certificates
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(cadata=ascii_text)
    except (ssl.SSLError, ValueError) as error:
        raise InvalidArgument(
            f"Cannot use custom_ca of the SSLConfig, which must be PEM certificates: {_reason(error)}."
        ) from None


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return reason.lower().replace("_", " ") if reason else "not readable as PEM"

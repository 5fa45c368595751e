"""Tests of the errors for TLS keys and certificates. `tests/serving/api/test_tls.py` has connections with TLS."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from keras_gallery.serving.config.server_config import Ssl
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.server import credentials

from ..certificates import issued, pem


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def config(authority: trustme.CA) -> Ssl:
    return issued(authority, "localhost")


def test_valid_pairs(config: Ssl) -> None:
    credentials.check(config)
    credentials.check(replace(config, custom_ca="Zürich\n" + pem(trustme.CA().cert_pem), client_verify=True))


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
        credentials.check(replace(config, **change))
    assert "\n" not in str(caught.value)
    assert "PRIVATE KEY--" not in str(caught.value)

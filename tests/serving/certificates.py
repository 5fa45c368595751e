"""Keys and certificates for tests of TLS, as PEM text."""

from __future__ import annotations

import trustme
from keras_gallery.serving.config.server_config import Ssl


def pem(*blobs: trustme.Blob) -> str:
    return "".join(blob.bytes().decode() for blob in blobs)


def issued(authority: trustme.CA, *names: str) -> Ssl:
    """Returns a new key, and a certificate for `names` that the authority has signed."""
    certificate = authority.issue_cert(*names)
    return Ssl(pem(certificate.private_key_pem), pem(*certificate.cert_chain_pems))

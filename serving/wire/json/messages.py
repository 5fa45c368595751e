"""Writes the JSON of a model's status and signatures with the layout of TensorFlow Serving."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Protocol

from google.protobuf import json_format

from .. import messages


class Status(Protocol):
    """The status of a model version. `state` is a member of an enum with TensorFlow Serving's names."""

    @property
    def number(self) -> int: ...
    @property
    def state(self) -> Any: ...
    @property
    def error_code(self) -> str: ...
    @property
    def error_message(self) -> str: ...


def versions(statuses: Sequence[Status]) -> list[dict[str, Any]]:
    """Returns the list of versions in the answer to a status request, as JSON values."""
    return [
        {
            "version": str(each.number),
            "state": each.state.name,
            "status": {"error_code": each.error_code, "error_message": each.error_message},
        }
        for each in statuses
    ]


def status(statuses: Sequence[Status]) -> bytes:
    """Writes the answer to a status request."""
    return _printed({"model_version_status": versions(statuses)})


def metadata(response: Any) -> bytes:
    """Writes a `GetModelMetadataResponse` as the answer to a metadata request."""
    signatures = messages.SignatureDefMap()
    response.metadata["signature_def"].Unpack(signatures)
    parts = [
        json_format.MessageToDict(part, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
        for part in (response.model_spec, signatures)
    ]
    parts[0].setdefault("signature_name", "")
    return b'{\n"model_spec":%b,\n"metadata": {"signature_def": %b}\n}\n' % tuple(map(_printed, parts))


def _printed(document: Any) -> bytes:
    """Writes JSON with the indentation and escapes of the C++ protobuf library."""
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    return text.replace("<", "\\u003c").replace(">", "\\u003e").encode(errors="replace")

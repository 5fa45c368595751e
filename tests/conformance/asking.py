"""Sends a recorded request to a running server and returns the answer in the form of `golden.json`."""

from __future__ import annotations

import base64
import gzip
import http.client
import json
import math
import re
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from google.protobuf import json_format, message_factory
from keras_gallery.serving.wire import messages

SERVICES = ("PredictionService", "ModelService")

Json = Any
HEADERS = (
    "content-type",
    "access-control-allow-origin",
    "access-control-allow-methods",
    "access-control-allow-headers",
)


def expand(value: Json, models: str) -> Json:
    """Expands the abbreviations of a case.

    `{models}` becomes the folder `models`, `{text*N}` becomes N times the text, and `{"$repeat": value, "n": N}` in a
    list becomes N times the value.
    """
    if isinstance(value, str):
        return re.sub(r"\{([^{}*]+)\*(\d+)\}", lambda m: m[1] * int(m[2]), value).replace("{models}", models)
    if isinstance(value, dict):
        return {expand(key, models): expand(each, models) for key, each in value.items()}
    if isinstance(value, list):
        return [
            expand(item, models)
            for each in value
            for item in ([each["$repeat"]] * each["n"] if isinstance(each, dict) and "$repeat" in each else [each])
        ]
    return value


# === gRPC ===


def services() -> dict[str, tuple[str, Any, Any]]:
    """Returns the path, request class and response class of each method.

    The descriptors are those of the server. `tests/serving/wire/test_messages.py` compares them with the official ones.
    """
    found = (messages.POOL.FindServiceByName(f"tensorflow.serving.{name}") for name in SERVICES)
    return {
        method.name: (
            f"/{service.full_name}/{method.name}",
            message_factory.GetMessageClass(method.input_type),
            message_factory.GetMessageClass(method.output_type),
        )
        for service in found
        for method in service.methods
    }


def ask_grpc(case: Json, channel: grpc.Channel, models: str) -> Json:
    path, request_type, response_type = services().get(case["grpc"], (case["grpc"], None, None))
    raw = "bytes" in case or request_type is None
    if raw:
        data = base64.b64decode(case.get("bytes", ""))
    else:
        document = expand(case.get("request", {}), models)
        data = json_format.ParseDict(document, request_type(), descriptor_pool=messages.POOL).SerializeToString()
    options = {
        "timeout": case.get("timeout", 60),
        "metadata": [tuple(pair) for pair in case.get("metadata", [])],
        "compression": grpc.Compression.Gzip if case.get("gzip") else None,
    }
    try:
        if case.get("stream"):
            answer = next(channel.stream_stream(path)(iter([data]), **options))
        else:
            answer = channel.unary_unary(path)(data, **options)
    except grpc.RpcError as error:
        return {"code": error.code().name, "message": (error.details() or "").replace(models, "{models}")}
    if response_type is None:
        return {"code": "OK", "response": {"bytes": base64.b64encode(answer).decode()}}
    message = response_type.FromString(answer)
    document = json_format.MessageToDict(message, preserving_proto_field_name=True, descriptor_pool=messages.POOL)
    if "outputs" in document:
        document["outputs"] = {name: tensor(proto, case) for name, proto in message.outputs.items()}
    return {"code": "OK", "response": document}


_DTYPES = {"DT_FLOAT": "<f4", "DT_DOUBLE": "<f8", "DT_HALF": "<f2", "DT_COMPLEX64": "<c8", "DT_BOOL": "?"} | {
    f"DT_{sign}INT{bits}": f"<{code}{bits // 8}" for sign, code in (("", "i"), ("U", "u")) for bits in (8, 16, 32, 64)
}


def tensor(proto: Any, case: Json) -> Json:
    """Converts a TensorProto to its dtype, its shape, the name of the field with its values, and the values."""
    dtype = messages.POOL.FindEnumTypeByName("tensorflow.DataType").values_by_number[proto.dtype].name
    fields = [(d.name, list(got)) for d, got in proto.ListFields() if d.name.endswith("_val")]
    if proto.tensor_content:
        field = "tensor_content"
        if dtype == "DT_BFLOAT16":
            values: list[Any] = (np.frombuffer(proto.tensor_content, "<u2").astype("<u4") << 16).view("<f4").tolist()
        elif dtype in _DTYPES:
            values = list(np.frombuffer(proto.tensor_content, _DTYPES[dtype]))
        else:
            values = [proto.tensor_content]
    else:
        field, values = fields[0] if fields else ("none", [])
        if field == "half_val":
            bits = np.array(values, "<u2")
            values = list(bits.view("<f2") if dtype == "DT_HALF" else (bits.astype("<u4") << 16).view("<f4"))
        elif field == "float_val":
            values = list(np.array(values, "<f4"))
        elif field == "scomplex_val":
            values = list(np.array(values, "<f4").view("<c8"))
    values = [_plain(value) for value in values]
    if case.get("digest"):
        values = {"count": len(values), "sum": sum(values), "ends": values[:3] + values[-3:]}  # type: ignore[assignment]
    return {"dtype": dtype, "shape": [d.size for d in proto.tensor_shape.dim], "field": field, "values": values}


def _plain(value: Any) -> Json:
    """Converts an element of a tensor to a JSON value. A float becomes the number with the shortest decimal form."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return {"b64": base64.b64encode(value).decode()}
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, complex | np.complexfloating):
        return [_plain(value.real), _plain(value.imag)]
    if math.isfinite(value):
        return float(str(value))
    return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(float(value))]


# === REST ===


def ask_rest(case: Json, address: str, models: str) -> Json:
    method, path = expand(case["rest"], models).split(" ", 1)
    if "json" in case:
        body = json.dumps(expand(case["json"], models)).encode()
    else:
        body = expand(case.get("body", ""), models).encode() + base64.b64decode(case.get("body_b64", ""))
    if case.get("gzip"):
        body = gzip.compress(body, mtime=0)
    headers = {"Content-Type": "application/json", **case.get("headers", {})}
    connection = http.client.HTTPConnection(address, timeout=60)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        if (body or method in ("POST", "PUT")) and "Transfer-Encoding" not in headers:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        reply = connection.getresponse()
        text = reply.read().decode("utf-8", "surrogateescape").replace(models, "{models}")
    except (http.client.HTTPException, OSError) as error:
        return {"closed": type(error).__name__}
    finally:
        connection.close()
    wanted = (*HEADERS, *case.get("keep_headers", ()))
    answer = {
        "status": reply.status,
        "headers": {name: value for name in wanted if (value := reply.getheader(name)) is not None},
    }
    if "metrics" in case:
        types = re.findall("^# TYPE .*", text, re.M)
        return {**answer, "metrics": sorted(line for line in types if re.search(case["metrics"], line))}
    return {**answer, "body": text}


def load_cases(folder: Path) -> dict[str, list[Json]]:
    """Reads the cases, grouped by server setup. Keeps their order, because some cases change the server's state."""
    cases: dict[str, list[Json]] = {}
    for file in sorted(folder.glob("*.json")):
        document = json.loads(file.read_text())
        cases.setdefault(document["setup"], []).extend(document["cases"])
    return cases

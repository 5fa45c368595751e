"""The functions that `tools.fuzz` calls with random bytes: all code that reads bytes from clients and from model files.

A target raises an error only if the code has a bug. Several targets compare two implementations.
"""

from __future__ import annotations

import asyncio
import base64
import json
import math
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from keras_gallery.preparation import description, exif
from keras_gallery.preparation.splits import SPLITS
from keras_gallery.serving import allowed_operations, limits, saved_model, warmup_file
from keras_gallery.serving.api.grpc.protocol import MessageReader, frame, timeout_seconds
from keras_gallery.serving.api.rest import paths
from keras_gallery.serving.core import warmup
from keras_gallery.serving.engines.graph import Graph
from keras_gallery.serving.errors import ServingError
from keras_gallery.serving.steps.examples import Examples
from keras_gallery.serving.steps.pictures import ImageFiles, Pictures
from keras_gallery.serving.steps.tokens import TextIds
from keras_gallery.serving.wire import dtypes, messages, predict, tensor
from keras_gallery.serving.wire.json import examples, reader, writer
from keras_gallery.serving.wire.json import predict as json_predict
from keras_gallery.serving.wire.json.document import Object
from keras_gallery.serving.wire.model_spec import ModelSpec, model_spec
from keras_gallery.serving.wire.open_inference import grpc_messages, json_bodies
from keras_gallery.serving.wire.signature import SignatureDef, TensorSpec
from keras_gallery.training import vector_files
from keras_gallery.training.errors import BadData

CORPUS = Path(__file__).parents[1] / "tests" / "hardening" / "corpus"
MAX_BYTES = 4096
_FLOAT, _STRING, _INT = dtypes.BY_NUMBER[1], dtypes.BY_NUMBER[7], dtypes.BY_NUMBER[9]
_INPUTS = (
    {"x": TensorSpec("x:0", _FLOAT, (-1, -1))},
    {"x": TensorSpec("x:0", _FLOAT, None), "y": TensorSpec("y:0", _INT, (-1,))},
    {"x_bytes": TensorSpec("x:0", _STRING, (-1,))},
)


def _same(one: Any, other: Any) -> bool:
    """Returns whether two arrays are equal, or two errors have the same message."""
    if isinstance(one, Exception) or isinstance(other, Exception):
        return type(one) is type(other) and str(one) == str(other)
    if one.dtype == object:
        return bool(other.dtype == object and one.tolist() == other.tolist())
    return bool(one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes())


def read_predict(data: bytes) -> None:
    """Reads a PredictRequest by hand, and with the protobuf library."""
    try:
        expected = messages.PredictRequest.FromString(data)
    except DecodeError:
        expected = None
    try:
        found = predict.decode_request(data)
    except DecodeError:
        assert expected is None
        return
    assert expected is not None, "the protobuf library does not read this"
    assert found.spec == (model_spec(expected.model_spec) if expected.HasField("model_spec") else None)
    assert found.outputs == tuple(expected.output_filter)
    assert found.inputs.keys() == expected.inputs.keys()
    budget = tensor.FillBudget()
    for name, array in found.inputs.items():
        assert _same(array, tensor.array_or_error(expected.inputs[name], budget))


def read_json(data: bytes) -> None:
    """Reads JSON, and compares the values with those of Python's reader if that reads it too."""
    try:
        found = reader.loads(data)
    except ServingError:
        return
    writer.text_of(found)
    try:
        expected = json.loads(data, object_pairs_hook=Object, parse_int=_number)
    except (ValueError, RecursionError):
        return
    assert _equal(found, expected), f"{found} {expected}"


def _number(text: str) -> int | float:
    """Reads an integer as the server does: a float if it needs more than 64 bits."""
    return int(text) if -(1 << 63) <= int(text) < 1 << 64 else float(text)


def _equal(one: Any, other: Any) -> bool:
    """Returns whether two JSON values are equal, except for the text of strings."""
    if isinstance(one, Object) and isinstance(other, Object):
        return _equal([value for _, value in one.members], [value for _, value in other.members])
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, float) and isinstance(other, float):  # RapidJSON may round the last digit in another way
        return math.isclose(one, other, rel_tol=1e-14) or math.isnan(one) and math.isnan(other)
    return type(one) is type(other) and (isinstance(one, str) or one == other)


def _parse_slowly(data: bytes) -> json_predict.Body:
    """Reads the body of a REST predict request without the fast path for lists of numbers."""
    return json_predict.Body(data, json_predict.as_object(reader.loads(data)))


def read_rest_predict(data: bytes) -> None:
    """Converts a REST predict request to arrays, by the fast path and without it."""
    for inputs in _INPUTS:
        definition = SignatureDef("serving_default", "", inputs, {})
        results: list[Any] = []
        for read in (json_predict.parse, _parse_slowly):
            try:
                results.append(json_predict.arrays(read(data), definition))
            except ServingError as error:
                results.append(error)
        one, other = results
        if isinstance(one, Exception) or isinstance(other, Exception):
            assert _same(one, other) or "signature_name" in str(one)
        else:
            assert one.keys() == other.keys() and all(_same(each, other[name]) for name, each in one.items())


def read_rest_examples(data: bytes) -> None:
    """Converts a REST classify request to tf.Examples."""
    with suppress(ServingError):
        examples.parse(data)[1].SerializeToString()


def read_open_inference_grpc(data: bytes) -> None:
    """Reads a ModelInferRequest of the Open Inference Protocol by hand, and with the protobuf library."""
    try:
        expected = messages.ModelInferRequest.FromString(data)
    except DecodeError:
        expected = None
    try:
        parts = grpc_messages.split(data)
        message = grpc_messages.parse(parts)
    except DecodeError:
        assert expected is None or _has_groups(expected)
        return
    assert expected is not None, "the protobuf library does not read this"
    assert grpc_messages.raw_contents(message, parts) == [*expected.raw_input_contents]
    whole = messages.ModelInferRequest.FromString(parts.rest)
    del expected.raw_input_contents[:], message.raw_input_contents[:]
    assert message.SerializeToString(deterministic=True) == expected.SerializeToString(deterministic=True)
    with suppress(ServingError):
        arrays = grpc_messages.inputs(whole, parts)
        answer = grpc_messages.encode_response(whole, parts, ModelSpec("m", 1), arrays)
        parsed = messages.ModelInferResponse.FromString(answer)
        assert [output.name for output in parsed.outputs] == [*arrays]


def _has_groups(message: Any) -> bool:
    """Returns whether a message has unknown fields that are groups, which the codec rejects."""
    return any(field.wire_type == 3 for field in UnknownFieldSet(message))


def read_open_inference_rest(data: bytes) -> None:
    """Reads the body of an inference request of the Open Inference Protocol, with binary data, and writes the answer.

    The first byte is the number of bytes after the JSON.
    """
    body = data[1:]
    size = max(len(body) - (data[0] if data else 0), 0)
    json_bodies.string_memory(body, size)
    with suppress(ServingError):
        request = json_bodies.read(body, size)
        answer, end = json_bodies.encode(request, ModelSpec("m", 1), request.inputs)
        outputs = reader.loads(answer[:end]).find("outputs")
        assert [each.find("name") for each in outputs] == [*request.inputs]


def read_path(data: bytes) -> None:
    """Reads the path of a REST request."""
    with suppress(ServingError, paths.VersionTooLarge):
        paths.is_uri(data)
        paths.target("POST" if data[:1] == b"P" else "GET", data[1:].decode("latin-1"))


def read_grpc(data: bytes) -> None:
    """Reads the messages of a gRPC call whose body arrives in parts. The first bytes select encoding and part size."""
    encoding = (None, b"gzip", b"deflate", b"identity", b"other")[data[0] % 5 if data else 0]
    size, body = 1 + (data[1] if len(data) > 1 else 0), data[2:]
    parts = [body[at : at + size] for at in range(0, len(body), size)] or [b""]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def read() -> None:
        found = MessageReader(receive, encoding, 1 << 16, limits.Share(limits.Budget(1 << 20)))
        while await found.read() is not None:
            pass

    with suppress(ServingError):
        asyncio.run(read())
    with suppress(ServingError):
        timeout_seconds(data[:10])


def read_saved_model(data: bytes) -> None:
    """Reads a SavedModel, and checks its operations."""
    try:
        graphs = messages.SavedModel.FromString(data).meta_graphs
    except DecodeError:
        return
    for each in graphs:
        with suppress(ServingError):
            allowed_operations.check(each)
        graph = Graph(each.graph_def)
        for definition in saved_model.signatures_of(each).values():
            for node in graph.nodes_of(definition):
                assert node is not None


def read_warmup(data: bytes) -> None:
    """Reads a file of warm-up requests."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / warmup_file.FILE
        file.parent.mkdir()
        file.write_bytes(data)
        for record in warmup.read(Path(folder)):
            with suppress(ServingError):
                record.runs({"serving_default": _Signature()})


class _Signature:
    definition = SignatureDef("serving_default", "", _INPUTS[0], {"y": _INPUTS[0]["x"]})


_REQUEST = predict.encode_request(ModelSpec("m", 1, signature="s"), {"x": np.ones((2, 3), np.float32)}, ("y",))
_STRINGS = predict.encode_request(ModelSpec("m"), {"x": np.array([b"a", b"b"], object), "y": np.ones(2, np.int64)})
_JSON = b'{"signature_name": "s", "instances": [[1, 2.5e3], [-0, 1e-400]], "x": [null, true, "\\u00e9"]}'


_TENSORS = [
    {"name": "x", "datatype": "FP32", "shape": [1]},
    {"name": "y", "datatype": "BYTES", "shape": [2]},
    {"name": "z", "datatype": "BOOL", "shape": [1, 2]},
]
_INFER = messages.ModelInferRequest(
    model_name="m",
    inputs=_TENSORS,
    outputs=[{"name": "y"}],
    parameters={"signature_name": {"string_param": "s"}},
    raw_input_contents=[bytes(4), b"\1\0\0\0a\0\0\0\0", b"\1\0"],
).SerializeToString()
_TYPED_INFER = messages.ModelInferRequest(
    inputs=[
        _TENSORS[0] | {"contents": {"fp32_contents": [1]}},
        {"name": "i", "datatype": "INT8", "shape": [2], "contents": {"int_contents": [-1, 2]}},
        _TENSORS[1] | {"contents": {"bytes_contents": [b"a", b""]}},
    ]
).SerializeToString()
_INFER_BODY = json.dumps(
    {
        "id": "1",
        "parameters": {"binary_data_output": True},
        "inputs": [
            _TENSORS[0] | {"data": [1.5]},
            _TENSORS[1] | {"parameters": {"binary_data_size": 9}},
            _TENSORS[2] | {"data": [[True, False]]},
            {"name": "i", "datatype": "UINT8", "shape": [1], "parameters": {"binary_data_size": 1}},
        ],
        "outputs": [{"name": "x", "parameters": {"binary_data": False}}],
    }
).encode()


def _saved_model() -> bytes:
    """Returns a SavedModel with a variable, a function, a saver and a signature."""
    saved = messages.SavedModel()
    graph = saved.meta_graphs.add()
    graph.meta_info_def.tags.append("serve")
    nodes = (("f", "Placeholder"), ("r", "RestoreV2", "f"), ("x", "Placeholder"), ("y", "PartitionedCall", "x", "^r"))
    for name, operation, *inputs in nodes:
        graph.graph_def.node.add(name=name, op=operation, input=inputs)
    graph.graph_def.node[3].attr["f"].func.name = "g"
    function = graph.graph_def.library.function.add()
    function.signature.name = "g"
    function.signature.input_arg.add(name="a")
    function.node_def.add(name="b", op="Relu", input=["a"])
    graph.saver_def.filename_tensor_name, graph.saver_def.restore_op_name = "f:0", "r"
    graph.signature_def["serving_default"].inputs["x"].name = "x:0"
    graph.signature_def["serving_default"].outputs["y"].name = "y:0"
    return bytes(saved.SerializeToString())


def _warmup() -> bytes:
    """Returns a file with a warm-up request."""
    log = messages.PredictionLog(predict_log={"request": messages.PredictRequest.FromString(_REQUEST)})
    data = log.SerializeToString()
    return len(data).to_bytes(8, "little") + bytes(4) + data + bytes(4)


# Target → the function, and the first inputs.
def read_exif(data: bytes) -> None:
    """Reads the orientation of a picture file."""
    assert 1 <= exif.orientation(data) <= 8


_TIFF = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0"  # orientation 6
_EXIF_FILES = [
    exif.JPEG[:2] + b"\xff\x01\xff\xff\xe1\0\x22" + exif.EXIF + _TIFF + b"\xff\xda",
    exif.PNG + b"\0\0\0\x1aeXIf" + _TIFF + bytes(12),
    b"RIFF\0\0\0\0WEBPEXIF\x1a\0\0\0" + _TIFF + bytes(8),
]


def run_steps(data: bytes) -> None:
    """Takes the steps that read bytes of clients: picture files, texts and tf.Examples. They may refuse the bytes."""
    files = np.array([data, None], object)[:-1]
    for step in _STEPS:
        with suppress(ServingError):
            step.run({"in": files}, {})


_STEPS = (
    Pictures.of("in", "out", "float32", description.Pictures(4, 4, 3)),
    ImageFiles("in", "out", "float32", 4, 4, 1, True, "0..1"),
    Examples("in", "out", (2,), "float32"),
    *(TextIds("in", "out", ("a", "b"), split) for split in SPLITS),
)


def read_vectors(data: bytes) -> None:
    """Reads word vectors. All vectors have the same length."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("vectors", "vectors.gz"):
            path = Path(folder, name)
            path.write_bytes(data)
            with suppress(BadData):
                found = vector_files.read_file(path, {b"a": 2, b"b": 3, b"none": 4})
                assert len({row.shape for row in found.values()}) <= 1 and found.keys() <= {2, 3, 4}


TARGETS: dict[str, tuple[Callable[[bytes], None], list[bytes]]] = {
    "predict": (read_predict, [_REQUEST, _STRINGS]),
    "json": (read_json, [_JSON, b"[NaN, -Infinity, 1] x", b'"\xff"']),
    "rest_predict": (
        read_rest_predict,
        [
            _JSON,
            b'{"inputs": [[1, 2], [3, 4]]}',
            b'{"instances": [{"x": 1, "y": 2}]}',
            b'{"instances": [{"b64": "AA=="}]}',
        ],
    ),
    "rest_examples": (
        read_rest_examples,
        [b'{"examples": [{"a": 1, "b": [0.5], "c": {"b64": "AA=="}}], "context": {"d": ["e"]}}'],
    ),
    "open_inference_grpc": (read_open_inference_grpc, [_INFER, _TYPED_INFER]),
    "open_inference_rest": (read_open_inference_rest, [b"\x0a" + _INFER_BODY + b"\1\0\0\0a\0\0\0\0\7", b"\0{}"]),
    "path": (read_path, [b"P/v1/models/m/versions/12:predict", b"G/v1/models/%2e/labels/a/metadata"]),
    "grpc": (read_grpc, [b"\0\x04" + frame(_REQUEST) + frame(b""), b"\1\xff\1\0\0\0\x04\x1f\x8b\x08\0"]),
    "saved_model": (read_saved_model, [_saved_model()]),
    "warmup": (read_warmup, [_warmup()]),
    "exif": (read_exif, _EXIF_FILES),
    "vectors": (
        read_vectors,
        [b"a 1 2\nb 3 4\n", b"2 2\na 1 2\nb 3 4\n", b"2 1\nb \0\0\x80?\na \0\0\0@\n", b"9 9\n\xff", b"\x1f\x8b\x08\0"],
    ),
    "steps": (run_steps, [*_EXIF_FILES, b"\n\x16\n\x14\n\x02in\x12\x0e\x12\x0c\n\x08" + bytes(8), b"A b\xff \xc3\x84"]),
}


def corpus(target: str) -> list[bytes]:
    """Returns the kept inputs of a target: a line of base64 for each input."""
    file = CORPUS / f"{target}.txt"
    return [base64.b64decode(line) for line in file.read_text().splitlines()] if file.exists() else []


def keep(target: str, inputs: list[bytes]) -> None:
    """Writes the inputs of a target, the shortest first."""
    CORPUS.mkdir(exist_ok=True)
    lines = [base64.b64encode(each).decode() for each in sorted(set(inputs), key=lambda data: (len(data), data))]
    (CORPUS / f"{target}.txt").write_text("".join(f"{line}\n" for line in lines))

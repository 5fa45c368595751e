"""The requests of tritonclient, a client of the Open Inference Protocol, which the tests replay: version 2.73.0.

tritonclient needs older versions of protobuf and ml_dtypes than the server, so it has its own environment. These
commands record its requests again, and ask the server of the tests with tritonclient itself:

    python -m venv /tmp/triton && /tmp/triton/bin/pip install 'tritonclient[grpc,http]'
    /tmp/triton/bin/python tests/serving/api/triton_client.py > tests/serving/api/triton_client.json
    TRITONCLIENT_PYTHON=/tmp/triton/bin/python python -m pytest tests/serving/api/test_open_inference.py

This module must not import the project or pytest.
"""

from __future__ import annotations

import base64
import json
import sys
from typing import Any

import ml_dtypes
import numpy as np

Array = np.ndarray[Any, Any]

# Data type → two inputs of shape (2, 3). The model "m" returns the inputs x and y as the outputs x and y.
VALUES: dict[str, Array] = {
    "BOOL": np.array([[True, False, True], [False, False, True]]),
    "UINT8": np.array([[0, 1, 255], [3, 4, 5]], np.uint8),
    "UINT16": np.array([[0, 1, 65535], [3, 4, 5]], np.uint16),
    "UINT32": np.array([[0, 1, 2**32 - 1], [3, 4, 5]], np.uint32),
    "UINT64": np.array([[0, 1, 2**64 - 1], [3, 4, 5]], np.uint64),
    "INT8": np.array([[-128, 1, 127], [3, 4, 5]], np.int8),
    "INT16": np.array([[-32768, 1, 32767], [3, 4, 5]], np.int16),
    "INT32": np.array([[-(2**31), 1, 2**31 - 1], [3, 4, 5]], np.int32),
    "INT64": np.array([[-(2**63), 1, 2**63 - 1], [3, 4, 5]], np.int64),
    "FP16": np.array([[-1.5, np.inf, 65504], [0.25, 1, 2]], np.float16),
    "BF16": np.array([[-1.5, np.inf, 0.5], [0.25, 1, 2]], ml_dtypes.bfloat16),
    "FP32": np.array([[-1.5, np.nan, 1e-30], [0.1, np.inf, 2]], np.float32),
    "FP64": np.array([[-1.5, np.nan, 1e-300], [0.1, -np.inf, 2]], np.float64),
    "BYTES": np.array([[b"a", b"", b"\xff\x00"], ["é".encode(), b"1", b"2"]], object),
}
METHODS = ("ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata", "ModelInfer")
IN_JSON = [name for name in VALUES if name not in ("BF16", "BYTES")]


def tensors(module: Any, name: str, array: Array, **binary: bool) -> list[Any]:
    found = []
    for key in ("x", "y"):
        each = module.InferInput(key, list(array.shape), name)
        each.set_data_from_numpy(array, **binary)
        found.append(each)
    return found


def requests() -> dict[str, Any]:
    """Returns the serialized requests of tritonclient, by kind and data type."""
    import tritonclient.grpc as grpc_client
    import tritonclient.http as http_client
    from tritonclient.grpc._utils import _get_inference_request as request_of

    found: dict[str, Any] = {"grpc": {}, "binary": {}, "json": {}}
    body_of = http_client.InferenceServerClient.generate_request_body
    parameters = {"signature_name": ""}
    for name, array in VALUES.items():
        parameters["signature_name"] = name
        message = request_of(
            model_name="m",
            inputs=tensors(grpc_client, name, array),
            model_version="3",
            request_id="one",
            outputs=[grpc_client.InferRequestedOutput("y")],
            sequence_id=0,
            sequence_start=False,
            sequence_end=False,
            priority=0,
            timeout=None,
            parameters=parameters,
        )
        found["grpc"][name] = base64.b64encode(message.SerializeToString()).decode()
        body, size = body_of(tensors(http_client, name, array), parameters=parameters)
        found["binary"][name] = [base64.b64encode(body).decode(), size]
        if name in IN_JSON:
            outputs = [http_client.InferRequestedOutput("y", binary_data=False)]
            body, _ = body_of(tensors(http_client, name, array, binary_data=False), outputs, parameters=parameters)
            found["json"][name] = base64.b64encode(body).decode()
    return found


def messages() -> dict[str, Any]:
    """Returns the `fields` of each message of the methods in `METHODS`."""
    from tritonclient.grpc import service_pb2

    methods = service_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"].methods_by_name
    todo = [each for name in METHODS for each in (methods[name].input_type, methods[name].output_type)]
    found: dict[str, Any] = {}
    while todo:
        each = todo.pop()
        todo += [field.message_type for field in each.fields if field.message_type]
        found[each.full_name] = fields(each)
    return dict(sorted(found.items()))


def fields(message: Any) -> list[list[Any]]:
    """Returns the number, name, type and message type of each field, and whether the field is repeated."""
    return [
        [each.number, each.name, each.type, each.is_repeated, each.message_type and each.message_type.full_name]
        for each in message.fields
    ]


def recorded() -> str:
    """Returns the requests and the messages as JSON, with a line for each of them."""
    kinds = {**requests(), "messages": messages()}
    parts = []
    for kind, content in kinds.items():
        lines = [f"{json.dumps(name)}: {json.dumps(each)}" for name, each in content.items()]
        parts.append(f"{json.dumps(kind)}: {{\n" + ",\n".join(lines) + "\n}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def ask(grpc_port: str, rest_port: str) -> None:
    """Asks the server of the tests, and compares its answers with the inputs."""
    import tritonclient.grpc as grpc_client
    import tritonclient.http as http_client

    clients = (
        (grpc_client, grpc_client.InferenceServerClient(f"127.0.0.1:{grpc_port}")),
        (http_client, http_client.InferenceServerClient(f"127.0.0.1:{rest_port}")),
    )
    for module, client in clients:
        assert client.is_server_live() and client.is_server_ready()
        assert client.is_model_ready("m") and client.is_model_ready("m", "3")
        assert not client.is_model_ready("m", "4") and not client.is_model_ready("z")
        server, model = client.get_server_metadata(), client.get_model_metadata("m")
        if module is grpc_client:
            assert server.name == "keras-gallery" and model.versions == ["3"]
        else:
            assert server["name"] == "keras-gallery" and model["versions"] == ["3"]
        for name, array in VALUES.items():
            parameters = {"signature_name": name}
            answer = client.infer("m", tensors(module, name, array), request_id="one", parameters=parameters)
            for key in ("x", "y"):
                compare(answer.as_numpy(key), array)
            if name in IN_JSON and module is http_client:
                inputs = tensors(module, name, array, binary_data=False)
                outputs = [module.InferRequestedOutput("x", binary_data=False), module.InferRequestedOutput("y")]
                answer = client.infer("m", inputs, outputs=outputs, parameters=parameters)
                for key in ("x", "y"):
                    compare(answer.as_numpy(key), array)
        try:
            client.infer("m", tensors(module, "FP32", VALUES["FP32"]), parameters={"signature_name": "INT8"})
        except Exception as error:
            assert "float" in str(error), error
        else:
            raise AssertionError("the server has accepted a wrong data type")
        client.close()


def compare(found: Array, expected: Array) -> None:
    assert found.shape == expected.shape and found.dtype == expected.dtype, (found, expected)
    np.testing.assert_array_equal(found, expected)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        ask(*sys.argv[1:])
    else:
        sys.stdout.write(recorded())

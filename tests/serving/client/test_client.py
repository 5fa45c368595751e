"""Tests of the client over gRPC and REST with a real server."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from keras_gallery.preparation.description import CUT_NAMES, CategoryColumn
from keras_gallery.preparation.notes import write_note
from keras_gallery.serving.client import Client
from keras_gallery.serving.client.values import check_values
from keras_gallery.serving.errors import (
    DeadlineExceeded,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    ServingError,
    Unavailable,
    Unimplemented,
)
from keras_gallery.serving.launcher import ServerProcess
from keras_gallery.serving.ports import free_port
from keras_gallery.serving.wire import dtypes
from keras_gallery.serving.wire.predict import ModelSpec
from keras_gallery.serving.wire.signature import SignatureDef, TensorSpec

from ..conftest import MODEL, embedded_only


@pytest.fixture(params=["grpc", "rest"])
def client(request: pytest.FixtureRequest, server: ServerProcess) -> Iterator[Client]:
    with Client(getattr(server, request.param)) as client:
        yield client


def test_results_equal_the_keras_model(client: Client, keras_model: Any, images: Any) -> None:
    want = keras_model.predict(images, verbose=0)
    code = keras_model.get_layer("encoder").predict(images, verbose=0)
    np.testing.assert_allclose(client.encode(MODEL, images), code, atol=1e-4)
    np.testing.assert_allclose(client.decode(MODEL, code), want, atol=1e-4)
    np.testing.assert_allclose(client.denoise(MODEL, images), want, atol=1e-4)
    np.testing.assert_allclose(client.reconstruct(MODEL, images), want, atol=1e-4)
    np.testing.assert_allclose(client.score(MODEL, images), ((want - images) ** 2).sum((1, 2, 3)), rtol=1e-4)
    assert client.encode(MODEL, images).dtype == np.float32


def test_png_files(client: Client, images: Any, png_files: list[bytes]) -> None:
    np.testing.assert_allclose(client.encode(MODEL, png_files), client.encode(MODEL, images), atol=1e-4)
    np.testing.assert_allclose(client.denoise(MODEL, png_files[0]), client.denoise(MODEL, images[:1]), atol=1e-4)


def test_predict_with_input_names_a_version_and_lists(client: Client, images: Any) -> None:
    want = client.encode(MODEL, images)
    by_name = client.predict(MODEL, {"image": images.tolist()}, signature="encode", version=1)
    assert list(by_name) == ["code"]
    np.testing.assert_array_equal(by_name["code"], want)
    np.testing.assert_array_equal(client.encode(MODEL, images.astype(np.float64)), want)


def test_not_a_number(client: Client, images: Any) -> None:
    holes = np.where(images > 0.5, np.nan, images)
    assert np.isnan(client.score(MODEL, holes)).all()


class ChangingServer:
    """A transport to a server that loads a version with other signatures while the client is connected."""

    def __init__(self) -> None:
        self.dtype, self.signature_requests = "float", 0

    def signatures(self, spec: ModelSpec) -> dict[str, SignatureDef]:
        self.signature_requests += 1
        row = next(row for row in dtypes.DATA_TYPES if row.name == self.dtype)
        spec_of_x = TensorSpec("x:0", row, (-1,))
        return {name: SignatureDef(name, "", {"x": spec_of_x}, {"y": spec_of_x}) for name in ("old", self.dtype)}

    def predict(self, spec: ModelSpec, signature: SignatureDef, inputs: Mapping[str, Any]) -> dict[str, Any]:
        row = signature.inputs["x"].dtype
        if row.name != self.dtype or inputs["x"].dtype != row.numpy:
            raise InvalidArgument(f"Expects arg[0] to be {self.dtype} but {inputs['x'].dtype} is provided")
        return {"y": inputs["x"]}

    def close(self) -> None: ...


def test_a_version_with_other_signatures() -> None:
    server = ChangingServer()
    with Client("", transport=server) as client:  # type: ignore[arg-type]
        for _ in range(3):
            assert client.predict("m", [1, 2], signature="old")["y"].dtype == np.float32
        assert server.signature_requests == 1, "the client caches signatures"
        server.dtype = "double"
        assert client.predict("m", [1, 2], signature="old")["y"].dtype == np.float64
        server.dtype = "int32"
        assert client.predict("m", [1, 2], signature="int32")["y"].dtype == np.int32
        with pytest.raises(InvalidArgument, match="Expects arg"):
            client.predict("m", ["text"], signature="old")
        server.dtype = "int64"
        assert set(client.signatures("m")) == {"old", "int64"}


class ServerOfConstants:
    """A transport to a server whose model has a signature without inputs, and a signature with two inputs."""

    def signatures(self, spec: ModelSpec) -> dict[str, SignatureDef]:
        x = TensorSpec("x:0", dtypes.BY_NUMPY[np.dtype(np.float32)], (-1,))
        return {
            "none": SignatureDef("none", "", {}, {"y": x}),
            "two": SignatureDef("two", "", {"a": x, "b": x}, {"y": x}),
        }

    def predict(self, spec: ModelSpec, signature: SignatureDef, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"y": len(inputs)}

    def close(self) -> None: ...


def test_one_array_for_a_signature_without_exactly_one_input() -> None:
    with Client("", transport=ServerOfConstants()) as client:  # type: ignore[arg-type]
        with pytest.raises(InvalidArgument, match=r"^none has no inputs. Pass {} as the inputs.$"):
            client.predict("m", [1.0], signature="none")
        assert client.predict("m", {}, signature="none") == {"y": 0}
        with pytest.raises(InvalidArgument, match=r"^two has several inputs \(a, b\). Pass arrays by name.$"):
            client.predict("m", [1.0], signature="two")


def test_status_and_signatures(client: Client) -> None:
    assert client.status(MODEL) == {1: "AVAILABLE"}
    assert client.signatures(MODEL)["encode"].inputs["image"].shape == (-1, 8, 8, 1)


@embedded_only()
def test_models(client: Client) -> None:
    assert client.models() == [MODEL]


@pytest.mark.parametrize("scale", [255, 16, -255])
def test_images_that_are_not_in_0_1_give_an_error_or_a_warning(client: Client, images: Any, scale: float) -> None:
    for call in (client.encode, client.denoise, client.reconstruct, client.score):
        message = r"^Expected images with values in \[0, 1\]. Received: values from .* Divide 8-bit pixels by 255\.$"
        with pytest.warns(UserWarning, match=message) if scale < 0 else pytest.raises(InvalidArgument, match=message):
            call(MODEL, images * scale)
    with pytest.raises(InvalidArgument, match=r"Divide 8-bit pixels by 255\.$"):
        client.encode(MODEL, np.full(images.shape, 255, np.uint8))
    client.encode(MODEL, images * 2 - 0.5)  # noise may leave [0, 1]; warnings are errors in tests


def test_images_in_another_range_give_an_error_or_a_warning(images: Any) -> None:
    def signature(pixels: str) -> SignatureDef:
        spec = TensorSpec("x:0", dtypes.BY_NUMBER[1], (-1, 8, 8, 1), pixels)
        return SignatureDef("encode", "", {"image": spec}, {})

    def check(values: Any, pixels: str, *names: str) -> None:
        check_values({"image": values}, signature(pixels), names)

    check(images * 255, "0..255")  # warnings are errors in tests
    with pytest.warns(UserWarning, match=r"values in \[0, 255\]. .* Multiply values in \[0, 1\] by 255\.$"):
        check(images, "0..255")
    with pytest.raises(InvalidArgument, match=r"values in \[0, 255\]. .* Divide 16-bit pixels by 257\.$"):
        check(images * 255 * 255, "0..255")
    with pytest.raises(InvalidArgument, match=r"values in \[-1, 1\]. .* by 127.5, and subtract 1\.$"):
        check(images * 255, "-1..1")
    check(images * 2 - 1, "-1..1")
    check(images * 255, "", "encode")
    with pytest.warns(UserWarning, match=r"values in \[0, 1\]"):  # the signature does not state the range
        check(images * 255, "", "encode_png")


def test_unknown_categories_give_an_error_or_a_warning() -> None:
    def check(values: list[str], **options: Any) -> None:
        column = CategoryColumn("month", ("May", "June"), **options)
        spec = TensorSpec.named("x:0", dtypes.BY_NUMBER[7], (-1,), write_note(column))
        assert spec.noted == column
        array = np.array([each.encode() for each in values], object)
        check_values({"month": array}, SignatureDef("regress", "", {"month": spec}, {}), ["regress"])

    check(["May", " June "])  # warnings are errors in tests
    check(["", "May"], missing="June")
    message = r"^Expected a category of the column month: May, June\. Received: Juli\ufffd"
    with pytest.raises(InvalidArgument, match=message + "$"):
        check(["May", "Juli\x07"])
    with pytest.warns(UserWarning, match=message + r"\. The model treats it as an unknown category"):
        check(["Juli\x07", "Juni"], takes_others=True)
    with pytest.raises(InvalidArgument, match=r"Received: $"):
        check([""])
    cut = CategoryColumn("month", CUT_NAMES)  # a note with too little space for the names
    spec = TensorSpec.named("x:0", dtypes.BY_NUMBER[7], (-1,), write_note(cut))
    check_values({"month": np.array([b"May"], object)}, SignatureDef("", "", {"month": spec}, {}), [])


def test_errors(client: Client, images: Any, png_files: list[bytes]) -> None:
    with pytest.raises(NotFound, match="nobody"):
        client.encode("nobody", images)
    with pytest.raises(NotFound, match=r"version 9|Specific\(denoiser, 9\)"):
        client.encode(MODEL, images, version=9)
    with pytest.raises(InvalidArgument, match="Expected a signature of denoiser: .*encode.*. Received: colour"):
        client.predict(MODEL, images, signature="colour")
    with pytest.raises((InvalidArgument, FailedPrecondition)):
        client.encode(MODEL, images[:, :4])
    with pytest.raises(InvalidArgument):
        client.encode(MODEL, [["text"]])
    for broken in (b"", b"no picture", png_files[0][:20], png_files[0][:60]):
        with pytest.raises(InvalidArgument, match="PNG|picture"):
            client.denoise(MODEL, [broken])


@pytest.mark.parametrize("scheme", ["", "http://"])
def test_no_server(scheme: str) -> None:
    with Client(f"{scheme}localhost:{free_port()}", timeout=10) as client:
        with pytest.raises(Unavailable, match="^No model server at"):
            client.status(MODEL)


@pytest.mark.parametrize("scheme", ["", "http://"])
def test_a_server_that_does_not_answer(scheme: str) -> None:
    with socket.create_server(("localhost", 0)) as silent:
        with Client(f"{scheme}localhost:{silent.getsockname()[1]}", timeout=0.3) as client:
            with pytest.raises((DeadlineExceeded, Unavailable)):
                client.status(MODEL)


def test_a_web_server_that_is_not_a_model_server() -> None:
    import http.server
    import threading

    class Page(http.server.BaseHTTPRequestHandler):
        status = 200

        def do_GET(self) -> None:
            self.send_response(self.status)
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, *args: Any) -> None: ...

    with http.server.HTTPServer(("localhost", 0), Page) as page:
        threading.Thread(target=page.serve_forever, daemon=True).start()
        with Client(f"http://localhost:{page.server_port}") as client:
            with pytest.raises(ServingError, match="Expected a JSON object"):
                client.status(MODEL)
            Page.status = 404
            with pytest.raises(Unimplemented, match="^This server cannot list its models"):
                client.models()
        page.shutdown()


def test_a_timeout_of_zero_is_an_error() -> None:
    with pytest.raises(InvalidArgument, match="Expected a timeout above 0 seconds. Received: 0"):
        Client("localhost:1", timeout=0)


def test_the_client_never_imports_tensorflow() -> None:
    code = "import sys, keras_gallery.serving.client; print(sorted({'tensorflow', 'keras'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"

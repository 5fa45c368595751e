"""Tests of models that were trained on a user's own pictures, tables and series: from the export to the answers.

The answers of the signatures for picture files and for rows are those of the Keras model for the prepared array.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from keras_gallery.preparation.description import CategoryColumn, NumberColumn, Pictures, Table, read
from keras_gallery.preparation.notes import Labels, read_note, sentence, write_note
from keras_gallery.serving.client import Client
from keras_gallery.serving.client.values import check_values
from keras_gallery.serving.errors import FailedPrecondition, InvalidArgument
from keras_gallery.serving.launcher import ServerProcess
from keras_gallery.serving.ports import free_port
from keras_gallery.serving.quiet import quiet_import
from keras_gallery.serving.wire import dtypes
from keras_gallery.serving.wire.signature import SignatureDef, TensorSpec

from ..preparation.pictures import encoded, kinds, photograph

PICTURES = {"kind": "pictures", "height": 16, "width": 20, "channels": 3, "fit": "crop", "pixels": "0..1"}
THRESHOLD = {"value": 60.0, "false_alarm_rate": 0.01, "measured_rate": 0.012, "examples": 500}
ALCOHOL = {"name": "alcohol", "type": "number", "least": 11.0, "most": 14.8}
ACID = {"name": "fixed acidity/l", "type": "number", "mean": 7.0, "deviation": 1.5, "least": 4.0, "most": 16.0}
COLOUR = {"name": "class", "type": "category", "names": ["red", "white", "žluté"], "missing": "red"}
TABLE = {"kind": "table", "columns": [ALCOHOL, COLOUR, ACID], "encoding": "one_hot", "target": ["quality"]}
SERIES = {
    **{"kind": "series", "columns": [{"name": "co2", "least": 313.0, "most": 371.5}], "time": "date", "step": "month"},
    **{"first": "1958-03", "last": "2001-12", "history": 24, "horizon": 4},
}
ROWS = {"alcohol": [11.0, 12.5, 14], "class": ["white", "", " žluté "], "fixed acidity/l": [4, 5.5, 16]}
ENCODED = np.array([[11, 0, 1, 0, 4], [12.5, 1, 0, 0, 5.5], [14, 0, 0, 1, 16]], np.float32)


@dataclass
class Served:
    """The Keras models by name, the folder of their versions, and a server."""

    models: dict[str, Any]
    root: Path
    server: ServerProcess


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, server_kind: str) -> Iterator[Served]:
    with quiet_import():
        import keras
        from keras_gallery.models import create
        from keras_gallery.serving.export.writing import export

        from . import task_models
    keras.utils.set_random_seed(0)
    root = tmp_path_factory.mktemp("prepared")
    models = {
        "photos": create("denoising_autoencoder", image_shape=(16, 20, 3), filters=(4,), code_dim=5),
        "wine": task_models.classifier((5,)),
    }
    preparations = {"photos": PICTURES | {"threshold": THRESHOLD}, "wine": TABLE}
    labels = {"wine": "abc"}
    bases = {
        name: export(model, name, root, labels=labels.get(name), preparation=preparations[name]).parent
        for name, model in models.items()
    }
    with ServerProcess(server_kind, bases, log=root / "log", port=free_port(), rest_port=free_port()) as server:
        server.wait_until_ready()
        yield Served(models, root, server)


@pytest.fixture(scope="module", params=["grpc", "rest"])
def client(request: pytest.FixtureRequest, served: Served) -> Iterator[Client]:
    with Client(getattr(served.server, request.param), timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def prepared() -> Any:
    """The images that training makes of `kinds()`."""
    import tensorflow as tf
    from keras_gallery.preparation.images import prepare_image

    pictures = read(PICTURES)
    assert isinstance(pictures, Pictures)
    files = tf.data.Dataset.from_tensor_slices(list(kinds().values()))
    return np.stack(list(files.map(lambda file: prepare_image(file, pictures)).as_numpy_iterator()))


def post(served: Served, model: str, **body: Any) -> Any:
    return httpx.post(f"{served.server.rest}/v1/models/{model}:predict", json=body).json()


# === Pictures ===


def test_pictures_of_all_kinds(client: Client, served: Served, prepared: Any) -> None:
    model = served.models["photos"]
    want = model.predict(prepared, verbose=0)
    files = list(kinds().values())
    np.testing.assert_allclose(client.denoise("photos", files), want, atol=1e-4)
    np.testing.assert_allclose(client.denoise("photos", prepared), want, atol=1e-4)
    np.testing.assert_allclose(client.reconstruct("photos", files), want, atol=1e-4)
    code = model.get_layer("encoder").predict(prepared, verbose=0)
    np.testing.assert_allclose(client.encode("photos", files), code, atol=1e-4)
    errors = ((want - prepared) ** 2).sum((1, 2, 3))
    np.testing.assert_allclose(client.score("photos", files), errors, rtol=1e-4)


def test_pictures_in_row_form(served: Served, prepared: Any) -> None:
    rows = [{"b64": base64.b64encode(file).decode()} for file in kinds().values()]
    answer = post(served, "photos", signature_name="score_png", instances=rows)["predictions"]
    scores = np.array([row["score"] for row in answer])
    want = served.models["photos"].predict(prepared, verbose=0)
    np.testing.assert_allclose(scores, ((want - prepared) ** 2).sum((1, 2, 3)), rtol=1e-4)
    assert [row["anomaly"] for row in answer] == [bool(each) for each in scores > THRESHOLD["value"]]


def test_refused_pictures(client: Client) -> None:
    right = encoded(photograph(), "PNG")
    for file, message in (
        (encoded(photograph(), "GIF"), "PNG, JPEG, BMP or WebP"),
        (right[:60], "PNG|Cannot decode picture 1 of image_bytes: "),
    ):
        with pytest.raises(InvalidArgument, match=message):
            client.denoise("photos", [right, file])


def test_threshold(client: Client, prepared: Any) -> None:
    found = client.find_anomalies("photos", prepared)
    np.testing.assert_array_equal(found.scores, client.score("photos", prepared))
    np.testing.assert_array_equal(found.is_anomaly, found.scores > THRESHOLD["value"])
    assert found.is_anomaly.dtype == bool and 0 < found.is_anomaly.sum() < len(prepared)


def test_no_threshold(client: Client) -> None:
    def without(*_: Any) -> Any:
        return {"score": np.zeros(1)}

    other = Client("localhost:1", transport=client._transport)
    other._named = without  # type: ignore[method-assign]
    with pytest.raises(FailedPrecondition, match="^photos was exported without a threshold"):
        other.find_anomalies("photos", [])


def test_8_bit_pixels_are_refused(client: Client, prepared: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"in \[0, 1\]. Received: values from .* Divide 8-bit pixels by 255\.$"):
        client.denoise("photos", prepared * 255)


# === Tables ===


def test_rows(client: Client, served: Served) -> None:
    import pandas as pd

    want = served.models["wine"].predict(ENCODED, verbose=0)
    rows = [dict(zip(ROWS, row, strict=True)) for row in zip(*ROWS.values(), strict=True)]
    frame = pd.DataFrame(ROWS | {"quality": [1, 2, 3]})
    for inputs in (ROWS, rows, frame, ENCODED):
        found = client.classify("wine", inputs)
        np.testing.assert_allclose(found.probabilities, want, atol=1e-4)
        assert found.labels == ["abc"[each] for each in want.argmax(-1)]
    np.testing.assert_allclose(client.embed("wine", ROWS), client.embed("wine", ENCODED), atol=1e-4)
    one = client.classify("wine", {"alcohol": 12.5, "class": None, "fixed acidity/l": "5.5"})
    np.testing.assert_allclose(one.probabilities, want[1:2], atol=1e-4)


def test_rows_in_json(served: Served) -> None:
    want = served.models["wine"].predict(ENCODED, verbose=0)
    rows = [dict(zip(ROWS, row, strict=True)) for row in zip(*ROWS.values(), strict=True)]
    answer = post(served, "wine", signature_name="classify_rows", instances=rows)["predictions"]
    np.testing.assert_allclose([row["probabilities"] for row in answer], want, atol=1e-4)
    columns = post(served, "wine", signature_name="classify_rows", inputs=ROWS)["outputs"]
    assert columns["label"] == [row["label"] for row in answer]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"class": ["red", "blue", "green"]}, "a category of the column class: red, white, žluté. Received: blue"),
        ({"alcohol": [1, None, 2]}, "^Missing value in the column alcohol, row 2"),
        ({"alcohol": [1, 2, "three"]}, "^Expected numbers in the column alcohol. Received: 'three'"),
        ({"alcohol": [1, 2, float("inf")]}, "Expected finite numbers in the column alcohol"),
        (
            {"alcohol": [[1], [2], [3]]},
            "^Expected one value for each row in the column alcohol.",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:Values outside")
def test_wrong_rows(client: Client, change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        client.classify("wine", ROWS | change)


def test_missing_columns(client: Client) -> None:
    with pytest.raises(InvalidArgument, match="Missing: class. Received: alcohol, fixed acidity/l$"):
        client.classify("wine", {name: ROWS[name] for name in ("alcohol", "fixed acidity/l")})


def test_numbers_outside_the_trained_range(client: Client) -> None:
    with pytest.warns(UserWarning, match=r"alcohol from 11 to 20 \(trained: 11 to 14.8\)"):
        client.classify("wine", ROWS | {"alcohol": [11, 12, 20]})
    with pytest.warns(UserWarning, match=r"^[^;]*: fixed acidity/l from 3 to 16 \([^;]*$"):
        client.classify("wine", np.where(ENCODED == 4, 3, ENCODED))


def test_rows_of_categories_that_become_ids() -> None:
    import tensorflow as tf
    from keras_gallery.models import create
    from keras_gallery.serving.signatures import endpoints

    size = {"name": "size (cm)", "type": "category", "names": ["1", "2"]}
    kind = {"name": "class", "type": "category", "names": ["a", "b", "none"], "missing": "none"}
    texts = {each["name"]: {"names": each["names"], "split": "whole"} for each in (size, kind)}
    preparation = read({"kind": "table", "columns": [size, kind], "encoding": "ids", "target": []})
    model = create("entity_embedding", categories=(4, 5))
    found = endpoints(model, texts=texts, preparation=preparation)
    for rows in (found["regress"], found["regress_rows"]):
        assert rows.names == {"column_1": "size (cm)", "column_2": "class"}
        assert list(rows.notes.values()) == [
            CategoryColumn("size (cm)", ("1", "2"), takes_others=True),
            CategoryColumn("class", ("a", "b", "none"), "none", takes_others=True),
        ]
        prediction = rows.function(tf.constant(["2", "1", "3"]), tf.constant(["", " b ", "a"]))["prediction"]
        np.testing.assert_allclose(prediction, model(tf.constant([[3, 4], [2, 3], [1, 2]])), atol=1e-6)


# === Series ===


def test_series_outside_the_trained_range() -> None:
    spec = TensorSpec.named("x:0", dtypes.BY_NUMBER[1], (-1, -1, 1), write_note(read(SERIES)))
    definition = SignatureDef("forecast", "", {"history": spec}, {})
    history = np.linspace(313, 371.5, 30, dtype=np.float32)[None, :, None]
    check_values({"history": history}, definition, [])  # warnings are errors in tests
    padded = np.pad(history, ((0, 0), (0, 5), (0, 0)))
    check_values({"history": padded, "length": np.array([30])}, definition, [])
    message = r"^Values outside the range .*: co2 from 313 to 420 \(trained: 313 to 371.5\)\.$"
    with pytest.warns(UserWarning, match=message):
        check_values({"history": np.where(history > 371, 420, history)}, definition, [])
    with pytest.warns(UserWarning, match="co2 from 0 to"):
        check_values({"history": padded}, definition, [])


def test_series_in_words() -> None:
    known = "co2 (313 to 371.5 in training); step: month; trained on 1958-03 to 2001-12"
    assert sentence(read(SERIES)) == f"{known}; history of 24 steps; horizon of 4 steps"


def test_a_forecaster_says_which_series_it_knows() -> None:
    import keras
    from keras_gallery.serving.signatures import endpoints

    x = keras.Input((None, 1))
    y = keras.layers.Reshape((4, 1), name="forecast")(keras.layers.Dense(4)(keras.layers.SimpleRNN(2)(x)))
    found = endpoints(keras.Model(x, y), preparation=read(SERIES))
    assert all(found[name].notes == {"history": read(SERIES)} for name in ("forecast", "forecast_padded"))
    with pytest.raises(InvalidArgument, match=r"makes inputs of shape \(None, 2\), but the model takes \(None, 1\)"):
        endpoints(keras.Model(x, y), preparation=read(SERIES | {"columns": [{"name": "a"}, {"name": "b"}]}))


# === What the version says ===


def test_notes(client: Client, served: Served) -> None:
    photos, wine = (client.signatures(name) for name in served.models)
    files = photos["denoise_png"].inputs["image_bytes"]
    assert files.noted == read(PICTURES) and files.pixels == photos["denoise"].inputs["image"].pixels == "0..1"
    threshold = photos["score_png"].outputs["anomaly"].noted
    assert threshold == photos["score"].outputs["anomaly"].noted == read(PICTURES | {"threshold": THRESHOLD}).threshold
    table = wine["classify"].inputs["features"].noted
    assert table == read(TABLE) and isinstance(table, Table)
    assert tuple(wine["classify_rows"].inputs[name].noted for name in ROWS) == table.columns
    for name in ("classify", "classify_rows"):
        assert wine[name].outputs["probabilities"].noted == Labels(("a", "b", "c"))


def test_notes_with_many_categories_leave_them_out() -> None:
    column = CategoryColumn("city", tuple(f"city {number}" for number in range(5000)))
    table = Table((column, NumberColumn("age", least=0, most=9)))
    for noted in (column, table):
        text = write_note(noted)
        assert len(text) < 200 and "city 1" not in text
    spec = TensorSpec.named("x:0", dtypes.BY_NUMBER[1], (-1, 5001), write_note(table))
    values = np.full((1, 5001), 100, np.float32)
    check_values({"features": values}, SignatureDef("classify", "", {"features": spec}, {}), [])  # no warning


def test_labels() -> None:
    labels = Labels(("kot", "żółw", 'a"b\n', ""))
    assert read_note(write_note(labels)) == labels
    assert sentence(labels) == 'the classes kot, żółw, a"b\n, '
    assert sentence(Labels(tuple("abcdefghijklmn"))) == "the classes a, b, c, d, e, f, g, h, i, j, k, l, …"
    assert write_note(Labels(tuple(f"class {number}" for number in range(5000)))) == ""


@pytest.mark.parametrize(
    "text", ["", '{"labels":{"names":[1]}}', "pixels 0..1", "{", "{}", '{"preparation":{}}', '{"a":1}', "[" * 9999]
)
def test_names_that_are_no_notes(text: str) -> None:
    assert read_note(text) is None
    spec = TensorSpec.named("x:0", dtypes.BY_NUMBER[1], (-1,), text)
    assert spec.noted is None and spec.pixels == ("0..1" if "pixels" in text else "")


def test_openvino_runs_the_signatures_for_arrays(served: Served) -> None:
    index = json.loads((served.root / "photos" / "1" / "assets.extra" / "openvino" / "index.json").read_text("utf-8"))
    assert {"encode", "denoise", "score"} <= index["signatures"].keys(), index["reasons"]


def test_the_file_for_people(served: Served) -> None:
    for name, kind in (("photos", Pictures), ("wine", Table)):
        file = served.root / name / "1" / "assets.extra" / "preparation.json"
        assert isinstance(read(json.loads(file.read_text("utf-8"))), kind)


def test_documentation(served: Served) -> None:
    if served.server.kind != "embedded":
        pytest.skip("TensorFlow Serving has no documentation of the models")
    page = httpx.get(f"{served.server.rest}/docs").text
    for text in (
        "PNG, JPEG, WebP or BMP files of any size: the middle part is scaled to 16x20 pixels (height x width), RGB",
        "true for a score above 60, chosen for a false-alarm rate of 0.01; 0.012 of 500 normal test examples were",
        "a number (11 to 14.8 in training)",
        "a category: red, white, žluté; &quot;&quot; counts as red",
    ):
        assert text in page
    document = httpx.get(f"{served.server.rest}/openapi.json").text
    assert "A number (4 to 16 in training)" in document and "True for a score above 60" in document


def test_a_preparation_that_does_not_fit(served: Served, tmp_path: Path) -> None:
    from keras_gallery.serving.export.writing import export

    for name, preparation, options, message in (
        (
            "photos",
            PICTURES | {"height": 17},
            {},
            r"shape \(17, 20, 3\), but the model takes \(16, 20, 3\)",
        ),
        ("photos", PICTURES, {"pixels": "0..255"}, "Expected pixels of 0..1, as in training. Received: 0..255"),
        ("photos", PICTURES | {"fit": "zoom"}, {}, "Wrong preparation: Expected crop or pad for fit"),
        ("wine", TABLE | {"columns": [ALCOHOL]}, {}, r"makes inputs of shape \(1,\), but the model takes \(5,\)"),
    ):
        with pytest.raises(InvalidArgument, match=message):
            export(served.models[name], name, tmp_path, preparation=preparation, **options)
    assert not any(tmp_path.iterdir())

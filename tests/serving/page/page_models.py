"""A server with the page, and models that are Python functions: one for each kind of panel, with known answers."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from keras_gallery.serving.core.servable import Servable, Signature
from keras_gallery.serving.core.served_models import ServedModel, ServedModels
from keras_gallery.serving.errors import NotFound
from keras_gallery.serving.lifecycle.versions import ModelStatus, State, VersionStatus
from keras_gallery.serving.observe import prometheus
from keras_gallery.serving.page.files import routes
from keras_gallery.serving.saved_model import signatures_of
from keras_gallery.serving.wire import messages
from keras_gallery.serving.wire.model_spec import ModelSpec

from ..api.front_server import FrontServer
from ..fake_models import Function, Runner

METRICS = "/monitoring/prometheus/metrics"
# A model and a class whose names would run a script if the page read them as markup.
EVIL = "<img src=x onerror='document.title=1'>"
EVIL_CLASS = "<script>document.title=2</script>"
# A PNG file of one black pixel, as base64.
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
Tensor = tuple[Any, ...]  # the dtype, the shape, and the name of the last dimension
IMAGE: Tensor = ("DT_FLOAT", (-1, 8, 8, 1), "pixels 0..1")


def note(**content: Any) -> str:
    return json.dumps(content)


def number(name: str) -> Tensor:
    return "DT_FLOAT", (-1,), note(column={"type": "number", "name": name, "least": 0, "most": 10})


def series(name: str) -> Tensor:
    prepared = {"kind": "series", "columns": [{"name": name, "least": 0, "most": 4}], "history": 4, "horizon": 2}
    return "DT_FLOAT", (-1, -1, 1), note(preparation=prepared)


def classes(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first class has the mean of the image as its probability."""
    p = next(iter(inputs.values())).mean((1, 2, 3))[:, None]
    p = np.concatenate([p, 1 - p], 1)
    labels = np.array([b"dark" if row[0] < 0.5 else EVIL_CLASS.encode() for row in p], object)
    return {"label": labels, "score": p.max(1), "probabilities": p.astype("f4")}


def fails(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    raise RuntimeError("no <b>memory</b>")


def nearest(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    count, words = int(inputs["count"]), inputs["word"]
    names = np.array([[f"near {word.decode()} {at}".encode() for at in range(count)] for word in words], object)
    return {"names": names, "similarities": np.tile(1 / (1 + np.arange(count, dtype="f4")), (len(words), 1))}


def generated(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    values = np.random.default_rng(int(inputs["seed"])).random((int(inputs["count"]), 8, 8, 1))
    return {"image": values.astype("f4")}


def objects(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """One object in the lower right quarter of a picture of 8 × 8 pixels, and a row without an object."""
    n = len(inputs["image"])
    return {
        "boxes": np.tile(np.array([[4, 4, 8, 8], [0, 0, 0, 0]], "f4"), (n, 1, 1)),
        "scores": np.tile(np.array([0.5, 0], "f4"), (n, 1)),
        "labels": np.tile(np.array([EVIL_CLASS.encode(), b""], object), (n, 1)),
        "count": np.ones(n, "i4"),
    }


def tags(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """The tag of a vowel is the first class. The score of the tag is 0.75."""
    texts = [each.decode() for each in inputs["text"]]
    length = max(map(len, texts))
    p = np.zeros((len(texts), length, 2), "f4")
    label = np.full((len(texts), length), b"", object)
    for at, text in enumerate(texts):
        for place, letter in enumerate(text):
            p[at, place] = (0.75, 0.25) if letter in "aeiou" else (0.25, 0.75)
            label[at, place] = EVIL_CLASS.encode() if letter in "aeiou" else b"dark"
    return {"label": label, "score": p.max(2), "probabilities": p}


def slow(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    SLOW_CALLS.append(inputs["x"].tolist())
    time.sleep(0.5)
    return {"y": inputs["x"]}


SLOW_CALLS: list[list[list[float]]] = []
CARD = {
    "summary": f"A model with {EVIL}.",
    "formula": "z = f(x)",
    "data": "digits",
    "figures": [{"words": "error", "value": "0.01", "yardsticks": [["PCA", "0.02"], [EVIL, "1"]]}],
    "pictures": [
        {"title": EVIL, "png": PIXEL},
        {"title": "not base64", "png": '" onerror="document.title=3'},
    ],
    "parameters": 1234,
    "layers": [
        {
            "name": "image",
            "type": "InputLayer",
            "shapes": [[None, 8, 8, 1]],
            "parameters": 0,
            "inputs": [],
            "group": "",
        },
        {"name": EVIL, "type": "Dense", "shapes": [[None, 3]], "parameters": 9, "inputs": [0], "group": "encoder"},
        {"name": "add", "type": "Add", "shapes": [[None, 3]], "parameters": 0, "inputs": [0, 1], "group": ""},
    ],
}
CLASSES = {
    "label": ("DT_STRING", (-1,)),
    "score": ("DT_FLOAT", (-1,)),
    "probabilities": ("DT_FLOAT", (-1, 2), note(labels={"names": [EVIL_CLASS, "dark"]})),
}
FLAGGED = ("DT_BOOL", (-1,), note(threshold={"value": 0.5, "false_alarm_rate": 0.05}))
SIZES = {"type": "category", "name": "size", "names": ["small", "large"]}
# model → signature → inputs, outputs, function
TABLE: dict[str, dict[str, tuple[dict[str, Tensor], dict[str, Tensor], Function]]] = {
    EVIL: {"classify": ({"image": IMAGE}, CLASSES, classes)},
    "autoencoder": {
        "denoise": ({"image": IMAGE}, {"denoised": IMAGE}, lambda x: {"denoised": x["image"] * np.float32(0.5)}),
        "encode": (
            {"image": IMAGE},
            {"code": ("DT_FLOAT", (-1, 3))},
            lambda x: {"code": np.tile(np.array([1, -2, 0.5], "f4"), (len(x["image"]), 1))},
        ),
        "decode": (
            {"code": ("DT_FLOAT", (-1, 3))},
            {"image": IMAGE},
            lambda x: {"image": np.broadcast_to(x["code"][:, :1, None, None], (len(x["code"]), 8, 8, 1))},
        ),
        "generate": ({"seed": ("DT_INT64", ()), "count": ("DT_INT32", ())}, {"image": IMAGE}, generated),
        "score": (
            {"image": IMAGE},
            {"score": ("DT_FLOAT", (-1,)), "anomaly": FLAGGED},
            lambda x: {"score": np.full(len(x["image"]), 0.75, "f4"), "anomaly": np.ones(len(x["image"]), bool)},
        ),
    },
    "objects": {
        "detect": (
            {"image": IMAGE},
            {
                "boxes": ("DT_FLOAT", (-1, 2, 4)),
                "scores": ("DT_FLOAT", (-1, 2)),
                "labels": ("DT_STRING", (-1, 2)),
                "count": ("DT_INT32", (-1,)),
            },
            objects,
        ),
        "segment": (
            {"image": IMAGE},
            {"mask": ("DT_INT32", (-1, 8, 8), note(labels={"names": ["ground", EVIL_CLASS]}))},
            lambda x: {"mask": np.tile(np.repeat([0, 1], 4).astype("i4"), (len(x["image"]), 8, 1))},
        ),
        "decode": (
            {"code": ("DT_FLOAT", (-1, 2))},
            {"image": IMAGE},
            lambda x: {"image": np.broadcast_to(x["code"][:, :1, None, None], (len(x["code"]), 8, 8, 1))},
        ),
    },
    "broken": {"serving_default": ({"x": ("DT_INT64", (-1, 2))}, {"y": ("DT_INT64", (-1, 2))}, fails)},
    "files": {
        "classify_png": (
            {"image_bytes": ("DT_STRING", (-1,), "pixels 0..1")},
            {"label": ("DT_STRING", (-1,))},
            lambda x: {"label": np.array([each[1:4] for each in x["image_bytes"]], object)},
        )
    },
    "numbers": {
        "serving_default": ({"x": ("DT_INT64", (-1, 2))}, {"y": ("DT_INT64", (-1, 2))}, lambda x: {"y": x["x"] + 7})
    },
    "series": {
        "forecast": (
            {"series": series("load")},
            {"forecast": ("DT_FLOAT", (-1, 2, 1))},
            lambda x: {"forecast": np.repeat(x["series"][:, -1:], 2, 1)},
        )
    },
    "huge": {
        "serving_default": ({"x": ("DT_STRING", (-1, 1000, 1000, 1000))}, {"y": ("DT_FLOAT", (-1,))}, fails),
        "constructor": ({"x": ("DT_FLOAT", (-1, 6000, 6000, 3))}, {"y": ("DT_FLOAT", (-1,))}, fails),
        "forecast": ({"x": ("DT_FLOAT", (-1, 100_000_000, 1))}, {"y": ("DT_FLOAT", (-1,))}, fails),
    },
    "note": {
        "classify": (
            {"image": IMAGE},
            {"probabilities": ("DT_FLOAT", (-1, 2), note(labels={"names": 7}))},
            classes,
        )
    },
    "slow": {"serving_default": ({"x": ("DT_FLOAT", (-1, 1))}, {"y": ("DT_FLOAT", (-1, 1))}, slow)},
    "table": {
        "regress_rows": (
            {"weight": number("weight"), "size": ("DT_STRING", (-1,), note(column=SIZES))},
            {"prediction": ("DT_FLOAT", (-1,))},
            lambda x: {"prediction": x["weight"] * (1 + (x["size"] == b"large")).astype("f4")},
        )
    },
    "many": {
        "embed": (
            {"image": IMAGE},
            {"embedding": ("DT_FLOAT", (-1, 100))},
            lambda x: {"embedding": np.tile(np.arange(-20, 80, dtype="f4"), (len(x["image"]), 1))},
        ),
        "classify": (
            {"image": IMAGE},
            {"probabilities": ("DT_FLOAT", (-1, 60))},
            lambda x: {"probabilities": np.tile(np.arange(60, dtype="f4") / 1770, (len(x["image"]), 1))},
        ),
    },
    "tags": {
        "tag_text": (
            {"text": ("DT_STRING", (-1,))},
            {
                "label": ("DT_STRING", (-1, -1)),
                "score": ("DT_FLOAT", (-1, -1)),
                "probabilities": ("DT_FLOAT", (-1, -1, 2), CLASSES["probabilities"][2]),
            },
            tags,
        ),
        "predict": (
            {"text": ("DT_STRING", (-1,))},
            {"p": ("DT_FLOAT", (-1, -1, 2), CLASSES["probabilities"][2])},
            lambda x: {"p": tags(x)["probabilities"]},
        ),
    },
    "words": {
        "nearest": (
            {"word": ("DT_STRING", (-1,)), "count": ("DT_INT32", ())},
            {"names": ("DT_STRING", (-1, -1)), "similarities": ("DT_FLOAT", (-1, -1))},
            nearest,
        ),
        "analogy": (
            {**{word: ("DT_STRING", (-1,)) for word in "abc"}, "count": ("DT_INT32", ())},
            {"names": ("DT_STRING", (-1, -1)), "similarities": ("DT_FLOAT", (-1, -1))},
            lambda x: nearest({"word": x["b"], "count": x["count"]}),
        ),
        "translate": (
            {"text": ("DT_STRING", (-1,))},
            {"text": ("DT_STRING", (-1,))},
            lambda x: {"text": np.array([each[::-1] for each in x["text"]], object)},
        ),
    },
}
TABLE["known series"] = TABLE["series"]
TABLE["unused"] = TABLE["broken"]


def _fill(infos: Any, tensors: Mapping[str, Tensor]) -> None:
    for key, (dtype, sizes, *name) in tensors.items():
        infos[key].name = f"{key}:0"
        infos[key].dtype = (
            messages.TensorProto.DESCRIPTOR.fields_by_name["dtype"].enum_type.values_by_name[dtype].number
        )
        for size in sizes:
            infos[key].tensor_shape.dim.add(size=size)
        if name:
            infos[key].tensor_shape.dim[-1].name = name[0]


def served_models() -> ServedModels:
    """Returns the models of `TABLE`. "numbers" has two versions: the higher one adds 7, the other one adds 1."""
    table = {}
    for name, signatures in TABLE.items():
        graph = messages.MetaGraphDef()
        for key, (inputs, outputs, _) in signatures.items():
            graph.signature_def[key].method_name = "tensorflow/serving/predict"
            _fill(graph.signature_def[key].inputs, inputs)
            _fill(graph.signature_def[key].outputs, outputs)
        definitions = signatures_of(graph)
        versions = {2: {key: signatures[key][2] for key in signatures}}
        if name == "numbers":
            versions[1] = {"serving_default": lambda x: {"y": x["x"] + 1}}
        table[name] = ServedModel(
            {
                number: Servable(
                    name, number, graph, {key: Signature(definitions[key], Runner(run)) for key, run in runs.items()}
                )
                for number, runs in versions.items()
            }
        )
    models = ServedModels()
    models.publish(table)
    return models


class Control:
    """The control of the server. `more` are models that are still loading."""

    def __init__(self) -> None:
        self.more: list[ModelStatus] = []
        self.server: FrontServer | None = None

    async def status(self, name: str, version: int | None = None) -> list[VersionStatus]:
        numbers = [2, 1] if name == "numbers" else [2]
        return [VersionStatus(number, State.AVAILABLE) for number in numbers if version in (None, number)]

    async def models(self) -> list[ModelStatus]:
        return [*[ModelStatus(name, await self.status(name)) for name in TABLE], *self.more]

    async def metrics(self) -> str:
        assert self.server
        return prometheus.text(self.server.metrics.snapshot())


MANY = {"name": "x", "type": "Dense", "shapes": [[None, 3]], "parameters": 1, "inputs": [0] * 60_000, "group": ""}
HUGE_CARD = {"layers": [MANY] * 30, "pictures": [{"title": "x", "png": PIXEL}] * 20_000, "parameters": 1}
BROKEN_CARD = {
    **{"summary": {}, "formula": [], "figures": 3, "pictures": [None], "layers": [{"inputs": None}, 7]},
    "inputs": {"series": [[1], ["x"]]},
}
WORDS_CARD = {"inputs": {"word": [EVIL, "king"], "text": 7}}
SERIES_CARD = {"inputs": {"series": [[1], [2.5], [4]]}}


async def card_of(spec: ModelSpec) -> bytes:
    cards = {"autoencoder": CARD, "series": BROKEN_CARD, "huge": HUGE_CARD}
    cards |= {"words": WORDS_CARD, "known series": SERIES_CARD}
    if spec.name not in cards:
        raise NotFound("This version has no card.")
    return json.dumps(cards[spec.name]).encode()


def page_server(**options: Any) -> FrontServer:
    control = Control()
    paths = routes(METRICS)
    rest = {"metrics_path": METRICS, "routes": paths, "public": paths, "card": card_of}
    control.server = FrontServer(served_models(), control, rest=rest, **options)
    return control.server

"""Tests of models for time series, texts and words on a real server, over gRPC and REST."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
import pytest
from keras_gallery.serving.client import Client
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.launcher import ServerProcess
from keras_gallery.serving.ports import free_port
from keras_gallery.serving.quiet import quiet_import

LABELS = ["bad", "so-so", "good"]
PERIOD, STEPS = 4, 9
TEXTS_TO_TRY = ["", "Don't", "žluťoučký 🙂", "a\tb\n", "A GREAT film"]


@dataclass
class Texts:
    """The Keras models by name, the endpoints of each model by name, and a server with all models."""

    models: dict[str, Any]
    endpoints: dict[str, Any]
    server: ServerProcess

    def ask(self, model: str, signature: str, **inputs: Any) -> dict[str, Any]:
        """Calls the Python function of a signature, without the server. Returns the outputs by name."""
        import tensorflow as tf

        endpoint = self.endpoints[model][signature]
        tensors = [tf.constant(inputs[spec.name], spec.dtype) for spec in endpoint.inputs]
        return {name: value.numpy() for name, value in endpoint.function(*tensors).items()}

    def texts(self, model: str, signature: str, **inputs: Any) -> list[str]:
        return [each.decode() for each in self.ask(model, signature, **inputs)["text"]]


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory, server_kind: str) -> Iterator[Texts]:
    with quiet_import():
        import keras
        from keras_gallery.serving.export.writing import export
        from keras_gallery.serving.signatures import endpoints

        from .. import text_models
    keras.utils.set_random_seed(0)
    root = tmp_path_factory.mktemp("texts")
    names = ("reviews", "spelling", "captions", "places", "tags", "words")
    models = {"series": text_models.forecaster(PERIOD)} | {name: getattr(text_models, name)() for name in names}
    options: dict[str, dict[str, Any]] = {name: {"texts": text_models.TEXTS[name]} for name in names}
    options["reviews"]["labels"] = options["tags"]["labels"] = LABELS
    bases = {name: export(model, name, root, **options.get(name, {})).parent for name, model in models.items()}
    functions = {name: endpoints(model, **options.get(name, {})) for name, model in models.items()}
    with ServerProcess(server_kind, bases, log=root / "log", port=free_port(), rest_port=free_port()) as server:
        server.wait_until_ready()
        yield Texts(models, functions, server)


@pytest.fixture(params=["grpc", "rest"])
def client(request: pytest.FixtureRequest, texts: Texts) -> Iterator[Client]:
    with Client(getattr(texts.server, request.param), timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def history() -> Any:
    return np.random.default_rng(0).standard_normal((3, STEPS, 2)).astype(np.float32)


# === Series ===


@pytest.mark.parametrize("steps", [PERIOD + 1, STEPS])
def test_forecast(client: Client, texts: Texts, history: Any, steps: int) -> None:
    want = texts.models["series"].predict(history[:, :steps], verbose=0)
    np.testing.assert_allclose(client.forecast("series", history[:, :steps]), want, atol=1e-4)
    np.testing.assert_allclose(client.predict("series", history[:, :steps])["forecast"], want, atol=1e-4)


def test_forecasts_of_different_lengths(client: Client, texts: Texts, history: Any) -> None:
    lengths = [STEPS, PERIOD + 1, STEPS - 1]
    series = [each[:length] for each, length in zip(history, lengths, strict=True)]
    want = [texts.models["series"].predict(each[None], verbose=0)[0] for each in series]
    np.testing.assert_allclose(client.forecast("series", series), want, atol=1e-4)
    np.testing.assert_allclose(client.forecast("series", [each.tolist() for each in series]), want, atol=1e-4)
    np.testing.assert_allclose(client.forecast("series", history, lengths), want, atol=1e-4)


def test_a_history_that_is_too_short(client: Client, history: Any) -> None:
    for signature in ("serving_default", "forecast"):  # every engine must raise InvalidArgument
        with pytest.raises(InvalidArgument):
            client.predict("series", history[:, :PERIOD], signature=signature)
    with pytest.raises(InvalidArgument, match=r"Expected lengths from 5 to 9. Received: \[4\]"):
        client.forecast("series", history, [STEPS, PERIOD, PERIOD])
    with pytest.raises(InvalidArgument, match=r"^The sequences differ in the shape of their steps: \[\("):
        client.forecast("series", [np.zeros((5, 2)), np.zeros((6, 3))])


# === Texts ===


def test_classify_text(client: Client, texts: Texts) -> None:
    want = texts.ask("reviews", "classify_text", text=TEXTS_TO_TRY)
    for got in (client.classify_text("reviews", TEXTS_TO_TRY), client.classify("reviews", TEXTS_TO_TRY)):
        np.testing.assert_allclose(got.probabilities, want["probabilities"], atol=1e-4)
        assert got.labels == [LABELS[p.argmax()] for p in want["probabilities"]]
    assert client.classify_text("reviews", "a film").labels == client.classify_text("reviews", ["a film"]).labels
    embedding = texts.ask("reviews", "embed_text", text=TEXTS_TO_TRY)["embedding"]
    np.testing.assert_allclose(client.embed("reviews", TEXTS_TO_TRY), embedding, atol=1e-4)


def test_token_ids(client: Client, texts: Texts) -> None:
    ids = np.array([[7, 2, 0], [3, 1, 11]])
    want = texts.models["reviews"].predict(ids, verbose=0)
    np.testing.assert_allclose(client.classify("reviews", ids).probabilities, want, atol=1e-4)
    np.testing.assert_allclose(client.predict("reviews", ids)["probabilities"], want, atol=1e-4)
    with pytest.raises(InvalidArgument):
        client.classify("reviews", ids + 100)


def test_translate(client: Client, texts: Texts) -> None:
    want = texts.texts("spelling", "translate", text=TEXTS_TO_TRY)
    assert client.translate("spelling", TEXTS_TO_TRY) == want
    assert client.pronounce("spelling", TEXTS_TO_TRY) == want
    assert client.translate("spelling", "Don't") == want[1:2]
    assert len(set(want)) > 1


def test_tag(client: Client, texts: Texts) -> None:
    want = texts.ask("tags", "tag_text", text=TEXTS_TO_TRY)
    tagged = client.tag("tags", TEXTS_TO_TRY)
    for text, got, label, score, p in zip(
        TEXTS_TO_TRY, tagged, want["label"], want["score"], want["probabilities"], strict=True
    ):
        count = len(text)
        assert got.labels == [each.decode() for each in label[:count]] and not any(label[count:])
        np.testing.assert_allclose(got.scores, score[:count], atol=1e-4)
        np.testing.assert_allclose(got.probabilities, p[:count], atol=1e-4)
    assert len({label for each in tagged for label in each.labels}) > 1
    assert client.tag("tags", "Don't")[0].labels == tagged[1].labels
    ids = np.array([[5, 16, 15, 28, 21], [2, 3, 0, 0, 0]], np.int32)  # "don't" and "ab"
    by_ids = client.tag("tags", ids)
    assert by_ids[0].labels == tagged[1].labels and len(by_ids[1].labels) == 2


def test_tag_step_by_step(client: Client) -> None:
    words = ["don't", "abcde"]
    whole, state = client.tag("tags", words), None
    for at, letters in enumerate(zip(*words, strict=True)):
        answer, state = client.step("tags", list(letters), state)
        assert set(answer) == {"label", "score", "probabilities"} and set(state) == {"state_1", "state_2"}
        for row, tags in enumerate(whole):
            assert answer["label"][row] == tags.labels[at].encode()
            np.testing.assert_allclose(answer["probabilities"][row], tags.probabilities[at], atol=1e-4)
    again, _ = client.step("tags", np.array([5, 2], np.int32))
    np.testing.assert_allclose(again["probabilities"][0], whole[0].probabilities[0], atol=1e-4)


def test_bytes_that_are_not_utf8(client: Client) -> None:
    answer = client.predict("spelling", np.array([b"\xff\xfe", b"a\x00b"], object), signature="translate")
    assert len(answer["text"]) == 2


def test_beam_search(client: Client, texts: Texts, images: Any, png_files: list[bytes]) -> None:
    for model, task, name, forms in (
        ("spelling", "translate", "text", (TEXTS_TO_TRY,)),
        ("captions", "caption", "image", (images, png_files)),
    ):
        want = texts.ask(model, f"{task}_beam", **{name: forms[0]}, beam=3)
        for each in forms:
            assert getattr(client, task)(model, each, beam=3) == [text.decode() for text in want["text"]]
            found = client.generate_texts(model, each, 3, task=task)
            assert found.texts == [[text.decode() for text in row] for row in want["texts"]]
            np.testing.assert_allclose(found.scores, want["scores"], rtol=1e-4)
    assert client.pronounce("spelling", "Don't", beam=1) == client.pronounce("spelling", "Don't")
    for beam in (0, 17):
        with pytest.raises(InvalidArgument, match=f"Expected a beam from 1 to 16. Received: {beam}"):
            client.translate("spelling", "film", beam=beam)


def test_caption(client: Client, texts: Texts, images: Any, png_files: list[bytes]) -> None:
    want = texts.texts("captions", "caption", image=images)
    assert client.caption("captions", images) == want and client.caption("captions", png_files) == want


# === Words and categories ===


def test_nearest_and_embed(client: Client, texts: Texts) -> None:
    want = texts.ask("words", "nearest", word=["good", "FILM"], count=3)
    got = client.nearest("words", ["good", "FILM"], 3)
    assert got.names == [[name.decode() for name in row] for row in want["names"]]
    np.testing.assert_allclose(got.similarities, want["similarities"], atol=1e-5)
    assert client.nearest("words", "good").names[0][:3] == got.names[0]
    rows = np.asarray(texts.models["words"].get_layer("embedding").embeddings)
    np.testing.assert_allclose(client.embed("words", ["a", "?"]), rows[[2, 1]], atol=1e-6)


def test_analogy(client: Client, texts: Texts) -> None:
    want = texts.ask("words", "analogy", a=["good", "a"], b=["GREAT", "film"], c=["bad", "the"], count=3)
    got = client.analogy("words", ["good", "a"], ["GREAT", "film"], ["bad", "the"], 3)
    assert got.names == [[name.decode() for name in row] for row in want["names"]]
    np.testing.assert_allclose(got.similarities, want["similarities"], atol=1e-5)
    assert client.analogy("words", "good", "great", "bad").names[0][:3] == got.names[0]
    with pytest.raises(InvalidArgument, match="Expected a word that the model knows. Received: zebra"):
        client.analogy("words", "good", "zebra", "bad")


def test_invalid_requests_to_nearest(client: Client) -> None:
    with pytest.raises(InvalidArgument, match="Expected a word that the model knows. Received: zebra") as caught:
        client.nearest("words", ["good", "zebra", "lion"])
    assert "\n" not in str(caught.value)
    with pytest.raises(InvalidArgument, match="Expected a count from 1 to 1024. Received: 0"):
        client.nearest("words", "good", 0)
    with pytest.raises(InvalidArgument, match="Expected a signature of words: .*. Received: nearest_city"):
        client.nearest("words", "good", field="city")


def test_categories(client: Client, texts: Texts) -> None:
    named = {"country": ["Peru", "Atlantis"], "city": ["Paris", "Lima"]}
    want = texts.models["places"].predict(np.array([[5, 3], [1, 2]]), verbose=0)
    with pytest.warns(UserWarning, match="Atlantis"):
        np.testing.assert_allclose(client.regress("places", named), want, atol=1e-4)
    assert set(client.nearest("places", "Lima", field="city").names[0]) == {"Paris", "Wellington"}
    rows = np.asarray(texts.models["places"].get_layer("field_1").embeddings)
    np.testing.assert_allclose(client.embed("places", "Côte d'Ivoire", field="country"), rows[[2]], atol=1e-6)


# === JSON over REST ===


BODIES: dict[str, tuple[str, Any]] = {
    "list of texts": ("reviews", {"signature_name": "classify_text", "instances": ["a film", ""]}),
    "input names": ("spelling", {"signature_name": "pronounce", "instances": [{"text": "film"}, {"text": "žába"}]}),
    "two inputs": ("places", {"signature_name": "regress", "instances": [{"country": "Peru", "city": "Lima"}] * 2}),
}


@pytest.mark.parametrize("case", BODIES)
def test_rest(texts: Texts, case: str) -> None:
    model, body = BODIES[case]
    answer = httpx.post(f"{texts.server.rest}/v1/models/{model}:predict", json=body, timeout=60)
    assert answer.status_code == 200 and len(answer.json()["predictions"]) == 2, answer.text

"""Tests the signatures of models of texts and words. The expected outputs come from plain Python and Keras calls."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras_gallery.preparation.description import CategoryColumn
from keras_gallery.preparation.splits import END, PADDING, START
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.signatures import Endpoint, endpoints
from keras_gallery.serving.signatures.text_generator import MAX_STEPS
from keras_gallery.serving.steps.tokens import MAX_SHOWN
from keras_gallery.training.data import tokens as plain

from ...preparation.random_decoder import plain_beam_search
from .. import text_models
from ..text_models import CITIES, TEXTS, WORDS


def run(endpoint: Endpoint, **inputs: Any) -> dict[str, Any]:
    tensors = [tf.constant(inputs[spec.name], spec.dtype) for spec in endpoint.inputs]
    return {name: value.numpy() for name, value in endpoint.function(*tensors).items()}


def in_graph(endpoint: Endpoint) -> Endpoint:
    """Returns the endpoint as a graph, as in an export. Loops are faster in a graph than in eager execution."""
    return dataclasses.replace(endpoint, function=tf.function(endpoint.function, input_signature=endpoint.inputs))


# === Signatures ===

DEFAULT = {"serving_default"}
CASES: dict[str, tuple[Any, Any, set[str]]] = {
    "classifier": (text_models.reviews, TEXTS["reviews"], {"classify", "embed", "classify_text", "embed_text"}),
    "classifier of ids": (text_models.reviews, None, {"classify", "embed"}),
    "translator": (
        text_models.spelling,
        TEXTS["spelling"],
        {"translate", "pronounce", "translate_beam", "pronounce_beam"},
    ),
    "translator to words": (
        text_models.spelling,
        {**TEXTS["spelling"], "output": {**TEXTS["spelling"]["output"], "split": "words"}},
        {"translate", "translate_beam"},
    ),
    "translator of ids": (text_models.spelling, None, set()),
    "captioner": (
        text_models.captions,
        TEXTS["captions"],
        {"caption", "caption_png", "caption_beam", "caption_beam_png"},
    ),
    "categories": (
        text_models.places,
        TEXTS["places"],
        {"regress", "regress_rows", "embed_country", "embed_city", "nearest_country", "nearest_city"},
    ),
    "categories as ids": (text_models.places, None, {"regress"}),
    "words": (text_models.words, TEXTS["words"], {"embed", "nearest", "analogy"}),
    "words as ids": (text_models.words, None, set()),
}


@pytest.mark.parametrize("case", CASES)
def test_signatures(case: str) -> None:
    make, texts, expected = CASES[case]
    signatures = endpoints(make(), texts=texts)
    assert set(signatures) == DEFAULT | expected and next(iter(signatures)) == "serving_default"
    for endpoint in signatures.values():
        answers = run(endpoint, **endpoint.example(2))
        assert all(len(answer) == 2 for answer in answers.values())
    assert not any(spec.dtype == tf.string for spec in signatures["serving_default"].inputs)


@pytest.mark.parametrize(
    ("make", "role"),
    [
        (text_models.reviews, "text"),
        (text_models.spelling, "text"),
        (text_models.spelling, "output"),
        (text_models.places, "city"),
        (text_models.words, "word"),
    ],
)
def test_a_wrong_number_of_names(make: Any, role: str) -> None:
    texts = TEXTS[make.__name__]
    names = texts[role]["names"]
    short = {**texts, role: {**texts[role], "names": names[:-1]}}
    with pytest.raises(InvalidArgument, match=f"^Expected {len(names)} names for {role}. Received: {len(names) - 1}$"):
        endpoints(make(), texts=short)


# === Classifiers ===


def test_classify_text() -> None:
    keras.utils.set_random_seed(0)
    model = text_models.reviews()
    signatures = endpoints(model, labels=["bad", "so-so", "good"], texts=TEXTS["reviews"])
    texts = ["A GREAT film!", "terrible", "", "the film was very, very good; don't", "nobody knows"]
    tokens = plain.Tokens(tuple(WORDS), "words")
    alone = [model.predict(tokens.ids([text], max(1, len(text.split()))), verbose=0)[0] for text in texts]
    got = run(signatures["classify_text"], text=texts)
    np.testing.assert_allclose(got["probabilities"], alone, atol=1e-6)
    assert [label.decode() for label in got["label"]] == [["bad", "so-so", "good"][p.argmax()] for p in alone]
    ids = tokens.ids(texts)
    np.testing.assert_allclose(run(signatures["classify"], ids=ids)["probabilities"], alone, atol=1e-6)
    embedded = run(signatures["embed_text"], text=texts)["embedding"]
    np.testing.assert_allclose(embedded, run(signatures["embed"], ids=ids)["embedding"], atol=1e-6)
    assert np.ptp(alone, axis=0).min() > 0.01


# === Text generators ===


def in_python(model: keras.Model, source: Any, tokens: plain.Tokens) -> list[str]:
    """Returns a text for each source. A Python loop calls the Keras model once per token."""
    encoder, decoder = model.get_layer("encoder"), tf.function(model.get_layer("decoder"))
    texts = []
    for one in source:
        encoded = encoder(one[None])
        states, ids = encoded if isinstance(encoded, list) else [encoded], [START]
        for _ in range(MAX_STEPS):
            p, *states = decoder([tf.constant([ids[-1:]]), *map(tf.convert_to_tensor, states)])
            ids.append(int(np.argmax(p[0, 0])))
            if ids[-1] in (PADDING, END):
                break
        texts += tokens.texts(np.array([ids]))
    return texts


def with_end_bias(model: keras.Model, bias: float) -> keras.Model:
    """Makes padding and the start token unlikely, and sets the bias of the end token. Returns the model."""
    layer = model.get_layer("decoder").layers[-1]
    layer.bias.assign(np.array([-20, 0, -20, bias] + [0] * (layer.bias.shape[0] - 4)))
    return model


class KerasDecoder:
    """The decoder of a Keras model, for `plain_beam_search`."""

    def __init__(self, model: keras.Model) -> None:
        decoder = model.get_layer("decoder")
        ids = tf.TensorSpec((1, None), tf.int32)
        specs = [tf.TensorSpec((1, *each.shape[1:])) for each in decoder.inputs[1:]]
        self._decoder = tf.function(lambda *inputs: decoder(list(inputs))[0][0], input_signature=[ids, *specs])
        self.tokens = decoder.outputs[0].shape[-1]

    def score(self, states: list[Any], text: tuple[int, ...], length: int) -> float:
        p = self._decoder(tf.constant([[START, *text[:-1]]]), *states).numpy()  # (steps, tokens)
        return float(np.log(p[np.arange(len(text)), text], dtype=np.float64).sum())


@pytest.mark.parametrize("cell", [keras.layers.GRU, keras.layers.LSTM])
def test_translate_with_beam_search(cell: Any) -> None:
    keras.utils.set_random_seed(1)
    model = with_end_bias(text_models.spelling(cell), 3)
    texts, beam = ["abc", "Xyzzy", "q"], 3
    text, output = (plain.Tokens(tuple(each["names"]), each["split"]) for each in TEXTS["spelling"].values())
    endpoint = in_graph(endpoints(model, texts=TEXTS["spelling"])["translate_beam"])
    got = run(endpoint, text=texts, beam=beam)
    for row, one in enumerate(texts):
        states = model.get_layer("encoder")(text.ids([one], len(one)))
        states = list(states) if isinstance(states, list) else [states]
        want = plain_beam_search(KerasDecoder(model), states, MAX_STEPS, beam)
        shown = [output.texts(np.array([ids]))[0] for _, ids in want]
        assert [each.decode() for each in got["texts"][row]] == shown and got["text"][row].decode() == shown[0]
        np.testing.assert_allclose(got["scores"][row], [score for score, _ in want], rtol=1e-5)
        assert got["score"][row] == got["scores"][row, 0]
    assert len(set(got["texts"].ravel())) > 3
    one = run(endpoint, text=texts, beam=1)
    greedy = run(in_graph(endpoints(model, texts=TEXTS["spelling"])["translate"]), text=texts)
    np.testing.assert_array_equal(one["text"], greedy["text"])


@pytest.mark.parametrize("cell", [keras.layers.GRU, keras.layers.LSTM])
@pytest.mark.parametrize("bias", [-20, 0.5, 20])
def test_translate(cell: Any, bias: float) -> None:
    keras.utils.set_random_seed(1)
    model = with_end_bias(text_models.spelling(cell), bias)
    texts = ["abc", "", "Xyzzy", "é", "don't", "encyclopaedia", "q", "zz"]
    text, output = (plain.Tokens(tuple(each["names"]), each["split"]) for each in TEXTS["spelling"].values())
    want = in_python(model, [text.ids([each], max(1, len(each)))[0] for each in texts], output)
    signatures = {name: in_graph(each) for name, each in endpoints(model, texts=TEXTS["spelling"]).items()}
    for name in ("translate", "pronounce"):
        assert [each.decode() for each in run(signatures[name], text=texts)["text"]] == want
    assert [each.decode() for each in run(signatures["translate"], text=texts[2:3])["text"]] == want[2:3]
    lengths = {len(each.split()) for each in want}
    assert lengths == {-20: {MAX_STEPS}, 20: {0}}.get(bias, lengths)
    assert bias == 20 or len(set(want)) > 1


def test_caption() -> None:
    keras.utils.set_random_seed(4)
    model = text_models.captions()
    images = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 1), np.uint8)
    tokens = plain.Tokens(tuple(TEXTS["captions"]["output"]["names"]), "characters")
    want = in_python(model, images.astype(np.float32) / 255, tokens)
    signatures = {name: in_graph(each) for name, each in endpoints(model, texts=TEXTS["captions"]).items()}
    assert [each.decode() for each in run(signatures["caption"], image=images / 255)["text"]] == want
    files = [tf.io.encode_png(image).numpy() for image in images]
    assert [each.decode() for each in run(signatures["caption_png"], image_bytes=files)["text"]] == want
    assert len(set(want)) > 1


# === Words and categories ===


def test_nearest_uses_the_cosine_similarity() -> None:
    keras.utils.set_random_seed(0)
    model = text_models.words()
    signatures = endpoints(model, texts=TEXTS["words"])
    vectors = np.asarray(model.get_layer("embedding").embeddings, np.float64)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    got = run(signatures["nearest"], word=["Great", "bad"], count=4)
    for word, names, similarities in zip(["great", "bad"], got["names"], got["similarities"], strict=True):
        cosines = unit[2:] @ unit[WORDS.index(word) + 2]
        order = [at for at in np.argsort(-cosines) if WORDS[at] != word][:4]
        assert [name.decode() for name in names] == [WORDS[at] for at in order]
        np.testing.assert_allclose(similarities, cosines[order], atol=1e-6)
    np.testing.assert_array_equal(
        run(signatures["embed"], word=["GREAT", "?"])["embedding"], vectors[[7, 1]].astype("f")
    )


def test_analogies() -> None:
    keras.utils.set_random_seed(0)
    model = text_models.words()
    analogy = endpoints(model, texts=TEXTS["words"])["analogy"]
    vectors = np.asarray(model.get_layer("embedding").embeddings, np.float64)
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True))[2:]
    asked = [("good", "great", "bad"), ("film", "film", "the")]
    a, b, c = zip(*asked, strict=True)
    got = run(analogy, a=list(a), b=["GREAT", "film"], c=list(c), count=4)
    assert b == ("great", "film")
    for words, names, similarities in zip(asked, got["names"], got["similarities"], strict=True):
        first, second, third = (unit[WORDS.index(word)] for word in words)
        wanted = second - first + third
        cosines = unit @ wanted / np.linalg.norm(wanted)
        order = [at for at in np.argsort(-cosines) if WORDS[at] not in words][:4]
        assert [name.decode() for name in names] == [WORDS[at] for at in order]
        np.testing.assert_allclose(similarities, cosines[order], atol=1e-6)
    assert run(analogy, a=["a"], b=["bad"], c=["film"], count=1024)["names"].shape == (1, len(WORDS) - 3)
    for word in "abc":
        with pytest.raises(
            tf.errors.InvalidArgumentError, match="Expected a word that the model knows. Received: zebra"
        ):
            run(analogy, **{**dict.fromkeys("abc", ["film"]), word: ["zebra"]}, count=1)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Expected a count from 1 to 1024. Received: 0"):
        run(analogy, a=["a"], b=["bad"], c=["film"], count=0)


def test_three_words_have_no_analogies() -> None:
    word, candidates = (
        keras.Input((each,), dtype="int32", name=name) for each, name in ((1, "word"), (None, "candidates"))
    )
    tables = [keras.layers.Embedding(5, 2, name=name) for name in ("output_embedding", "embedding")]
    products = keras.layers.Dot((2, 1))([tables[0](candidates), keras.layers.Flatten()(tables[1](word))])
    scores = keras.layers.Activation("sigmoid", name="scores")(products)
    model = keras.Model({"word": word, "candidates": candidates}, scores)
    found = endpoints(model, texts={"word": {"names": ["a", "b", "c"], "split": "words"}})
    assert found.keys() == {"serving_default", "embed", "nearest"}


def test_a_count_larger_than_the_number_of_words() -> None:
    signatures = endpoints(text_models.words(), texts=TEXTS["words"])
    got = run(signatures["nearest"], word=["film"], count=1024)
    assert sorted(got["names"][0].tolist()) == sorted(word.encode() for word in WORDS if word != "film")
    assert run(signatures["nearest"], word=np.array([], object), count=3)["names"].shape == (0, 3)


@pytest.mark.parametrize("count", [-(1 << 31), -1, 0, 1025, (1 << 31) - 1])
def test_counts_out_of_range(count: int) -> None:
    signatures = endpoints(text_models.words(), texts=TEXTS["words"])
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"Expected a count from 1 to 1024. Received: {count}"):
        run(signatures["nearest"], word=["film"], count=count)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["film", "Zebra", "lion"], "Zebra"),
        (["two words"], "two words"),
        ([""], ""),
        (["é" * 1000], "é" * MAX_SHOWN),
        (["two\nlines"], "two\ufffdlines"),
        ([b"\xff\xfe"], "\ufffd\ufffd"),
    ],
)
def test_unknown_words_are_shown_in_the_error(words: Any, shown: str) -> None:
    nearest = endpoints(text_models.words(), texts=TEXTS["words"])["nearest"]
    graph = tf.function(nearest.function, input_signature=nearest.inputs)
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        graph(tf.constant(words), tf.constant(1))
    assert f"[Expected a word that the model knows. Received: {shown}]" in str(caught.value)


def test_categories() -> None:
    keras.utils.set_random_seed(0)
    model = text_models.places()
    signatures = endpoints(model, texts=TEXTS["places"])
    countries, cities = ["Peru", "peru", "Côte d'Ivoire"], ["Lima", "Paris", "nowhere"]
    ids = np.array([[5, 2], [1, 3], [2, 1]], np.int32)
    want = model.predict(ids, verbose=0)
    np.testing.assert_allclose(
        run(signatures["regress"], country=countries, city=cities)["prediction"], want, atol=1e-6
    )
    np.testing.assert_allclose(run(signatures["serving_default"], ids=ids)["prediction"], want, atol=1e-6)
    rows = np.asarray(model.get_layer("field_2").embeddings)
    np.testing.assert_array_equal(run(signatures["embed_city"], city=cities)["embedding"], rows[[2, 3, 1]])
    names = run(signatures["nearest_city"], city=["Lima"], count=10)["names"]
    assert {name.decode() for name in names[0]} == set(CITIES) - {"Lima"}
    with pytest.raises(tf.errors.InvalidArgumentError):
        run(signatures["nearest_city"], city=["nowhere"], count=1)
    # The notes say which categories the model knows, and where it takes others.
    notes = {name: endpoint.notes for name, endpoint in signatures.items()}
    known = CategoryColumn("city", tuple(CITIES))
    assert notes["nearest_city"] == {"city": known}
    assert notes["embed_city"]["city"] == notes["regress"]["city"] == dataclasses.replace(known, takes_others=True)
    blank = run(signatures["regress"], country=[" Peru"], city=["Lima "])["prediction"]
    np.testing.assert_array_equal(blank, run(signatures["regress"], country=["Peru"], city=["Lima"])["prediction"])
    country, city = TEXTS["places"].values()
    signatures = endpoints(model, texts={"country": country, "Count": city})  # `nearest` has an input `count`
    names = run(signatures["nearest_Count"], column_1=["Lima"], count=10)["names"]
    assert {name.decode() for name in names[0]} == set(CITIES) - {"Lima"}
    np.testing.assert_array_equal(run(signatures["embed_Count"], column_1=["Lima"])["embedding"], rows[[2]])

"""Tests of the output of the commands for texts, words, captions and series, with a fake client."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_gallery.cli.main import main
from keras_gallery.serving import client
from keras_gallery.serving.client import Neighbours
from keras_gallery.serving.wire.tensor import string_array
from PIL import Image

from .fake_client import FLOAT, INT, TEXT, FakeClient, signature

IMAGE = ((-1, 4, 4, 1), FLOAT)
SCALAR = ((), INT)
SIGNATURES = [
    *(signature(name, {"text": TEXT}, ["text"]) for name in ("translate", "pronounce")),
    signature("classify_text", {"text": TEXT}, ["label", "score"]),
    signature("tag", {"ids": ((-1, -1), FLOAT)}, ["label", "score"]),
    signature("tag_text", {"text": TEXT}, ["label", "score"]),
    signature("caption", {"image": IMAGE}, ["text"], "0..1"),
    signature("caption_png", {"image_bytes": TEXT}, ["text"], "0..1"),
    *(
        signature(f"{name}_beam", {"text": TEXT, "beam": SCALAR}, ["text", "score", "texts", "scores"])
        for name in ("translate", "pronounce")
    ),
    signature("caption_beam", {"image": IMAGE, "beam": SCALAR}, ["text", "score"], "0..1"),
    signature("caption_beam_png", {"image_bytes": TEXT, "beam": SCALAR}, ["text", "score"], "0..1"),
    signature("forecast", {"history": ((-1, -1, 1), FLOAT)}, ["forecast"]),
    signature("embed", {"word": TEXT}, ["embedding"]),
    signature("nearest_city", {"city": TEXT}, ["category", "similarity"]),
    signature("analogy", {"a": TEXT, "b": TEXT, "c": TEXT}, ["names", "similarities"]),
]


def answer(name: str, inputs: Any) -> dict[str, Any]:
    if name == "forecast":
        return {"forecast": inputs[:, -2:] * 10}
    if "_beam" in name:
        (values,) = (array for key, array in inputs.items() if key != "beam")
        beam, count = inputs["beam"], len(values)
        return {
            "text": string_array([f"{name} {values.dtype}".encode()] * count),
            "score": np.full(count, -beam / 8),
            "texts": string_array([b"t"] * beam * count).reshape(count, beam),
            "scores": np.zeros((count, beam)),
        }
    if name.startswith("caption"):
        return {"text": string_array([str(inputs.dtype).encode()] * len(inputs))}
    texts = [each.decode() for each in inputs.tolist()]
    if name == "classify_text":
        return {
            "label": string_array([text[:1].encode() for text in texts]),
            "score": [1 / len(text) for text in texts],
        }
    if name == "tag_text":  # the tag of a character is the next letter, and the score falls from character to character
        time = max(map(len, texts))
        tags = [[chr(ord(each) + 1).encode() for each in text] + [b""] * (time - len(text)) for text in texts]
        scores = [[1 / at if at <= len(text) else 0 for at in range(1, time + 1)] for text in texts]
        return {"label": string_array(sum(tags, [])).reshape(len(texts), time), "score": scores}
    if name == "embed":
        return {"embedding": [[len(text), 0.5] for text in texts]}
    made = [text.upper() if name == "translate" else " ".join(text) for text in texts]
    return {"text": string_array([each.encode() for each in made])}


class TextClient(FakeClient):
    """A client of models of texts and series."""

    def __init__(self, target: str, timeout: float, token: str | None) -> None:
        assert target == "localhost:8500" and token is None
        super().__init__(SIGNATURES, answer)

    def nearest(self, model: str, words: list[str], count: int, *, field: str | None) -> Neighbours:
        similarities = np.tile(1 - np.arange(count) / 10, (len(words), 1))
        return Neighbours([[f"{field} {index}" for index in range(count)] for _ in words], similarities)

    def analogy(self, model: str, a: list[str], b: list[str], c: list[str], count: int) -> Neighbours:
        names = [[f"{'+'.join(words)} {index}" for index in range(count)] for words in zip(a, b, c, strict=True)]
        return Neighbours(names, np.tile(1 - np.arange(count) / 10, (len(a), 1)))

    def forecast(self, model: str, history: Any) -> Any:
        assert history.ndim == 3 and history.dtype == np.float32
        return history[:, -2:] * 10


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(client, "Client", TextClient)
    monkeypatch.chdir(tmp_path)


OUTPUTS: dict[str, tuple[list[str], str]] = {
    "translate": (["translate", "m", "good day", "yes"], "good day\tGOOD DAY\nyes\tYES\n"),
    "pronounce": (["pronounce", "m", "day"], "day\td a y\n"),
    "classify-text": (["classify-text", "m", "good", "ab"], "good\tg\t0.2500\nab\ta\t0.5000\n"),
    "tag": (["tag", "m", "ab", "abcd"], "ab\tb c\t0.5000\nabcd\tb c d e\t0.2500\n"),
    "embed": (["embed", "m", "good day", "yes"], "good day\t8\t0.5\nyes\t3\t0.5\n"),
    "nearest": (
        ["nearest", "m", "day", "--count", "2", "--field", "city"],
        "day\tcity 0\t1.0000\nday\tcity 1\t0.9000\n",
    ),
    "analogy": (
        ["analogy", "m", "man", "king", "woman", "a", "b", "c", "--count", "1"],
        "man king woman\tman+king+woman 0\t1.0000\na b c\ta+b+c 0\t1.0000\n",
    ),
}


@pytest.mark.parametrize("command", OUTPUTS)
def test_texts(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, output = OUTPUTS[command]
    assert main(arguments) == 0
    assert capsys.readouterr().out == output


def test_lines_of_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("good day\n\nžába"))
    assert main(["translate", "m"]) == 0
    assert capsys.readouterr().out == "good day\tGOOD DAY\n\t\nžába\tŽÁBA\n"


def test_analogies_need_three_words(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analogy", "m", "man", "king"]) == 2
    assert "Expected three words for each question. Received: 2 words." in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", io.StringIO("man king woman\n\na b c\n"))
    assert main(["analogy", "m", "--count", "1"]) == 0
    assert capsys.readouterr().out == OUTPUTS["analogy"][1]


def test_standard_input_with_another_encoding(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("žába".encode("cp1250")), "utf-8"))
    assert main(["translate", "m"]) == 2
    error = capsys.readouterr().err
    assert "Expected standard input in utf-8. Received: 'utf-8' codec can't decode" in error and error.count("\n") == 1


@pytest.mark.parametrize("command", OUTPUTS)
def test_error_without_texts(command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert main([command, "m"]) == 2
    assert (
        "No text given. Pass texts as arguments, or write one text per line to standard input."
        in capsys.readouterr().err
    )


def test_tags_in_one_file() -> None:
    assert main(["tag", "m", "ab", "abcd", "a", "--output", "tags.npz"]) == 0
    with np.load("tags.npz") as found:
        assert found["input"].tolist() == ["ab", "abcd", "a"]
        assert found["tags"].tolist() == ["b c", "b c d e", "b"]
        np.testing.assert_allclose(found["score"], [0.5, 0.25, 1])


def test_caption(capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("L", (4, 4)).save("a.png")
    np.save("b.npy", np.zeros((2, 4, 4, 1), np.float32))
    assert main(["caption", "m", "a.png", "b.npy"]) == 0
    assert capsys.readouterr().out == "a.png\tobject\nb.npy[0]\tfloat32\nb.npy[1]\tfloat32\n"


BEAMS: dict[str, tuple[list[str], str]] = {
    "translate": (
        ["good day", "yes"],
        "good day\ttranslate_beam object\t-0.5000\nyes\ttranslate_beam object\t-0.5000\n",
    ),
    "pronounce": (["day"], "day\tpronounce_beam object\t-0.5000\n"),
    "caption": (
        ["a.png", "b.npy"],
        "a.png\tcaption_beam_png object\t-0.5000\nb.npy[0]\tcaption_beam float32\t-0.5000\n",
    ),
}


@pytest.mark.parametrize("command", BEAMS)
def test_beam_search(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("L", (4, 4)).save("a.png")
    np.save("b.npy", np.zeros((1, 4, 4, 1), np.float32))
    inputs, output = BEAMS[command]
    assert main([command, "m", *inputs, "--beam", "4"]) == 0
    assert capsys.readouterr().out == output
    assert main([command, "m", *inputs, "--beam", "2", "--output", "found.npz"]) == 0
    with np.load("found.npz") as found:
        assert len(found["text"]) == len(inputs) and found["score"].tolist() == [-0.25] * len(inputs)
        assert not {"texts", "scores"} & set(found)


def test_beam_search_of_a_model_without_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(f"{__name__}.SIGNATURES", SIGNATURES[:1])
    assert main(["translate", "m", "yes", "--beam", "4"]) == 2
    assert "m has no signature translate_beam. It has: translate (texts)." in capsys.readouterr().err


SERIES: dict[str, tuple[Any, str]] = {
    "a.csv": ("month, sales\n1,2.5\n\n3,-4\n5,6e3\n", "1\t30\t-40\na.csv\t2\t50\t60000"),
    "b.csv": ("\ufeff1\n2\n3", "1\t20\nb.csv\t2\t30"),
    "quoted.csv": ('"sales, net"\r\n"1"\r\n2\r\n3\r\n', "1\t20\nquoted.csv\t2\t30"),
    "c.npy": (np.arange(3.0), "1\t10\nc.npy\t2\t20"),
    "d.npy": (np.arange(6).reshape(3, 2), "1\t20\t30\nd.npy\t2\t40\t50"),
}


@pytest.mark.parametrize("name", SERIES)
def test_forecast(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    content, output = SERIES[name]
    if isinstance(content, str):
        Path(name).write_text(content, "utf-8")
    else:
        np.save(name, content)
    assert main(["forecast", "m", name]) == 0
    assert capsys.readouterr().out == f"{name}\t{output}\n"


def test_forecasts_in_one_file() -> None:
    Path("a.csv").write_text("month\n1\n2\n3\n")
    np.save("b.npy", np.arange(4.0))
    assert main(["forecast", "m", "a.csv", "b.npy", "--output", "f.npz"]) == 0
    with np.load("f.npz") as found:
        assert found["file"].tolist() == ["a.csv", "b.npy"]
        assert found["forecast"].tolist() == [[[20], [30]], [[20], [30]]]


INVALID: dict[str, tuple[Any, str]] = {
    "words.csv": ("1,2\n3,four\n", "words.csv, line 2: Expected numbers. Received: 'four'."),
    "dates.csv": ("date,sales\n2024-01-31,5\n", "dates.csv, line 2: Expected numbers. Received: '2024-01-31'."),
    "mixed.csv": ("1,two\n3,4\n", "mixed.csv, line 1: Expected numbers. Received: 'two'."),
    "heads.csv": ("a,b\nc,d\n1,2\n", "heads.csv, line 2: Expected numbers. Received: 'c'."),
    "gap.csv": ("a,b\n\n1,\n", "gap.csv, line 3: Expected numbers. Received: ''."),
    "long.csv": ("1\n" + "x" * 999, "long.csv, line 2: Expected numbers. Received: 'xxx"),
    "ragged.csv": ("1,2\n3\n", "ragged.csv, line 2: Expected 2 numbers. Received: 1."),
    "empty.csv": ("", "empty.csv has no numbers."),
    "head.csv": ("a,b\n", "head.csv has no numbers."),
    "cube.npy": (np.zeros((2, 2, 2)), "Expected a series of shape (time, features) in cube.npy. Received: (2, 2, 2)."),
    "letters.npy": (np.array(["a", "b"]), "Expected an NPY file of numbers: letters.npy. Received: dtype <U1."),
    "latin.csv": ("månad\n1\n".encode("latin-1"), "Expected a CSV file in UTF-8: latin.csv. Received: 'utf-8' codec"),
    "picture.png": ("", "Expected a .csv, .npy file or a folder. Received: picture.png"),
}


@pytest.mark.parametrize("name", INVALID)
def test_a_file_without_a_series(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    content, message = INVALID[name]
    if isinstance(content, str):
        Path(name).write_text(content)
    elif isinstance(content, bytes):
        Path(name).write_bytes(content)
    else:
        np.save(name, content)
    assert main(["forecast", "m", name]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1

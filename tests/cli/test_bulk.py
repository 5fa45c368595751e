"""Tests of the commands with many inputs and a fake client: batches, bad inputs, resuming, and the files of tables."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_gallery.cli import bulk, files, progress, tables
from keras_gallery.cli.main import main
from keras_gallery.preparation.notes import Labels, write_note
from keras_gallery.serving.errors import Internal, NotFound, ResourceExhausted, Unavailable
from keras_gallery.serving.wire.signature import TensorSpec
from PIL import Image

from .bulk_answers import BAD, SIGNATURES, answer, pictures
from .fake_client import FLOAT, FakeClient


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeClient:
    fake = FakeClient(SIGNATURES, answer)
    monkeypatch.setattr(files, "connect", lambda values: fake)
    monkeypatch.chdir(tmp_path)
    return fake


def names(count: int) -> list[str]:
    return [f"in/{number:03}.png" for number in range(count)]


def cells(file: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(Path(file).read_text("utf-8"), newline="")))


# === Batches ===


def test_batches_grow_and_several_are_in_flight(client: FakeClient, capsys: pytest.CaptureFixture[str]) -> None:
    pictures(200)
    client._latency = 0.01
    assert main(["encode", "m", "in", "--output", "codes.npz", "--batch-size", "20", "--in-flight", "3"]) == 0
    with np.load("codes.npz") as found:
        assert found["file"].tolist() == names(200)
        np.testing.assert_array_equal(found["code"], np.stack([np.arange(200), np.arange(200) / 2], 1))
    assert sum(client.sizes) == 200 and max(client.sizes) == 20 and client.sizes[0] == 1
    assert client.most_in_flight == 3
    assert capsys.readouterr() == ("200 rows -> codes.npz\n", "")
    assert sorted(os.listdir()) == ["codes.npz", "in"]


def test_batches_shrink_if_the_server_is_slow(client: FakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures(100)

    def slow_down(name: str, inputs: Any) -> Any:
        if len(inputs) == 16:
            monkeypatch.setattr(bulk, "QUICK", -1.0)
            monkeypatch.setattr(bulk, "SLOW", -1.0)
        return answer(name, inputs)

    client._answer = slow_down
    assert main(["encode", "m", "in", "--output", "out.npz", "--in-flight", "1"]) == 0
    assert max(client.sizes) == 16 and client.sizes[-1] == 1


def test_batches_are_limited_in_bytes(client: FakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures(40)
    monkeypatch.setattr(bulk, "BATCH_BYTES", 3 * Path("in/000.png").stat().st_size)
    assert main(["encode", "m", "in", "--output", "out.npz"]) == 0
    assert max(client.sizes) == 3


# === Bad inputs ===


@pytest.mark.parametrize("suffix", ["npz", None])
def test_bad_pictures_do_not_lose_the_others(
    client: FakeClient, suffix: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures(64)
    for number in (30, 41):
        Image.new("L", (2, 2), BAD).save(f"in/{number:03}.png")
    Path("in/050.png").write_bytes(b"no picture")
    Path("in/051.png").write_bytes(Path("in/000.png").read_bytes()[:40])
    output = ["--output", f"codes.{suffix}"] if suffix else []
    assert main(["encode", "m", "in", *output]) == 1
    good = [name for number, name in enumerate(names(64)) if number not in (30, 41, 50, 51)]
    if suffix:
        assert np.load("codes.npz")["file"].tolist() == good
    else:
        assert sorted(os.listdir("in-code")) == [Path(name).stem + ".code.npy" for name in good]
        assert np.load("in-code/031.code.npy").tolist() == [31, 15.5]
    assert capsys.readouterr().err.splitlines() == [
        "gallery: in/030.png: Expected another picture.",
        "gallery: in/041.png: Expected another picture.",
        "gallery: Cannot read the image in/050.png: not a picture, or damaged.",
        "gallery: in/051.png is damaged, or is not an image.",
    ]


def test_a_bad_row_of_an_array(client: FakeClient, capsys: pytest.CaptureFixture[str]) -> None:
    images = np.arange(20, dtype=np.uint8).repeat(4).reshape(20, 2, 2)
    images[7] = BAD
    np.save("a.npy", images)
    assert main(["encode", "m", "a.npy", "--output", "codes.csv"]) == 1
    rows = cells("codes.csv")
    assert rows[:2] == [["file", "row", "code_0", "code_1"], ["a.npy", "0", "0", "0"]]
    assert [int(row[1]) for row in rows[1:]] == [row for row in range(20) if row != 7]
    assert capsys.readouterr().err == "gallery: a.npy[7]: Expected another picture.\n"


def test_files_without_rows_and_damaged_files_among_others(
    client: FakeClient, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("in").mkdir()
    np.save("in/a.npy", np.zeros((0, 2, 2)))
    np.save("in/b.npy", np.full((3, 2, 2), 1.0))
    assert main(["encode", "m", "in"]) == 1
    assert os.listdir("in-code") == ["b.code.npy"] and np.load("in-code/b.code.npy").tolist() == [[255, 127.5]] * 3
    Path("a.csv").write_bytes(b"colour,size\nred,1\n" + 9999 * b"red,2\n" + b"\xff,3\n")
    assert main(["classify", "m", "a.csv", "--output", "out.npz"]) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first == "gallery: in/a.npy has no rows."
    assert second.startswith("gallery: Expected a CSV file in UTF-8: a.csv. Received: 'utf-8' codec can't decode byte")
    assert len(np.load("out.npz")["label"]) > 5000


def test_many_bad_rows(client: FakeClient, capsys: pytest.CaptureFixture[str]) -> None:
    Path("t.csv").write_text("a,b,c\n" + 1234 * "1,2,x\n" + "1,2,y\n1,2,3\n")
    assert main(["regress", "m", "t.csv"]) == 1
    found = capsys.readouterr()
    assert found.out == "t.csv[1235]\t6\n"
    assert len(lines := found.err.splitlines()) == 22 and lines[-1] == "gallery: t.csv: the same for 1,214 more rows"
    assert lines[20] == "gallery: t.csv[1234]: line 1236, column 'c': Expected a number. Received: 'y'."


def test_no_answer_at_all(client: FakeClient, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("L", (2, 2), BAD).save("a.png")
    Image.new("L", (2, 2), BAD).save("b.png")
    assert main(["encode", "m", "a.png", "b.png", "--output", "codes.npz"]) == 1
    assert main(["encode", "m", "a.png", "--output", "codes.npz"]) == 2
    assert capsys.readouterr().err.count("\n") == 3 and sorted(os.listdir()) == ["a.png", "b.png"]


@pytest.mark.parametrize(("error", "status"), [(Unavailable, 0), (ResourceExhausted, 0), (Internal, 1)])
def test_errors_of_the_server(
    client: FakeClient, error: type[Exception], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures(30)
    monkeypatch.setattr(bulk, "PAUSES", (0.0, 0.0))
    calls = []

    def fail(name: str, inputs: Any) -> Any:
        calls.append(len(inputs))
        if len(calls) in (4, 5) if status == 0 else len(calls) > 3 and Path("in/011.png").read_bytes() in inputs:
            raise error("The server is busy, or it fails for one picture.")
        return answer(name, inputs)

    client._answer = fail
    assert main(["encode", "m", "in", "--output", "codes.npz", "--in-flight", "1"]) == status
    assert len(np.load("codes.npz")["code"]) == 30 - status


# === Resuming ===


def test_resume_after_an_error_of_the_server(
    client: FakeClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures(50)
    monkeypatch.setattr(tables, "PART_ROWS", 10)
    monkeypatch.setattr(bulk, "PAUSES", ())

    def fail(name: str, inputs: Any) -> Any:
        if sum(client.sizes) > 30:
            raise Unavailable("The server has stopped.")
        return answer(name, inputs)

    client._answer = fail
    command = ["encode", "m", "in", "--output", "codes.npy", "--batch-size", "8"]
    assert main(command) == 2
    assert "The server has stopped." in capsys.readouterr().err
    assert sorted(os.listdir()) == ["codes.npy.parts", "in"]
    kept = sum(len(np.load(file)["row"]) for file in Path("codes.npy.parts").glob("*.npz"))
    assert 1 <= kept <= 30
    client._answer = answer
    assert main(command) == 2
    assert "codes.npy.parts has the answers of a command that was stopped. Add --resume" in capsys.readouterr().err
    client.version = 4
    assert main([*command, "--resume"]) == 2
    assert "it has answers of the version 3, not 4. Delete this folder to start again." in capsys.readouterr().err
    client.version = 3
    client.sizes.clear()
    assert main([*command, "--resume"]) == 0
    assert sum(client.sizes) == 50 - kept
    np.testing.assert_array_equal(np.load("codes.npy")[:, 0], np.arange(50))
    assert Path("codes.names.csv").read_text() == "\n".join(["file", *names(50), ""])
    assert sorted(os.listdir()) == ["codes.names.csv", "codes.npy", "in"]


def test_two_commands_with_the_same_output(client: FakeClient, capsys: pytest.CaptureFixture[str]) -> None:
    pictures(3)
    command = ["encode", "m", "in", "--output", "codes.npz"]
    other: list[int] = []

    def ask_again(name: str, inputs: Any) -> Any:
        client._answer = answer
        other.extend(main([*command, *more]) for more in ([], ["--resume"]))
        return answer(name, inputs)

    client._answer = ask_again
    assert main(command) == 0
    assert other == [2, 2]
    writer = f"Another command writes codes.npz (process {os.getpid()})."
    line = f"gallery: {writer} Wait for its end, or choose another --output.\n"
    assert capsys.readouterr() == ("3 rows -> codes.npz\n", line * 2)
    assert main(command) == 0
    assert sorted(os.listdir()) == ["codes.npz", "in"]


def test_an_output_that_cannot_be_written(client: FakeClient, capsys: pytest.CaptureFixture[str]) -> None:
    pictures(1)
    Path("file").touch()
    assert main(["encode", "m", "in", "--output", "file/codes.npz"]) == 2
    assert capsys.readouterr().err == "gallery: Cannot write file/codes.npz: Not a directory.\n"


def test_resume_with_equal_texts(client: FakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "PART_ROWS", 1)
    client._answer = lambda name, inputs: interrupted(inputs) if len(client.sizes) > 2 else answer(name, inputs)

    def interrupted(inputs: Any) -> Any:
        raise NotFound("The model is gone.")

    command = ["embed", "m", "a", "b", "a", "a", "b", "--output", "v.npz", "--batch-size", "1", "--in-flight", "1"]
    assert main(command) == 2
    client._answer = answer
    assert main([*command, "--resume"]) == 0
    assert np.load("v.npz")["input"].tolist() == ["a", "b", "a", "a", "b"]


def test_resume_with_a_file_for_each_input(client: FakeClient, capsys: pytest.CaptureFixture[str]) -> None:
    pictures(5)
    assert main(["encode", "m", "in"]) == 0
    Path("in-code/003.code.npy").unlink()
    client.sizes.clear()
    capsys.readouterr()
    assert main(["encode", "m", "in", "--resume"]) == 0
    assert client.sizes == [1] and capsys.readouterr().out == "in/003.png -> in-code/003.code.npy\n"


@pytest.mark.parametrize(
    ("labels", "headings"),
    [
        (("cat", "dog"), ["probability_cat", "probability_dog"]),
        (('a,"b', "c\nd\ud800"), ['probability_a,"b', r"probability_c\nd\ud800"]),
        (("cat", "cat"), ["probabilities_0", "probabilities_1"]),
        (("cat", "dog", "ant"), ["probabilities_0", "probabilities_1"]),
        ((), ["probabilities_0", "probabilities_1"]),
    ],
)
def test_a_csv_file_names_the_probabilities(client: FakeClient, labels: tuple[str, ...], headings: list[str]) -> None:
    Path("t.csv").write_text("colour,size\nred,1.5\n")
    if labels:
        spec = TensorSpec.named("p", FLOAT, (-1, 2), write_note(Labels(labels)))
        definition = client._signatures["classify_rows"]
        client._signatures["classify_rows"] = replace(definition, outputs={**definition.outputs, "probabilities": spec})
    assert main(["classify", "m", "t.csv", "--output", "out.csv"]) == 0
    assert cells("out.csv") == [
        ["file", "row", "label", "score", *headings],
        ["t.csv", "0", "red+", "0.899999976", "0.100000001", "0.899999976"],
    ]
    assert main(["classify", "m", "t.csv", "--output", "out.npz"]) == 0
    assert np.load("out.npz")["probabilities"].shape == (1, 2)


# === Inputs ===


def test_subfolders(client: FakeClient) -> None:
    pictures(2, "in/a")
    pictures(1, "in/b/c")
    pictures(1, "in/.hidden")
    Path("in/labels.csv").write_text("file,label\n")
    assert main(["encode", "m", "in", "--output", "in/codes.npz"]) == 0
    assert np.load("in/codes.npz")["file"].tolist() == ["in/a/000.png", "in/a/001.png", "in/b/c/000.png"]
    assert main(["encode", "m", "in", "--output", "in/out"]) == 0
    assert main(["encode", "m", "in", "--output", "in/out"]) == 0
    found = sorted(str(file.relative_to("in/out")) for file in Path("in/out").rglob("*.npy"))
    assert found == ["a/000.code.npy", "a/001.code.npy", "b/c/000.code.npy"]


def test_the_rows_of_a_table(client: FakeClient, capsys: pytest.CaptureFixture[str]) -> None:
    Path("t.csv").write_text("colour,price, size \nred,9,1.5\n blue ,9,0.5\ngreen,9,big\ngreen,9,\n\nred\n")
    assert main(["classify", "m", "t.csv"]) == 1
    found = capsys.readouterr()
    assert found.out == "t.csv[0]\tred+\t0.9000\nt.csv[1]\tblue-\t0.9000\n"
    assert found.err.splitlines() == [
        "gallery: t.csv[2]: line 4, column 'size': Expected a number. Received: 'big'.",
        "gallery: t.csv[3]: line 5, column 'size': Expected a number. Received: ''.",
        "gallery: t.csv[4]: line 7: Expected at least 3 columns. Received: 1.",
    ]
    Path("t.tsv").write_text("colour\tprice\nred\t1\n")
    assert main(["classify", "m", "t.tsv"]) == 2
    assert "t.tsv has no column 'size'. Columns of the model: size, colour." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        ("a,b,c\n1,2,3\n4,5,6\n", 0, "t.csv[0]\t6\nt.csv[1]\t15\n"),
        ("a; b;c\n1,5;2;2,5\n", 0, "t.csv[0]\t6\n"),
        ("1,2,3\n4,5,6\n", 0, "t.csv[0]\t6\nt.csv[1]\t15\n"),
        ("file,features_1,features_0,features_2\nx,1,2,4\n", 0, "t.csv[0]\t7\n"),
        ("a,b\n1,2\n", 2, "Expected 3 columns of numbers in t.csv. Received: 2."),
        ("a,b,c\n1,2\n", 2, "t.csv[0]: line 2: Expected 3 columns. Received: 2."),
        ("a,b,c\n1,two,3\n", 2, "t.csv[0]: line 2, column 'b': Expected a number. Received: 'two'."),
        ("a,b,c\n1,1_0,3\n", 2, "t.csv[0]: line 2, column 'b': Expected a number. Received: '1_0'."),
        ("a,b,c\n1,nan,3\n", 2, "t.csv[0]: line 2, column 'b': Expected a number. Received: 'nan'."),
        ("", 2, "t.csv is empty."),
    ],
)
def test_a_table_of_numbers(
    client: FakeClient, content: str, status: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("t.csv").write_text(content)
    assert main(["regress", "m", "t.csv"]) == status
    found = capsys.readouterr()
    assert found.out == message if status == 0 else f"gallery: {message}\n" == found.err


def test_pictures_for_a_signature_without_image_files(client: FakeClient, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("L", (2, 2), 51).save("a.png")
    Image.new("L", (2, 2), 51).save("a.bmp")
    Image.new("L", (3, 2)).save("b.png")
    Image.new("RGB", (2, 2)).save("c.png")
    assert main(["score", "m", "a.png", "a.bmp", "b.png", "c.png"]) == 1
    found = capsys.readouterr()
    assert found.out == "a.png\t0.8\na.bmp\t0.8\n"
    assert found.err.splitlines() == [
        "gallery: Expected a picture of 2x2 pixels (height x width): b.png. Received: 2x3.",
        "gallery: Expected a picture of 1 channel(s): c.png. Received: RGB.",
    ]


# === Files of tables ===


@pytest.mark.models  # pyarrow imports pandas
def test_parquet(client: FakeClient) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    pictures(3)
    assert main(["encode", "m", "in", "--output", "out/codes.parquet"]) == 0
    table = pq.read_table("out/codes.parquet")
    assert table.to_pydict() == {"file": names(3), "code": [[0.0, 0.0], [1.0, 0.5], [2.0, 1.0]]}
    assert str(table.schema.field("code").type).startswith("fixed_size_list<") and "[2]" in str(table.schema)
    assert client.versions == {3}
    assert json.loads(table.schema.metadata[b"keras_gallery"]) == {"model": "m", "version": 3, "task": "encode"}
    Path("t.csv").write_text("colour,size\nred,2\nžába,0\n")
    assert main(["classify", "m", "t.csv", "--output", "labels.parquet"]) == 0
    found = pq.read_table("labels.parquet").to_pydict()
    assert list(found) == ["file", "row", "label", "score", "probabilities"]
    assert found["label"] == ["red+", "žába-"] and found["row"] == [0, 1]


@pytest.mark.models  # pyarrow imports pandas
def test_parquet_as_input(client: FakeClient, capsys: pytest.CaptureFixture[str]) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({"n": ["x", "y"], "features": [[1.0, 2, 4], [1.0, 2, None]]}), "a.parquet")
    pq.write_table(pa.table({"colour": ["red", None], "size": pa.array([1.5, None])}), "b.parquet")
    Path("c.parquet").write_text("no Parquet file")
    assert main(["regress", "m", "a.parquet"]) == 0
    assert main(["classify", "m", "b.parquet", "c.parquet"]) == 1
    found = capsys.readouterr()
    assert found.out == "a.parquet[0]\t7\na.parquet[1]\tnan\nb.parquet[0]\tred+\t0.9000\n"
    assert found.err.splitlines()[0] == "gallery: b.parquet[1]: row 2, column 'size': Expected a number. Received: ''."
    assert "Expected a Parquet file: c.parquet. Received: " in found.err


def test_parquet_without_pyarrow(
    client: FakeClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures(1)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert main(["encode", "m", "in", "--output", "codes.parquet"]) == 2
    assert capsys.readouterr().err == (
        "gallery: Parquet files need the package pyarrow. In the folder of the project, run: "
        "pip install '.[parquet]'. Or choose a file that ends in .npz, .npy or .csv.\n"
    )


def test_parts_with_texts_of_different_lengths(client: FakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "PART_ROWS", 2)
    words = ["a", "", 'žába, \n"b"', "x" * 50, "c"]
    for name in ("v.npz", "v.csv", "v.npy"):
        assert main(["embed", "m", *words, "--output", name]) == 0
    with np.load("v.npz") as found:
        assert found["input"].tolist() == words and found["embedding"].dtype == np.float32
    rows = cells("v.csv")
    assert rows == [["input", "embedding_0"], *([word, str(len(word.encode()))] for word in words)]
    np.testing.assert_array_equal(np.load("v.npy"), np.load("v.npz")["embedding"])


@pytest.mark.parametrize("name", ["codes.txt", "codes"])
def test_a_table_with_another_suffix(client: FakeClient, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    pictures(1)
    assert main(["score", "m", "in", "--output", name]) == 2
    message = f"Expected an output file that ends in .parquet, .npz, .npy, .csv. Received: {name}."
    assert message in capsys.readouterr().err


def test_progress(monkeypatch: pytest.MonkeyPatch, client: FakeClient, capsys: pytest.CaptureFixture[str]) -> None:
    assert progress.progress_line(1200, 0, 3000, 2) == "1,200 of 3,000 examples, 600 per second, 3 s left"
    assert progress.progress_line(3, 7, 100, 2) == "10 of 100 examples, 1.5 per second, 1 min 0 s left"
    assert progress.progress_line(10, 0, 200_000, 1) == "10 of 200,000 examples, 10 per second, 5 h 33 min left"
    assert progress.progress_line(5, 0, 4, 1) == "5 of 5 examples, 5.0 per second"
    monkeypatch.setattr(progress, "SECONDS_ELSEWHERE", 0.0)
    pictures(2)
    np.save("in/a.npy", np.zeros((3, 2, 2)))
    assert main(["encode", "m", "in", "--output", "codes.npz"]) == 0
    assert "5 of 5 examples" in capsys.readouterr().err.splitlines()[-1]

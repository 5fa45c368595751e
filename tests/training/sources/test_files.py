"""Tests of the files of a user's own data: tables, arrays and lines of text."""

from __future__ import annotations

import gzip
import io
import time
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from keras_gallery.training.errors import BadData
from keras_gallery.training.sources import files
from keras_gallery.training.sources.files import read_arrays, read_lines, read_table


def no_texts(name: str) -> bool:
    return False


def write(folder: Path, content: str | bytes, name: str = "data.csv") -> Path:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


@pytest.mark.parametrize(("sign", "other"), [("", "2"), ("-", "2.5")])
def test_integers_above_the_largest_float(tmp_path: Path, sign: str, other: str) -> None:
    file = write(tmp_path, f"a,b\n{other},1\n{sign}1{'0' * 400},2\n" + "7,1\n" * 50)
    table = read_table(file, no_texts)
    assert table.kind("a") == "number"
    with pytest.raises(BadData, match=rf"has the value {sign}inf in line 3\. The models need"):
        table.numbers("a")


@pytest.mark.parametrize(
    ("content", "name", "want"),
    [
        ("a,b\n1,x\n2,y\n", "data.csv", {"a": [1, 2], "b": ["x", "y"]}),
        ("\ufeffa; b \n1,5; x\n2;y\n", "data.csv", {"a": [1.5, 2.0], "b": ["x", "y"]}),
        ('a\tb\n1\t"quoted" and not\n', "data.tsv", {"a": [1], "b": ['"quoted" and not']}),
        ('a\tb\n1\t"a tab:\t"\n', "data.tsv", {"a": [1], "b": ["a tab:\t"]}),
        ('a,b\n"two\nlines",2\n\n', "data.csv", {"a": ["two\nlines"], "b": [2]}),
        (gzip.compress(b"a\n1\n2\n\n", mtime=0), "data.csv.gz", {"a": [1, 2]}),
    ],
)
def test_table(tmp_path: Path, content: str | bytes, name: str, want: dict[str, list[object]]) -> None:
    assert read_table(write(tmp_path, content, name), no_texts).frame.to_dict("list") == want


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "data.csv is empty."),
        ("a,b\n", "data.csv has no rows below its header."),
        ("a,a\n1,2\n", "data.csv has several columns with the name a."),
        ("a,,b\n1,2,3\n", "Column 2 of data.csv has no name."),
        ("1,2\n3,4\n", "The first line of data.csv has numbers, not the names of the columns."),
        ("a,b\n1,2\n1,2,3\n", "Line 3 of data.csv has 3 values, but the header has 2."),
        ("a,b\n1,2,3\n1,2\n", "Line 2 of data.csv has 3 values, but the header has 2."),
        ('a,b\n1,"2\n', "a quotation mark is not closed"),
        (b"a,b\n1,\xe4\n", "data.csv is not in UTF-8 (byte 0xe4 in line 2). Save it in UTF-8."),
        ("a,b\n1,\0\n", "data.csv is not a text file in UTF-8"),
    ],
)
def test_bad_table(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(BadData) as caught:
        read_table(write(tmp_path, content), no_texts)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "column", "message"),
    [
        ('a,b\n"x\ny",1\n\nz,\nw,\n', "b", "Missing value in the column b of data.csv, line 5 (and in 1 more rows)."),
        ("v\n1\n\n3\n", "v", "Missing value in the column v of data.csv, line 3."),
        ("a,b\n1,NA\n2,2\n", "b", "Missing value in the column b of data.csv, line 2."),
        ("a,b\n1,2\n2,inf\n", "b", "The column b of data.csv has the value inf in line 3."),
        ("a,b\n1,2\n2,1e300\n", "b", "The column b of data.csv has the value 1e+300 in line 3."),
        ("a,b\n1,2\n2,many\n", "b", "The column b of data.csv has the text many in line 3, but numbers elsewhere."),
    ],
)
def test_bad_numbers_name_the_line(tmp_path: Path, content: str, column: str, message: str) -> None:
    table = read_table(write(tmp_path, content), no_texts)
    with pytest.raises(BadData) as caught:
        table.numbers(column)
    assert str(caught.value).startswith(message)


def test_kinds_of_columns(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "n,t,d,b\n1,x,2020-01-31,true\n2,2,31.1.2020,FALSE\n"), no_texts)
    assert [table.kind(name) for name in table.columns] == ["number", "text", "date", "text"]
    assert table.texts("b").tolist() == ["true", "FALSE"]  # as served models receive them


def test_texts_are_as_in_the_file(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "a,b\n01,1\n02,2\n"), lambda name: name == "a")
    assert table.texts("a").tolist() == ["01", "02"]


def test_parquet(tmp_path: Path) -> None:
    frame = pd.DataFrame({"number": [1.0, 2.0], "text": ["x", None], "time": pd.to_datetime(["2020-01-01"] * 2)})
    frame.to_parquet(tmp_path / "data.parquet")
    table = read_table(tmp_path / "data.parquet", no_texts)
    assert [table.kind(name) for name in table.columns] == ["number", "text", "date"]
    with pytest.raises(BadData, match=r"Missing value in the column text of data.parquet, row 2\."):
        table.texts("text")
    pd.DataFrame({"lists": [[1], [2, 3]], "dicts": [{"a": 1}] * 2}).to_parquet(tmp_path / "lists.parquet")
    table = read_table(tmp_path / "lists.parquet", no_texts)
    assert [table.kind(name) for name in table.columns] == ["other", "other"]
    with pytest.raises(BadData, match="The column lists of lists.parquet has neither numbers nor texts"):
        table.texts("lists")
    with pytest.raises(BadData, match="Cannot read .*bad.parquet"):
        read_table(write(tmp_path, "no table", "bad.parquet"), no_texts)


@pytest.mark.parametrize("metadata", [b"{", b"[]", b'{"index_columns": ["z"], "columns": []}'])
def test_parquet_with_damaged_metadata_of_pandas(tmp_path: Path, metadata: bytes) -> None:
    arrow = pa.table({"number": [1, 2]}).replace_schema_metadata({"pandas": metadata})
    pq.write_table(arrow, tmp_path / "data.parquet")
    table = read_table(tmp_path / "data.parquet", no_texts)
    assert table.columns == ["number"] and table.numbers("number").tolist() == [1, 2]


def test_integers_that_python_converts_to_no_text() -> None:
    frame = pd.DataFrame({"a": [1, 10**4_000], "b": [1, -(10**5_000)]}, dtype=object)
    with pytest.raises(BadData, match="The column b of data has an integer with thousands of digits in row 2"):
        files.table_of(frame, "data")
    assert files.table_of(frame[["a"]], "data").texts("a").tolist() == ["1", str(10**4_000)]
    with pytest.raises(BadData, match="data has a column whose name has thousands of digits"):
        files.table_of(pd.DataFrame({10**5_000: [1]}), "data")


def test_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "two.npz", x=np.arange(3), y=["a", "b", "c"])
    assert read_arrays(tmp_path / "two.npz")["y"].tolist() == ["a", "b", "c"]
    np.save(tmp_path / "one.npy", np.arange(3))
    assert read_arrays(tmp_path / "one.npy")["x"].tolist() == [0, 1, 2]
    np.save(tmp_path / "objects.npy", np.array(["a", {}], object), allow_pickle=True)
    with pytest.raises(BadData, match="Save texts as NumPy strings, not as objects"):
        read_arrays(tmp_path / "objects.npy")
    with pytest.raises(BadData, match="Cannot read"):
        read_arrays(write(tmp_path, "no array", "bad.npz"))


def test_damaged_arrays(tmp_path: Path) -> None:
    header = io.BytesIO()
    shape = {"descr": "<f8", "fortran_order": False, "shape": (1 << 50,)}  # more memory than any machine has
    np.lib.format.write_array_header_1_0(header, shape)
    for content in (header.getvalue(), b"no array", b"\x93NUMPY\x01\x00\x08\x00(((((((\n"):
        with zipfile.ZipFile(tmp_path / "x.npz", "w") as members:
            members.writestr("x.npy", content)
        with pytest.raises(BadData, match="Cannot read"):
            read_arrays(tmp_path / "x.npz")
    file = bytearray((tmp_path / "x.npz").read_bytes())
    file[file.find(b"PK\1\2") + 10] = 99  # an unknown compression method
    with pytest.raises(BadData, match="Cannot read"):
        read_arrays(write(tmp_path, bytes(file), "y.npz"))


def test_many_columns() -> None:
    start = time.process_time()
    files._check_names([f"c{number}" for number in range(30_000)], "wide.csv")
    assert time.process_time() - start < 1


def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_BYTES", 5)
    monkeypatch.setattr(files, "MOST_ARRAY_BYTES", 5)
    np.savez_compressed(tmp_path / "x.npz", x=np.zeros(100))
    for file in (write(tmp_path, "a,b\n1,2\n"), write(tmp_path, gzip.compress(b"a,b\n1,2\n"), "zipped.csv.gz")):
        with pytest.raises(BadData, match="is larger than"):
            read_table(file, no_texts)
    with pytest.raises(BadData, match="is larger than"):
        read_arrays(tmp_path / "x.npz")
    monkeypatch.setattr(files, "MOST_ARRAY_BYTES", 1 << 20)
    pd.DataFrame({"text": ["x" * 1_000] * 3_000}).to_parquet(tmp_path / "x.parquet")  # a file of a few KB
    with pytest.raises(BadData, match="is larger than"):
        read_table(tmp_path / "x.parquet", no_texts)


def test_missing_values_of_pandas() -> None:
    table = files.table_of(pd.DataFrame({"text": pd.array(["a", None], dtype="string")}), "the DataFrame")
    with pytest.raises(BadData, match="Missing value in the column text of the DataFrame, row 2"):
        table.texts("text")


def test_lines(tmp_path: Path) -> None:
    assert read_lines(write(tmp_path, " one\r\n\r\ntwo \n", "data.txt")) == ["one", "two"]

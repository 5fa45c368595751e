"""Tests of `gallery doctor`, and of the matrix in docs/import.md, which has a row per model and a column per target."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from keras_gallery.cli import doctor
from keras_gallery.cli.doctor import config_of, shown
from keras_gallery.cli.main import main
from keras_gallery.models import list_models
from keras_gallery.serving.doctor import judge, verdict
from keras_gallery.serving.engines.openvino.files import FOLDER, Entry, Index
from keras_gallery.serving.quiet import quiet_import

from tools.matrix import TARGETS, read
from tools.matrix_page import BEGIN, END, number, table

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A model file with a layer whose name contains a terminal control sequence."""
    with quiet_import():
        import keras
    x = keras.Input((8, 4), name="x")
    model = keras.Model(x, keras.layers.GRU(3, name="gr\x1b[31mu" + "u" * 500)(x), name="m")
    model.save(tmp_path / "model.keras")
    return tmp_path / "model.keras"


def test_a_line_for_each_target_with_a_remedy(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", str(file)]) == 0
    out = capsys.readouterr().out
    head, *lines = out.splitlines()
    assert head.startswith(f"{file}: a .keras file of Keras 3.")
    verdicts = [line for line in lines if not line.startswith(" ")]
    assert [line.rsplit("  ", 1)[0].strip() for line in verdicts] == list(verdict.TARGETS.values())
    assert {line.rsplit("  ", 1)[1].partition(" (")[0] for line in verdicts} <= {"ok", "no"}
    assert (
        verdicts[-1].endswith("no (by its documentation and source, not run)")
        and len({line.rfind("  ") for line in verdicts}) == 1
    )
    dl4j = lines.index(next(line for line in verdicts if line.startswith("DL4J")))
    assert "GRU" in lines[dl4j + 1] and lines[dl4j + 2].startswith("    → ")
    assert "\x1b" not in out and "\\x1b[31mu" in out and all(len(line) <= 300 for line in lines)


def test_a_file_with_own_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    own = {"class_name": "Own", "module": "project", "registered_name": "project>Own", "config": {"name": "own"}}
    config = {"class_name": "Sequential", "config": {"name": "m", "layers": [own]}, "keras_version": "3.0.0"}
    monkeypatch.chdir(tmp_path)
    Path("model.json").write_text(json.dumps(config))
    Path("project.py").write_text("class Own: ...")
    assert main(["doctor", "./model.json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].endswith("  needs your classes (Own)") and "(Own): a class" in lines[2]
    assert lines[3].startswith("    → gallery import FILE --classes MODULE")
    assert main(["doctor", "./model.json", "--classes", "project"]) == 0
    assert [line.endswith("  ok") for line in capsys.readouterr().out.splitlines()[1:4]] == [True, True, False]


def test_json(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", str(file), "--json"]) == 0
    out = capsys.readouterr().out
    result = json.loads(out)
    assert [each["target"] for each in result["targets"]] == list(verdict.TARGETS) and "\x1b" not in out
    assert {"ok", "layer", "reason", "remedy", "others"} <= result["targets"][0].keys()


def test_a_file_is_examined_without_keras(file: Path) -> None:
    code = (
        f"import sys; from keras_gallery.cli.main import main\nassert main(['doctor', {str(file)!r}]) == 0\n"
        "print({'tensorflow', 'keras', 'openvino', 'onnx'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1:] == ["set()"], done.stderr


def test_a_model_name_selects_its_newest_run(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for run in ("009", "010"):
        (tmp_path / "runs" / "gru" / run).mkdir(parents=True)
    newest = tmp_path / "runs" / "gru" / "010" / "model.keras"
    newest.write_bytes(file.read_bytes())
    assert main(["doctor", "gru", "--runs", str(tmp_path / "runs")]) == 0
    assert capsys.readouterr().out.startswith(f"{newest}: ")
    assert main(["doctor", "mlp_classifier", "--runs", str(tmp_path / "runs")]) == 0
    assert capsys.readouterr().out.startswith("mlp_classifier with its defaults")


ERRORS = {
    "missing file": (["nowhere.keras"], "No such file or folder: nowhere.keras"),
    "misspelled model name": (["mlp_clasifier"], "Did you mean mlp_classifier"),
    "file without a model": (["notes.txt"], "Expected a model"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_wrong_arguments(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("notes.txt").write_text("nothing")
    arguments, message = ERRORS[case]
    assert main(["doctor", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_the_engines_of_a_version(tmp_path: Path) -> None:
    entry = Entry(str(tmp_path / "0.xml"), 1.0, preferred=False, digest="d")
    reasons = {"a": "tensorflow (OpenVINO takes 2.0x as long)", "b": "tensorflow (strings)"}
    (tmp_path / FOLDER).mkdir(parents=True)
    Index("f", {"a": entry}, reasons).write(tmp_path / FOLDER)
    assert doctor.engines_of(tmp_path) == {
        "a": "tensorflow (OpenVINO takes 2.0x as long); openvino without TensorFlow",
        "b": "tensorflow (strings); not without TensorFlow",
    }
    assert doctor.engines_of(tmp_path / "nothing") == {}


def test_lines_are_safe_to_print() -> None:
    assert shown("a\tb\u202ec\ud800") == "a\\tb\\u202ec\\ud800" and len(shown("x" * 1000)) == 300


def test_the_matrix_has_every_model_and_target() -> None:
    results = read(DOCS)
    assert sorted(results) == list_models()
    assert all(found.keys() == TARGETS.keys() for found in results.values())
    page = (DOCS / "import.md").read_text("utf-8")
    assert page.partition(BEGIN)[2].partition(END)[0].strip() == table(results).strip()


@pytest.mark.parametrize("name", list_models())
def test_verdicts_agree_with_the_measurements(name: str) -> None:
    verdicts = {each.target: each for each in judge.examine(config_of(name))}
    found = read(DOCS)[name]
    for target, column in {"tensorflow_serving": "embedded", "embedded": "embedded", "tfjs_graph": "tfjs"}.items():
        assert verdicts[target].ok is ("difference" in found[column]), verdicts[target]
    for target in ("onnx", "openvino"):
        assert verdicts[target].ok is ("difference" in found[target]), verdicts[target]
    assert _by_export(verdicts["keras"], "keras") is ("difference" in found["keras"])
    assert _by_export(verdicts["keras2"], "h5") is found["h5"].get("runtime", "").startswith("Keras 2")


def _by_export(found: verdict.Verdict, target: str) -> bool:
    """Returns whether the target can load the model file, or else the file that `gallery export --to` writes."""
    return found.ok or f"--to {target} " in found.remedy


def test_table_of_the_matrix(tmp_path: Path) -> None:
    results: dict[str, dict[str, Any]] = {
        "b": {"embedded": {"difference": 1.6e-7, "runtime": "R 1"}, "onnx": {"reason": "why"}, "dl4j": {}},
        "a": {"onnx": {"reason": "why"}, "embedded": {"difference": 0.0, "runtime": "R 1"}},
    }
    text = table(results)
    rows = [line for line in text.splitlines() if line.startswith(("| a ", "| b "))]
    assert rows == ["| a | 0 |  |  |  | no [1] |  |  |", "| b | 2e-7 |  |  |  | no [1] |  | yes |"]
    assert "1. why" in text and "R 1" in text and number(9.96e-8) == "1e-7"

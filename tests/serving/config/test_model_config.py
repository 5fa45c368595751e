"""Tests of version folders, version policies and model config files in TensorFlow Serving's text format."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from keras_gallery.serving.config.model_config import ModelConfig, parse_config_file
from keras_gallery.serving.errors import InvalidArgument

HIGHEST = (1 << 63) - 1


@pytest.mark.parametrize(
    ("names", "versions"),
    [
        (["1", "3", "20"], {1: "1", 3: "3", 20: "20"}),
        (["0001", "002"], {1: "0001", 2: "002"}),
        (["0", str(HIGHEST)], {0: "0", HIGHEST: str(HIGHEST)}),
        ([str(HIGHEST + 1), "9" * 200], {}),
        (["-1", "+1", "1.0", "1e3", "v1", " 1", "1_0", "latest", ".1", "٣", "²", "0x10"], {}),
        ([], {}),
    ],
    ids=["numbers", "leading zeros", "lowest and highest", "above the maximum", "not a version number", "no folders"],
)
def test_version_folders(tmp_path: Path, names: list[str], versions: dict[int, str]) -> None:
    for name in names:
        (tmp_path / name).mkdir()
    (tmp_path / "7").write_text("a file, not a folder")
    actual = ModelConfig("m", tmp_path).versions_on_disk()
    assert actual == {number: tmp_path / name for number, name in versions.items()}


def test_leading_zeros_do_not_make_another_version(tmp_path: Path) -> None:
    for name in ("01", "1"):
        (tmp_path / name).mkdir()
    assert list(ModelConfig("m", tmp_path).versions_on_disk()) == [1]


def test_a_missing_base_path(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ModelConfig("m", tmp_path / "missing").versions_on_disk()


@pytest.mark.parametrize(
    ("policy", "available", "failed", "wanted"),
    [
        ({}, [1, 10, 9], [], [10]),
        ({}, [], [], []),
        ({}, [1, 2, 3], [3], [2]),
        ({}, [1, 2], [1, 2], []),
        ({"latest": 2}, [1, 2, 3], [], [3, 2]),
        ({"latest": 2}, [1, 2, 3, 4], [3], [4, 2]),
        ({"latest": 5}, [1, 2], [], [2, 1]),
        ({"latest": 0}, [1, 3, 2], [2], [3, 2, 1]),
        ({"specific": (1, 3, 9)}, [1, 2, 3], [], [3, 1]),
        ({"specific": (1, 3)}, [1, 2, 3], [3], [3, 1]),
        ({"specific": (9,)}, [1, 2], [], []),
    ],
    ids=str,
)
def test_policies(policy: dict[str, object], available: list[int], failed: list[int], wanted: list[int]) -> None:
    assert ModelConfig("m", Path("m"), **policy).wanted(available, failed) == wanted  # type: ignore[arg-type]


CONFIG = """
model_config_list {
  config { name: "latest" base_path: "file:///m/latest" model_type: TENSORFLOW }
  config {
    name: "two" base_path: "/m/two" model_platform: "tensorflow"
    model_version_policy { latest { num_versions: 2 } }
  }
  config { name: "zero" base_path: "/m/zero" model_platform: "tensorflow" model_version_policy { latest { } } }
  config { name: "all" base_path: "/m/all" model_platform: "tensorflow" model_version_policy { all { } } }
  config {
    name: "some" base_path: "/m/some" model_platform: "tensorflow"
    model_version_policy { specific { versions: 4 versions: 2 } }
    version_labels { key: "stable" value: 2 }
    version_labels { key: "canary" value: 4 }
  }
}
"""


def test_config_file(tmp_path: Path) -> None:
    file = tmp_path / "models.config"
    file.write_text(CONFIG)
    assert parse_config_file(file) == [
        ModelConfig("latest", Path("/m/latest"), latest=1),
        ModelConfig("two", Path("/m/two"), latest=2),
        ModelConfig("zero", Path("/m/zero"), latest=1),
        ModelConfig("all", Path("/m/all"), latest=0),
        ModelConfig("some", Path("/m/some"), specific=(4, 2), labels={"stable": 2, "canary": 4}),
    ]


def test_the_official_parser_accepts_the_same_text() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from google.protobuf import text_format
        from tensorflow_serving.config import model_server_config_pb2
    official = text_format.Parse(CONFIG, model_server_config_pb2.ModelServerConfig())
    assert [config.name for config in official.model_config_list.config] == ["latest", "two", "zero", "all", "some"]


PARSING = "Error parsing text-format tensorflow.serving.ModelServerConfig: "
BAD_CONFIGS = {
    "unknown field": ("model_config_list { config { nam: 'm' } }", PARSING + r"1:\d+ : .*nam"),
    "not closed": ("model_config_list {", PARSING),
    "JSON": ('{"model_config_list": {}}', PARSING),
    "wrong type": ("model_config_list { config { name: 5 } }", PARSING),
    "empty": ("", "ServerModelConfig type not supported"),
    "custom config": ("custom_model_config { }", "ServerModelConfig type not supported"),
    "same name twice": (
        "model_config_list { config { name: 'm' base_path: '/m' model_platform: 'tensorflow' } config { name: 'm' } }",
        "^Illegal to list model m multiple times in config list$",
    ),
    "unknown platform": (
        "model_config_list { config { name: 'm' base_path: '/m' model_platform: 'caffe' } }",
        "^Model m requests unsupported platform caffe$",
    ),
    "no platform": (
        "model_config_list { config { name: 'm' base_path: '/m' } }",
        "^Illegal setting neither ModelServerConfig::model_type nor ModelServerConfig::model_platform.$",
    ),
    "unknown type": (
        "model_config_list { config { name: 'm' base_path: '/m' model_type: OTHER } }",
        "^ModelServerConfig::model_type choice 2 not supported.$",
    ),
    "relative path": (
        "model_config_list { config { name: 'm' base_path: 'models/m' model_platform: 'tensorflow' } }",
        r"^Expected model m to have an absolute path or URI; got base_path\(\)=models/m$",
    ),
}


@pytest.mark.parametrize(("text", "message"), BAD_CONFIGS.values(), ids=BAD_CONFIGS)
def test_bad_config_text(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "models.config"
    file.write_text(text)
    with pytest.raises(InvalidArgument, match=message):
        parse_config_file(file)


def test_unreadable_config_files(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for name in ("missing", "binary", "."):
        with pytest.raises(InvalidArgument, match="^Cannot read the model config file .*: "):
            parse_config_file(tmp_path / name)

"""Tests of reading a SavedModel without TensorFlow. The signatures must equal those that TensorFlow loads."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
from keras_gallery.serving.errors import DataLoss, NotFound, OutOfRange, ServingError
from keras_gallery.serving.saved_model import fingerprint, read_meta_graph, read_signatures
from keras_gallery.serving.wire import dtypes, messages
from keras_gallery.serving.wire.signature import TensorSpec

FLOAT = dtypes.BY_NUMBER[1]


def saved_model(*tags: tuple[str, ...], dtype: int = 1) -> bytes:
    """Returns a SavedModel with one graph per set of tags, each with a signature from `x` (?, 3) to `y` (any rank)."""
    message = messages.SavedModel(saved_model_schema_version=1)
    for each in tags:
        graph = message.meta_graphs.add()
        graph.meta_info_def.tags.extend(each)
        signature = graph.signature_def["serving_default"]
        signature.method_name = "tensorflow/serving/predict"
        signature.inputs["x"].name, signature.inputs["x"].dtype = "serving_default_x:0", dtype
        for size in (-1, 3):
            signature.inputs["x"].tensor_shape.dim.add().size = size
        signature.outputs["y"].name, signature.outputs["y"].dtype = "StatefulPartitionedCall:0", 1
        signature.outputs["y"].tensor_shape.unknown_rank = True
        graph.signature_def["__saved_model_init_op"].method_name = ""
    return bytes(message.SerializeToString())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "saved_model.pb").write_bytes(saved_model(("serve",)))
    (tmp_path / "variables").mkdir()
    (tmp_path / "variables" / "variables.index").write_bytes(b"index")
    (tmp_path / "variables" / "variables.data-00000-of-00001").write_bytes(bytes(range(100)))
    return tmp_path


def test_signatures(folder: Path) -> None:
    (signature,) = read_signatures(folder).values()
    assert (signature.name, signature.method_name) == ("serving_default", "tensorflow/serving/predict")
    assert signature.inputs == {"x": TensorSpec("serving_default_x:0", FLOAT, (-1, 3))}
    assert signature.outputs == {"y": TensorSpec("StatefulPartitionedCall:0", FLOAT, None)}


def test_signatures_equal_those_that_tensorflow_loads(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import tensorflow as tf

        module = tf.Module()
        scale = tf.function(lambda x, n: {"y": x * tf.cast(n, tf.float32), "s": tf.strings.as_string(n)})
        module.scale = scale.get_concrete_function(
            tf.TensorSpec([None, 2, 3], tf.float32, name="x"), tf.TensorSpec([], tf.int64, name="n")
        )
        tf.saved_model.save(module, str(tmp_path), {"scale": module.scale})
        theirs = tf.saved_model.load(str(tmp_path)).signatures
    ours = read_signatures(tmp_path)
    assert ours.keys() == theirs.keys() == {"scale"}

    def plain(specs: Any) -> Any:
        return {name: (spec.dtype.as_datatype_enum, spec.shape.as_list()) for name, spec in specs.items()}

    def known(specs: dict[str, TensorSpec]) -> Any:
        return {
            name: (spec.dtype.number, [None if size < 0 else size for size in spec.shape or ()])
            for name, spec in specs.items()
        }

    assert known(ours["scale"].inputs) == plain(theirs["scale"].structured_input_signature[1])
    assert known(ours["scale"].outputs) == plain(theirs["scale"].structured_outputs)


@pytest.mark.parametrize(
    ("wanted", "shape", "accepted"),
    [
        ((-1, 3), (0, 3), True),
        ((-1, 3), (7, 3), True),
        ((-1, 3), (7, 4), False),
        ((-1, 3), (3,), False),
        ((-1, 3), (1, 1, 3), False),
        ((), (), True),
        ((), (1,), False),
        (None, (), True),
        (None, (2, 5), True),
    ],
)
def test_which_shapes_a_spec_accepts(wanted: tuple[int, ...] | None, shape: tuple[int, ...], accepted: bool) -> None:
    assert TensorSpec("x:0", FLOAT, wanted).accepts(shape) is accepted


def test_a_missing_saved_model(tmp_path: Path) -> None:
    message = (
        f"Could not find SavedModel .pb or .pbtxt at supplied export directory path: {tmp_path}. "
        "Check that the directory exists and that you have the right permissions for accessing it."
    )
    with pytest.raises(NotFound) as caught:
        read_meta_graph(tmp_path)
    assert str(caught.value) == message


WHOLE = saved_model(("serve",))


@pytest.mark.parametrize("length", [1, 3, 5, len(WHOLE) // 2, len(WHOLE) - 1])
def test_a_truncated_file(folder: Path, length: int) -> None:
    (folder / "saved_model.pb").write_bytes(WHOLE[:length])
    with pytest.raises(OutOfRange, match="^Read less bytes than requested$"):
        read_meta_graph(folder)


@pytest.mark.parametrize("content", [b"", b"\x08\x01", b"no SavedModel", bytes(100), b"\xff" * 50])
def test_a_file_that_is_not_a_saved_model(folder: Path, content: bytes) -> None:
    (folder / "saved_model.pb").write_bytes(content)
    with pytest.raises(ServingError):
        read_meta_graph(folder)


@pytest.mark.parametrize("tags", [[], [("train",)], [("serve", "gpu")], [("serve", "gpu"), ("train",)]], ids=str)
def test_no_graph_with_exactly_these_tags(folder: Path, tags: list[tuple[str, ...]]) -> None:
    (folder / "saved_model.pb").write_bytes(saved_model(*tags))
    with pytest.raises(NotFound, match="Could not find meta graph def matching supplied tags"):
        read_meta_graph(folder)


def test_tags_select_the_graph(folder: Path) -> None:
    (folder / "saved_model.pb").write_bytes(saved_model(("train",), ("gpu", "serve"), ("serve",)))
    assert list(read_meta_graph(folder).meta_info_def.tags) == ["serve"]
    for tags in (["serve", "gpu"], ["gpu", "serve"], ["serve", "gpu", "serve"]):
        assert list(read_meta_graph(folder, tags).meta_info_def.tags) == ["gpu", "serve"]
    with pytest.raises(NotFound, match="matching supplied tags: { tpu serve }. To inspect available tag-sets"):
        read_meta_graph(folder, ["serve", "tpu"])


def test_a_saved_model_in_text_format(folder: Path) -> None:
    binary = (folder / "saved_model.pb").read_bytes()
    want = read_signatures(folder)
    (folder / "saved_model.pbtxt").write_text("not read if there is a saved_model.pb")
    assert read_signatures(folder) == want
    (folder / "saved_model.pb").unlink()
    (folder / "saved_model.pbtxt").write_text(str(messages.SavedModel.FromString(binary)))
    assert read_signatures(folder) == want
    (folder / "saved_model.pbtxt").write_text("no_such_field: 1")
    with pytest.raises(DataLoss, match="Can't parse .*saved_model.pbtxt as text proto: .*no_such_field"):
        read_signatures(folder)


def test_default_values_of_inputs(folder: Path) -> None:
    saved = messages.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    value = saved.meta_graphs[0].signature_def["serving_default"].defaults["x"]
    value.dtype, value.float_val[:] = 1, [2.5]
    (folder / "saved_model.pb").write_bytes(saved.SerializeToString())
    assert read_signatures(folder)["serving_default"].defaults == {"x": 2.5}


@pytest.mark.parametrize(("number", "enum"), [(20, "DT_RESOURCE"), (12, "DT_QUINT8"), (999, "DT_999")])
def test_dtypes_that_requests_cannot_have(folder: Path, number: int, enum: str) -> None:
    """Reading does not fail, because other signatures of the model may be usable."""
    (folder / "saved_model.pb").write_bytes(saved_model(("serve",), dtype=number))
    dtype = read_signatures(folder)["serving_default"].inputs["x"].dtype
    assert (dtype.number, dtype.enum, dtype.name) == (number, enum, enum.removeprefix("DT_").lower())
    assert all(dtype.numpy != row.numpy for row in dtypes.DATA_TYPES)


# === Fingerprint ===


@pytest.mark.parametrize(
    "name", ["saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"]
)
def test_every_byte_changes_the_fingerprint(folder: Path, name: str) -> None:
    file, fingerprints = folder / name, {fingerprint(folder)}
    content = file.read_bytes()
    for at in range(len(content)):
        file.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        fingerprints.add(fingerprint(folder))
    assert len(fingerprints) == len(content) + 1


def add_extra_asset(variables: Path) -> None:
    (variables.parent / "assets.extra").mkdir()
    (variables.parent / "assets.extra" / "note").write_text("not part of the model")


def move_a_byte(variables: Path) -> None:
    (variables / "variables.index").write_bytes(b"inde")
    data = variables / "variables.data-00000-of-00001"
    data.write_bytes(b"x" + data.read_bytes())


def rename(variables: Path) -> None:
    (variables / "variables.index").rename(variables / "variables.index2")


def to_text(variables: Path) -> None:
    (variables.parent / "saved_model.pb").rename(variables.parent / "saved_model.pbtxt")


def add(variables: Path) -> None:
    (variables / "variables.data-00001-of-00002").touch()


@pytest.mark.parametrize(
    ("change", "same"),
    [(add_extra_asset, True), (move_a_byte, False), (rename, False), (add, False), (to_text, False)],
)
def test_fingerprint_of_changed_files(folder: Path, change: Any, same: bool) -> None:
    before = fingerprint(folder)
    change(folder / "variables")
    assert (fingerprint(folder) == before) is same


def test_fingerprint_does_not_depend_on_the_path(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    copy = tmp_path_factory.mktemp("copy") / "2"
    before = fingerprint(folder)
    folder.rename(copy)
    assert fingerprint(copy) == before

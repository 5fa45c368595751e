"""Builds SavedModels with many dtypes, shapes and operations, using TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

v1 = tf.compat.v1
Spec = tf.TensorSpec
WEIGHTS = np.random.default_rng(3).normal(size=(6, 4)).astype(np.float32)
WORDS = ["zero", "one", "two"]
DTYPES = [
    *("float32", "float64", "float16", "bfloat16", "complex64", "complex128", "bool"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
]


def save(folder: Path, signatures: dict[str, tuple[list[Any], Callable[..., Any]]], **tracked: Any) -> None:
    """Writes a TF2 SavedModel with one function per signature.

    Args:
        folder: folder of the SavedModel to write.
        signatures: specs of the inputs and the function, by signature name.
        **tracked: variables and tables that the functions use.
    """
    module = tf.Module()
    for name, value in tracked.items():
        setattr(module, name, value)
    functions = {}
    for name, (specs, body) in signatures.items():
        functions[name] = tf.function(body, specs)
        setattr(module, "f_" + name, functions[name])
    tf.saved_model.save(module, str(folder), functions)


def dtypes(folder: Path) -> None:
    """Writes a signature for each dtype, named after the dtype. Each signature reverses the columns of x (batch, 3)."""

    def reversed_columns(dtype: str) -> tuple[list[Any], Callable[..., Any]]:
        return [Spec([None, 3], dtype, name="x")], lambda x: {"y": x[:, ::-1]}

    save(folder, {dtype: reversed_columns(dtype) for dtype in [*DTYPES, "string"]})


def shapes(folder: Path) -> None:
    """Writes signatures without a batch dimension, with any rank, and with many outputs."""
    save(
        folder,
        {
            "any_rank": ([Spec(None, tf.float32, name="x")], lambda x: {"size": tf.size(x), "x": tf.identity(x)}),
            "scalar": ([Spec([], tf.float32, name="x")], lambda x: {"y": x + 1}),
            "vector": ([Spec([3], tf.float32, name="x")], lambda x: {"y": x[::-1]}),
            "two": (
                [Spec([None, 2], tf.float32, name="b"), Spec([None], tf.int64, name="a")],
                lambda b, a: {"sum": b + tf.cast(a, tf.float32)[:, None], "a": a, "c": b * 2},
            ),
            "repeat": (
                [Spec([], tf.int64, name="n")],
                lambda n: {"y": tf.while_loop(lambda y: y < n, lambda y: [y + 1], [tf.constant(0, tf.int64)])[0]},
            ),
            "many": ([Spec([None], tf.float32, name="x")], lambda x: {f"y{n}": x + n for n in range(9)}),
        },
    )


def words_table(folder: Path) -> Any:
    """Returns a lookup table from words to integers. Saving a model copies the table's file to the model's assets."""
    file = folder.parent / "words.txt"
    file.write_text("\n".join(WORDS))
    words = tf.lookup.TextFileInitializer(
        str(file), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER
    )
    return tf.lookup.StaticHashTable(words, -1)


def examples(folder: Path) -> None:
    """Writes a signature that parses tf.Examples, with a variable and a lookup table from an asset file."""
    table = words_table(folder)
    factor = tf.Variable(10.0)
    features = {"word": tf.io.FixedLenFeature([], tf.string), "x": tf.io.FixedLenFeature([2], tf.float32)}

    def run(inputs: Any) -> Any:
        row = tf.io.parse_example(inputs, features)
        return {"number": table.lookup(row["word"]), "sum": factor * tf.reduce_sum(row["x"], 1)}

    save(folder, {"serving_default": ([Spec([None], tf.string, name="inputs")], run)}, table=table, factor=factor)
    (folder.parent / "words.txt").unlink()


def tf1(folder: Path, *, as_text: bool = False) -> None:
    """Writes a TensorFlow 1 SavedModel with two graphs, which have different tags.

    Each graph has reference and resource variables, a lookup table from an asset file, and signatures that share an
    input.
    """
    builder = v1.saved_model.Builder(str(folder))
    for tags, offset in ((["serve"], 0.0), (["serve", "gpu"], 100.0)):
        with v1.Graph().as_default(), v1.Session() as session:
            x = v1.placeholder(tf.float32, [None, 6], "x")
            old = v1.get_variable("old", initializer=WEIGHTS, use_resource=False)
            new = v1.get_variable("new", initializer=np.float32(0.5), use_resource=True)
            table = words_table(folder)
            word = v1.placeholder(tf.string, [None], "word")
            code = v1.matmul(x, old) + new + offset
            session.run([v1.global_variables_initializer(), v1.tables_initializer()])
            make = v1.saved_model.predict_signature_def
            signatures = {
                "code": make({"x": x}, {"code": code}),
                "total": make({"x": x}, {"total": tf.reduce_sum(code, 1), "code": code}),
                "look_up": make({"word": word}, {"number": table.lookup(word)}),
                "checked": make({"x": x}, {"y": tf.debugging.check_numerics(x, "Expected numbers"), "code": code}),
            }
            assets = v1.get_collection(v1.GraphKeys.ASSET_FILEPATHS)
            more = {"main_op": v1.tables_initializer(), "assets_collection": assets}
            if offset:
                builder.add_meta_graph(tags, signatures, **more)
            else:
                builder.add_meta_graph_and_variables(session, tags, signatures, **more)
    builder.save(as_text=as_text)
    (folder.parent / "words.txt").unlink()


def networks(folder: Path) -> None:
    """Writes signatures that OpenVINO can run, and signatures that OpenVINO must not run for various reasons."""
    rng = np.random.default_rng(5)
    kernel = tf.Variable(rng.normal(size=(3, 3, 1, 4)).astype(np.float32))
    dense = tf.Variable(rng.normal(size=(6, 8)).astype(np.float32))
    count = tf.Variable(0.0)
    generator = tf.random.Generator.from_seed(1)
    rows, images = [Spec([None, 6], tf.float32, name="x")], [Spec([None, 8, 8, 1], tf.float32, name="x")]
    integers = [Spec([None, 6], tf.int32, name="x")]
    window = rng.normal(size=(4, 6, 2)).astype(np.float32)

    def counted(x: Any) -> Any:
        return {"y": x + count.assign_add(1.0)}

    save(
        folder,
        {
            "dense": (rows, lambda x: {"y": tf.nn.relu(x @ dense)}),
            "dense_copy": (rows, lambda x: {"y": tf.nn.relu(x @ dense)}),
            "same_name": (rows, lambda x: {"x": tf.nn.relu(x @ dense)}),
            "conv": (images, lambda x: {"y": tf.nn.conv2d(x, kernel, 2, "SAME"), "a": tf.reduce_mean(x, [1, 2])}),
            "bytes": ([Spec([None, 4], tf.uint8, name="x")], lambda x: {"y": tf.cast(x, tf.float32) / 255.0}),
            "integers": (integers, lambda x: {"y": tf.cast(x, tf.float32) * 0.5}),
            "int64": ([Spec([None, 6], tf.int64, name="x")], lambda x: {"y": x[:, ::-1]}),
            "integer_sum": (integers, lambda x: {"y": x + 1}),
            "double": ([Spec([None, 6], tf.float64, name="x")], lambda x: {"y": x * 2}),
            "division": (integers, lambda x: {"y": 7 // x}),
            "gather": (integers, lambda x: {"y": tf.gather(dense, x)}),
            "to_integers": (rows, lambda x: {"y": tf.cast(x, tf.int32)}),
            "random": (rows, lambda x: {"y": x + tf.random.uniform([6])}),
            "counter": (rows, counted),
            "reads_counter": (rows, lambda x: {"y": x + count}),
            "generator": (rows, lambda x: {"y": x + generator.normal([6])}),
            "reads_generator": (rows, lambda x: {"y": x + tf.cast(generator.state[0], tf.float32)}),
            "scattered": (rows, lambda x: {"y": tf.scatter_nd([[0]], [tf.reduce_sum(x @ dense, 0)], [2, 8])}),
            "loop": (rows, lambda x: {"y": tf.map_fn(lambda row: row * 2, x)}),
            "strings": (rows, lambda x: {"y": tf.strings.as_string(x)}),
            "any_rank": ([Spec(None, tf.float32, name="x")], lambda x: {"y": x * 2}),
            "large_factor": (rows, lambda x: {"y": x * 1e20 * 1e20}),
            "steps": ([Spec([None, None, 6], name="x")], lambda x: {"y": tf.nn.conv1d(x, window, 1, "VALID")}),
            "fill": (integers, lambda x: {"y": tf.fill(x[0, :2], 1.0)}),
            "padded": (
                [Spec([None, 4], tf.uint8, name="x")],
                lambda x: {"y": tf.pad(tf.cast(x, tf.float32), [[0, 0], [1, 1]])},
            ),
            "batch_mean": (rows, lambda x: {"y": x - tf.reduce_mean(x, 0, keepdims=True)}),
        },
        kernel=kernel,
        dense=dense,
        count=count,
        generator=generator,
    )


def windows(folder: Path) -> None:
    """Writes a signature with a convolution that needs sequences of at least four steps."""
    window = np.random.default_rng(5).normal(size=(4, 6, 2)).astype(np.float32)
    save(
        folder,
        {"steps": ([Spec([None, None, 6], name="x")], lambda x: {"y": tf.nn.conv1d(x, window, 1, "VALID")})},
    )


def tflite_source(folder: Path) -> None:
    """Writes the SavedModel that `tflite` converts."""
    rows = [Spec([None, 3], tf.float32, name="x")]
    two = [Spec([None, 2], tf.float32, name="a"), Spec([None], tf.int32, name="b")]
    words = [Spec([None], tf.string, name="words"), Spec([None], tf.int32, name="at")]
    save(
        folder,
        {
            "serving_default": (rows, lambda x: {"y": tf.nn.relu(x)}),
            "two": (two, lambda a, b: {"sum": a + tf.cast(b, tf.float32)[:, None], "twice": b * 2}),
            "pick": (words, lambda words, at: {"picked": tf.gather(words, at)}),
        },
    )


def tflite(folder: Path, source: Path) -> None:
    """Writes a version folder with a `model.tflite` that has all signatures of the SavedModel `source`."""
    signatures = ["serving_default", "two", "pick"]
    converter = tf.lite.TFLiteConverter.from_saved_model(str(source), signature_keys=signatures)
    folder.mkdir(parents=True)
    (folder / "model.tflite").write_bytes(converter.convert())


def tflite_without_signatures(folder: Path) -> None:
    """Writes a version folder with a `model.tflite` that has no signatures."""
    function = tf.function(lambda a, b: (a + b, a * 2), [Spec([None, 3], tf.float32, name=name) for name in "ab"])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], tf.Module())
    folder.mkdir(parents=True)
    (folder / "model.tflite").write_bytes(converter.convert())

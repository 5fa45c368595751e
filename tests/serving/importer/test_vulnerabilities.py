"""Tests of published attacks through a model's configuration. An import must refuse each malicious file.

Several tests also check that the attack works without the importer. Sources: the CVE records, and the advisories of
keras-team/keras and of HDF Group.
"""

from __future__ import annotations

import base64
import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras_gallery.serving.errors import InvalidArgument

from .crafted import SECRET, assert_refused, function, insert, layer, read_config, rewrite, rewrite_h5


def lambda_that_touches(canary: Path) -> dict[str, Any]:
    """Returns the configuration of a Lambda layer with bytecode that creates the file `canary`."""
    attack = eval(f"lambda x: (open({str(canary)!r}, 'w').close(), x)[1]")
    config: dict[str, Any] = keras.saving.serialize_keras_object(keras.layers.Lambda(attack, name="payload"))
    return config


def test_cve_2024_3660_lambda_bytecode(small_keras: Path, tmp_path: Path, canary: Path, read: Any) -> None:
    """Lambda layers contain marshalled functions."""
    file = rewrite(small_keras, tmp_path / "a.keras", insert(lambda_that_touches(canary)))
    assert_refused(read, file, "layer 'payload' of class Lambda", "--trust")
    assert not canary.exists()
    read(file, trust=True)
    assert canary.exists()  # the attack works


def test_cve_2025_9905_lambda_in_hdf5(small_h5: Path, tmp_path: Path, canary: Path, read: Any) -> None:
    """Keras's safe mode was ignored for HDF5 files."""
    payload = lambda_that_touches(canary)
    code = payload["config"]["function"]["config"]
    payload = {
        "class_name": "Lambda",
        "config": {
            "name": "payload",
            "function": [code["code"], code["defaults"], code["closure"]],
            "function_type": "lambda",
        },
    }
    file = rewrite_h5(small_h5, tmp_path / "a.h5", insert(payload))
    assert_refused(read, file, "layer 'payload' of class Lambda")
    assert not canary.exists()


def test_cve_2026_12481_lambda_deep_inside(small_keras: Path, tmp_path: Path, canary: Path, read: Any) -> None:
    """Outside of a scope, `Lambda.from_config` did not use safe mode. Here a nested model has a wrapped Lambda."""
    payload = layer("TimeDistributed", layer=lambda_that_touches(canary))
    payload["config"]["name"] = "outer"
    inner = read_config(small_keras)
    inner["config"]["layers"].append(payload)
    file = rewrite(small_keras, tmp_path / "a.keras", insert(inner))
    assert_refused(read, file, "layer 'payload' of class Lambda")
    assert not canary.exists()


def test_cve_2025_1550_any_function_of_any_module(small_keras: Path, tmp_path: Path, canary: Path, read: Any) -> None:
    """A layer could name any function of any module. Keras called the function with arguments from the file."""
    payload = {
        **function("system", "os"),
        "name": "payload",
        "inbound_nodes": [{"args": [f"touch {canary}"], "kwargs": {}}],
    }
    file = rewrite(small_keras, tmp_path / "a.keras", insert(payload))
    assert_refused(read, file, "layer 'payload' with function 'os.system'")
    assert not canary.exists()


@pytest.mark.parametrize("module", ["os", "subprocess", "keras.src.utils.file_utils", "keras.layers"])
def test_cve_2025_1550_any_class_of_any_module(module: str, small_keras: Path, tmp_path: Path, read: Any) -> None:
    file = rewrite(small_keras, tmp_path / "a.keras", insert(layer("Popen", module)))
    assert_refused(read, file, "layer 'payload' of class Popen")
    file = rewrite(small_keras, tmp_path / "b.keras", insert(layer("Dense", module.replace(".l", ".src.l"))))
    assert_refused(read, file, "layer 'payload' of class Dense", f"'{module.replace('.l', '.src.l')}'")


def test_cve_2025_8747_functions_of_keras_as_gadgets(
    small_keras: Path, tmp_path: Path, secret: Path, read: Any
) -> None:
    """A Lambda layer could call `keras.utils.get_file`, which downloads any file to any folder."""
    fetched = tmp_path / "fetched"
    arguments = {"origin": secret.as_uri(), "cache_dir": str(tmp_path), "cache_subdir": "fetched"}
    assert Path(keras.utils.get_file("stolen", **arguments)).read_bytes() == SECRET  # the attack works
    (fetched / "stolen").unlink()
    payload = layer("Lambda", function=function("get_file", "keras.utils"), arguments=arguments)
    payload["inbound_nodes"] = [{"args": ["stolen"], "kwargs": {}}]
    assert_refused(read, rewrite(small_keras, tmp_path / "a.keras", insert(payload)), "layer 'payload' of class Lambda")
    # The same attack with an Activation layer, which also has a function.
    payload = layer("Activation", activation=function("get_file", "keras.utils"))
    assert_refused(
        read, rewrite(small_keras, tmp_path / "b.keras", insert(payload)), "'payload'", "keras.utils.get_file"
    )
    assert not list(fetched.iterdir())


def test_cve_2025_9906_turning_safe_mode_off(small_keras: Path, tmp_path: Path, canary: Path, read: Any) -> None:
    """The file called `enable_unsafe_deserialization`. After that, Keras loaded a Lambda layer in the same file."""
    off = layer("Activation", activation=function("enable_unsafe_deserialization", "keras.config"))

    def change(config: dict[str, Any]) -> None:
        config["config"]["layers"] += [off, lambda_that_touches(canary)]

    file = rewrite(small_keras, tmp_path / "a.keras", change)
    assert_refused(read, file, "'payload'", "keras.config.enable_unsafe_deserialization")
    assert not canary.exists()


def test_cve_2025_49655_torch_module_wrapper(small_keras: Path, tmp_path: Path, canary: Path, read: Any) -> None:
    """Even in safe mode, `TorchModuleWrapper` unpickled bytes from the file."""

    class Attack:
        def __reduce__(self) -> tuple[Any, ...]:
            return open, (str(canary), "w")

    pickled = pickle.dumps(Attack())
    pickle.loads(pickled).close()
    assert canary.exists()  # the attack works
    canary.unlink()
    payload = layer("TorchModuleWrapper")
    payload["config"]["module"] = base64.b64encode(pickled).decode()
    assert_refused(
        read, rewrite(small_keras, tmp_path / "a.keras", insert(payload)), "'payload' of class TorchModuleWrapper"
    )
    assert not canary.exists()


def test_cve_2026_1462_tfsm_layer(small_keras: Path, tmp_path: Path, canary: Path, read: Any) -> None:
    """`TFSMLayer` loads a graph from a path, and a graph can write files."""
    path = str(canary)

    class Attack(tf.Module):  # type: ignore[misc]
        @tf.function(input_signature=[tf.TensorSpec((None, 2))])
        def serve(self, x: Any) -> Any:
            tf.io.write_file(path, "was here")
            return x

    attack = Attack()
    tf.saved_model.save(attack, str(tmp_path / "graph"), signatures=attack.serve)
    payload = layer("TFSMLayer", filepath=str(tmp_path / "graph"), call_endpoint="serving_default")
    file = rewrite(small_keras, tmp_path / "a.keras", insert(payload))
    assert_refused(read, file, "layer 'payload' of class TFSMLayer", "--trust")
    assert not canary.exists()
    keras.layers.TFSMLayer(tmp_path / "graph", call_endpoint="serving_default")(np.zeros((1, 2), np.float32))
    assert canary.exists()  # the attack works


def test_namespace_hijack_by_registered_name(small_keras: Path, tmp_path: Path, read: Any) -> None:
    """A class that a library registered could replace Keras's own class (keras-team/keras#22779)."""
    calls: list[str] = []

    @keras.saving.register_keras_serializable("hijack", "Dense")
    class Other(keras.layers.Dense):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            calls.append("was here")
            super().__init__(*args, **kwargs)

    try:
        payload = {**layer("Dense", units=2), "registered_name": "hijack>Dense"}
        file = rewrite(small_keras, tmp_path / "a.keras", insert(payload))
        assert_refused(read, file, "layer 'payload' of class Dense", "'hijack>Dense'", "--classes")
        payload = layer("Activation", activation="hijack>Dense")
        assert_refused(read, rewrite(small_keras, tmp_path / "b.keras", insert(payload)), "'payload'", "'hijack>Dense'")
        assert calls == []
    finally:
        del keras.saving.get_custom_objects()["hijack>Dense"]


def test_cve_2021_37678_yaml(tmp_path: Path, read: Any) -> None:
    """Architectures in YAML could create any Python object."""
    file = tmp_path / "model.yaml"
    file.write_text("backend: !!python/object/apply:os.system ['true']\nclass_name: Sequential\n")
    assert_refused(read, file, "YAML", error=InvalidArgument)


@pytest.mark.parametrize("protocol", [2, 5])
def test_pickled_models(protocol: int, tmp_path: Path, canary: Path, read: Any) -> None:
    """`pickle` and `joblib` files run code by design."""

    class Attack:
        def __reduce__(self) -> tuple[Any, ...]:
            return open, (str(canary), "w")

    file = tmp_path / "model.pkl"
    file.write_bytes(pickle.dumps(Attack(), protocol))
    assert_refused(read, file, "pickle", error=InvalidArgument)
    assert not canary.exists()


def test_weights_as_pickled_arrays(small_keras: Path, tmp_path: Path, canary: Path, read: Any) -> None:
    """`model.weights.npz` contains dictionaries, which NumPy stores as pickles."""
    packed = io.BytesIO()
    np.savez(packed, **{"layers/dense/vars": np.array({"0": 1}, object)})
    file = tmp_path / "a.keras"
    with zipfile.ZipFile(file, "w") as archive, zipfile.ZipFile(small_keras) as source:
        archive.writestr("config.json", source.read("config.json"))
        archive.writestr("model.weights.npz", packed.getvalue())
    assert_refused(read, file, "pickles", "model.save")

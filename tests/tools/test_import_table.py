"""Checks that the table of imported models has every layer and every application of Keras."""

from __future__ import annotations

import ast

from keras_gallery.serving.quiet import quiet_import

with quiet_import():
    import keras

from tools.import_table.applications import SIZES
from tools.import_table.cases import cases
from tools.import_table.layers import EXCLUDED, codes


def names(code: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}


def test_every_layer_is_in_the_table_or_excluded_with_a_reason() -> None:
    classes = {name: each for name, each in vars(keras.layers).items() if isinstance(each, type)}
    used = {name for _, code, versions in codes() if 3 in versions for name in names(code)}
    listed = {classes[name] for name in used & classes.keys()}  # some classes have several names
    missing = {each.__name__ for each in classes.values() if each not in listed} - EXCLUDED.keys()
    assert not missing
    assert EXCLUDED.keys() <= classes.keys() - used


def test_every_application_is_in_the_table() -> None:
    found = {name for name, each in vars(keras.applications).items() if callable(each) and name[0].isupper()}
    assert found == SIZES.keys()


def test_keys_are_unique() -> None:
    keys = [case.key for case in cases()]
    assert len(keys) == len(set(keys))

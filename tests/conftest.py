"""Pytest hooks and fixtures for all tests."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import random_inputs  # noqa: F401  (registers the profile for --hypothesis-profile)
from .costs import LONGEST
from .needs_models import PACKAGES, REASON, TESTS, function_needs, installed, module_needs

# The tests run in several processes, so one thread each takes less time. TensorFlow and OpenMP read these on import.
for variable in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

# The tests train for seconds, so XLA, which TensorFlow and JAX use, should compile fast rather than produce fast code.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true --xla_cpu_use_fusion_emitters=false",
)

# The commands that the tests start then do not import JAX.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

# Keras and TensorFlow hold millions of objects, so frequent garbage collections take 5 % of the time of the tests.
gc.set_threshold(100_000, 50, 50)


def pytest_configure(config: pytest.Config) -> None:
    # A shell may start a background process that ignores SIGINT. The processes that the tests start would inherit this.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Keras on TensorFlow reads its variables with a call that NumPy 2 deprecates.
    config.addinivalue_line(
        "filterwarnings", "ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"
    )
    # Hypothesis warns if any thread draws random numbers. A thread of OpenTelemetry draws a number before each retry.
    config.addinivalue_line("filterwarnings", "ignore:Do not use the `random` module inside strategies")


class SkippedModule(pytest.Module):
    """A test module that is skipped because packages of the `models` extra are missing."""

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        pytest.skip(REASON, allow_module_level=True)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    # With -m "not models", pytest imports no module that needs the extra: importing TensorFlow is slow.
    deselected = "not models" in config.option.markexpr and collection_path.name.startswith("test_")
    return True if deselected and collection_path.suffix == ".py" and module_needs(collection_path) else None


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    if installed() or not module_needs(module_path):
        return None
    return SkippedModule.from_parent(parent, path=module_path)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    # The bytes of a file in the name of a test are unreadable, and may hold the time. pytest then numbers the tests.
    return argname if isinstance(val, bytes) and not val.isalnum() else None


@pytest.hookimpl(tryfirst=True)  # before pytest applies -m
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function) and needs_models(item):
            item.add_marker("models")
        if not installed() and item.get_closest_marker("models"):
            item.add_marker(pytest.mark.skip(reason=REASON))
    items.sort(key=lambda item: LONGEST.get(item.path.relative_to(TESTS).as_posix(), len(LONGEST)))


def pytest_collection_finish() -> None:
    gc.freeze()  # saves time: the garbage collector skips the thousands of collected tests


def needs_models(test: pytest.Function) -> bool:
    fixtures = test._fixtureinfo.name2fixturedefs.values()
    functions = [test.function, *(each.func for definitions in fixtures for each in definitions)]
    return module_needs(test.path) or any(
        function_needs(Path(each.__code__.co_filename), each.__name__)
        for each in functions
        if hasattr(each, "__code__")
    )


@pytest.fixture(autouse=True)
def models_only_if_marked(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test that imports a package of the `models` extra without the mark `models`."""
    before = {name for name in PACKAGES if name in sys.modules}
    yield
    if not request.node.get_closest_marker("models"):
        imported = {name for name in PACKAGES if name in sys.modules} - before
        assert not imported, f"imports {', '.join(sorted(imported))}: mark the test with @pytest.mark.models"


@pytest.fixture(autouse=True)
def denormal_numbers() -> Iterator[None]:
    """Enables denormal numbers again after each test: OpenVINO treats them as zero in the threads that it uses."""
    yield
    if sys.platform == "linux":
        default_environment = ctypes.c_void_p(-1)  # FE_DFL_ENV
        ctypes.CDLL("libm.so.6").fesetenv(default_environment)

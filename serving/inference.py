"""Predict, metadata and status on NumPy arrays: what both faces call. Knows no network.

The checks and their words are TensorFlow Serving's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from .engines import Arrays
from .errors import FailedPrecondition, InvalidArgument
from .manager import Manager
from .saved_model import DEFAULT_SIGNATURE, SignatureDef
from .servable import Servable, Signature
from .wire import dtypes
from .wire.predict import Array, ModelSpec
from .wire.tensor import TensorError


class Inference:
    """Answers requests with what the manager holds."""

    def __init__(self, manager: Manager, threads: int = 4) -> None:
        self.manager = manager
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="infer")

    async def predict(
        self, spec: ModelSpec | None, inputs: Mapping[str, Array | TensorError], outputs: Sequence[str] = ()
    ) -> tuple[ModelSpec, Arrays]:
        """Runs a signature.

        Args:
            spec: the model, version and signature that are asked for.
            inputs: arrays by input name.
            outputs: the names of the outputs wanted; all when empty.

        Returns:
            which model, version and signature answered, and the outputs by name.

        Raises:
            ServingError: NotFound for an unknown model, FailedPrecondition for an unknown signature,
                InvalidArgument for inputs or outputs that are not the signature's.
        """
        with self.manager.using(named(spec)) as servable:
            signature = find_signature(servable, spec.signature if spec else "")
            arrays = check_inputs(signature.definition, inputs)
            wanted = check_outputs(signature.definition, outputs)
            return answered(servable, signature), await self.run(signature, arrays, wanted)

    async def run(self, signature: Signature, arrays: Arrays, outputs: Sequence[str]) -> Arrays:
        """Runs on the event loop what is quick, and in a thread what is not."""
        if signature.quick:
            return signature.run(arrays, outputs)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, signature.run, arrays, outputs)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def named(spec: ModelSpec | None) -> ModelSpec:
    """`spec`, if it names a model."""
    if spec is None:
        raise InvalidArgument("Missing ModelSpec")
    if not spec.name:
        raise InvalidArgument("ModelSpec has no name specified.")
    return spec


def answered(servable: Servable, signature: Signature) -> ModelSpec:
    """The model spec of an answer."""
    return ModelSpec(servable.name, servable.version, signature=signature.definition.name)


def find_signature(servable: Servable, name: str) -> Signature:
    """The signature called `name`, "serving_default" when empty; FailedPrecondition if there is none."""
    name = name or DEFAULT_SIGNATURE
    signature = servable.signatures.get(name)
    if signature is None:
        raise FailedPrecondition(f'Serving signature key "{name}" not found.')
    return signature


def check_inputs(definition: SignatureDef, inputs: Mapping[str, Array | TensorError]) -> Arrays:
    """The inputs as arrays, if they are the signature's by number, name and dtype."""
    expected = definition.inputs
    if len(inputs) != len(expected):
        raise InvalidArgument(
            f"input size does not match signature: {len(inputs)}!={len(expected)} "
            f"len({_names(inputs)}) != len({_names(expected)}). "
            f"Sent extra: {_names(inputs.keys() - expected.keys())}. "
            f"Missing but required: {_names(expected.keys() - inputs.keys())}."
        )
    arrays: Arrays = {}
    for name in sorted(expected):
        array = inputs.get(name)
        if array is None:
            raise InvalidArgument(
                f"Signature input alias: {name}(feed name: {expected[name].tensor}) not found in request and no "
                f"default value provided. Inputs expected to be in the request {_names(inputs)}, "
                "or default input alias set: "
            )
        if isinstance(array, TensorError):
            raise InvalidArgument(f"tensor parsing error: {name}")
        arrays[name] = array
    for position, (name, array) in enumerate(arrays.items()):
        if array.dtype != expected[name].dtype.numpy:
            got = dtypes.of_array(array).name
            want = expected[name].dtype.name
            raise InvalidArgument(f"Expects arg[{position}] to be {want} but {got} is provided")
    return arrays


def check_outputs(definition: SignatureDef, outputs: Sequence[str]) -> Sequence[str]:
    """The wanted outputs, if they are the signature's; all of them when none is named."""
    seen: set[str] = set()
    for name in outputs:
        if name not in definition.outputs:
            raise InvalidArgument(
                f"output tensor alias not found in signature: {name} "
                f"Outputs expected to be in the set {_names(definition.outputs)}."
            )
        if name in seen:
            raise InvalidArgument(f"duplicate output tensor alias: {name}")
        seen.add(name)
    return outputs or sorted(definition.outputs)


def _names(names: Mapping[str, object] | set[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"

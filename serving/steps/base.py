"""The base class of the steps, and their JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from ...preparation.fields import BadPreparation, Fields

Array = np.ndarray[Any, Any]
Arrays = dict[str, Array]
Graphs = Mapping[str, Callable[[Arrays], Arrays]]
DTYPES = ("bfloat16", "float16", "float32", "float64")  # of the arrays that steps make for the graphs


@dataclass(frozen=True)
class Step:
    """One step of a signature. A step takes arrays by their names, and adds arrays.

    A subclass has the fields that its JSON has. If the same JSON would give other answers in a later version, the
    number in `kind` must change.

    Attributes:
        kind: name and version, such as "classes 1".
        is_quick: whether the time that the step takes depends only on the size of its inputs, and is short for small
            ones.
    """

    kind: ClassVar[str]
    is_quick: ClassVar[bool] = True
    kinds: ClassVar[dict[str, type[Step]]] = {}

    def __init_subclass__(cls) -> None:
        if cls.kind in Step.kinds:
            raise TypeError(f"Two classes of steps have the kind {cls.kind!r}.")
        Step.kinds[cls.kind] = cls

    @classmethod
    def read(cls, content: Fields) -> Step:
        """Returns the step in a JSON object. Raises BadPreparation for a wrong value."""
        raise NotImplementedError

    def run(self, arrays: Arrays, graphs: Graphs) -> Arrays:
        """Returns the new arrays.

        Args:
            arrays: the inputs of the signature, and the results of the steps before.
            graphs: the graphs of the model by name.

        Raises:
            ServingError: the arrays have wrong values.
        """
        raise NotImplementedError

    def may_block(self, arrays: Arrays) -> bool:
        """Returns whether the step may take long for these inputs of the signature, so that it must run in a thread."""
        return not self.is_quick

    def to_json(self) -> dict[str, Any]:
        """Returns the step as a JSON object. `read_step` reads it."""
        return {"step": self.kind} | {each.name: _to_json(getattr(self, each.name)) for each in fields(self)}

    def parts(self) -> Iterator[Step]:
        """Yields this step, and the steps inside it."""
        yield self
        for each in fields(self):
            value = getattr(self, each.name)
            for inner in value if isinstance(value, tuple) else (value,):
                if isinstance(inner, Step):
                    yield from inner.parts()


@dataclass(frozen=True)
class Graph(Step):
    """Runs a graph of the model. The names of its inputs and outputs are names of arrays.

    Attributes:
        graph: name of the graph.
    """

    kind = "graph 1"
    graph: str

    @classmethod
    def read(cls, content: Fields) -> Graph:
        return cls(content.string("graph"))

    def run(self, arrays: Arrays, graphs: Graphs) -> Arrays:
        return graphs[self.graph](arrays)


def read_step(content: Fields) -> Step:
    """Returns the step in a JSON object. Raises BadPreparation if it is no step of this version."""
    return Step.kinds[content.choice("step", tuple(Step.kinds))].read(content)


def read_steps(content: Any) -> tuple[Step, ...]:
    """Returns the steps in a JSON list. Raises BadPreparation."""
    if not isinstance(content, list) or not content:
        raise BadPreparation("Expected a list of steps.")
    found = []
    for each in content:
        step = Fields(each, "a step")
        found.append(read_step(step))
        step.check_all_known()
    return tuple(found)


def run_steps(steps: tuple[Step, ...], inputs: Arrays, graphs: Graphs) -> Arrays:
    """Takes the steps, one after the other. Returns the inputs and the results of all steps."""
    arrays = dict(inputs)
    for step in steps:
        arrays |= step.run(arrays, graphs)
    return arrays


def graphs_of(steps: tuple[Step, ...]) -> set[str]:
    """Returns the names of the graphs that the steps run."""
    return {each.graph for step in steps for each in step.parts() if isinstance(each, Graph)}


def _to_json(value: Any) -> Any:
    if isinstance(value, Step):
        return value.to_json()
    return [_to_json(each) for each in value] if isinstance(value, tuple) else value

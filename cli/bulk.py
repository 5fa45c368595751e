"""Sends many examples to a server: in batches, several at the same time, and without losing the others to a bad one."""

from __future__ import annotations

import itertools
import queue
import re
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..models.errors import GalleryError
from . import arrays
from .examples import BROKEN, PICTURE, Example

if TYPE_CHECKING:
    from ..serving.client import Client
    from .call import Call, Outputs

BATCH_BYTES = 8 << 20  # of the files or arrays in a request
QUICK, SLOW = 0.25, 4.0  # seconds: after a quick request, the next batches are four times as large
PAUSES = (0.5, 1.0, 2.0, 4.0)  # seconds before each new try, if the server is busy or restarts


@dataclass
class Answers:
    """The answers for a batch.

    Attributes:
        examples: the examples, in their order.
        errors: the error messages by the position in `examples`.
        outputs: the outputs, with a row for each example that has no error.
        warnings: warnings of the client, each with the name of the examples.
    """

    examples: list[Example]
    errors: dict[int, str] = field(default_factory=dict)
    outputs: Outputs = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


class Bulk:
    """Sends examples in batches, and returns the answers in the order of the examples.

    A batch first has one example. It grows while the server answers quickly, and shrinks if an answer takes several
    seconds, so that the time limit of a request is enough for slow models, too.

    Args:
        call: the task and the model.
        connect: returns a new client. Each thread has its own client.
        batch_size: the most examples in a request.
        in_flight: the most requests at the same time.
    """

    def __init__(self, call: Call, connect: Callable[[], Client], batch_size: int, in_flight: int) -> None:
        self._call, self._connect = call, connect
        self._most = min(batch_size, call.most_rows)
        self._rows = 1
        self._is_answered = False
        self._stopped = threading.Event()
        self._tasks: queue.SimpleQueue[tuple[list[Example], Future[Answers]]] = queue.SimpleQueue()
        self._in_flight = in_flight
        self._clients: list[Client] = []
        self._noted = threading.local()

    def answers(self, examples: Iterable[Example]) -> Iterator[Answers]:
        """Yields the answers for batches of the examples, in order.

        Raises:
            GalleryError: the model has no signature for a form of examples.
            ServingError: the server cannot be reached, does not have the model, or failed.
        """
        waiting: deque[Future[Answers]] = deque()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("always", UserWarning)
                warnings.showwarning = self._note  # type: ignore[assignment]
                for batch in self._batches(examples):
                    waiting.append(self._submit(batch))
                    while waiting and (waiting[0].done() or len(waiting) >= 2 * self._in_flight):
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
        finally:
            self._stop()

    def _batches(self, examples: Iterable[Example]) -> Iterator[list[Example]]:
        """Yields lists of examples of the same form and group."""
        batch: list[Example] = []
        size = 0
        forms: set[str] = set()
        for example in examples:
            if example.form not in forms:
                self._call.check(example)
                forms.add(example.form)
            is_other = batch and (batch[0].form, batch[0].group) != (example.form, example.group)
            if is_other or len(batch) >= self._rows or (batch and size + example.size > BATCH_BYTES):
                yield batch
                batch, size = [], 0
            batch.append(example)
            size += example.size
        if batch:
            yield batch

    def _submit(self, batch: list[Example]) -> Future[Answers]:
        future: Future[Answers] = Future()
        if batch[0].form == BROKEN:
            future.set_result(Answers(batch, {place: named(each, each.value) for place, each in enumerate(batch)}))
            return future
        if len(self._clients) < self._in_flight:
            # Daemon threads, so that Ctrl-C does not wait for them.
            self._clients.append(self._connect())
            threading.Thread(target=self._work, args=(self._clients[-1],), daemon=True).start()
        self._tasks.put((batch, future))
        return future

    def _stop(self) -> None:
        self._stopped.set()
        for client in self._clients:
            client.close()

    def _work(self, client: Client) -> None:
        """Answers the batches in the queue, in a thread."""
        while not self._stopped.is_set():
            try:
                batch, future = self._tasks.get(timeout=0.2)
            except queue.Empty:
                continue
            try:
                self._noted.warnings = []
                answers = self._answer(client, batch)
                names = batch[0].name + (
                    f" and {len(batch) - 1} more" if len({each.name for each in batch}) > 1 else ""
                )
                answers.warnings = [f"{names}: {text}" for text in dict.fromkeys(self._noted.warnings)]
                future.set_result(answers)
            except BaseException as error:
                future.set_exception(error)

    def _note(self, message: Warning | str, *_: Any) -> None:
        """Keeps a warning of the client for the batch of this thread."""
        if hasattr(self._noted, "warnings"):
            self._noted.warnings.append(str(message).partition("\n")[0])

    def _answer(self, client: Client, batch: list[Example]) -> Answers:
        answers = Answers(batch)
        loaded: list[tuple[int, Example]] = []
        for place, example in enumerate(batch):
            try:
                loaded.append((place, self._call.load(example)))
            except GalleryError as error:
                answers.errors[place] = named(example, error)
        parts: list[Outputs] = []
        for _, group in itertools.groupby(loaded, lambda each: each[1].group):
            parts += self._halves(client, list(group), answers)
        answers.errors = dict(sorted(answers.errors.items()))
        answers.outputs = _joined(parts)
        return answers

    def _halves(self, client: Client, batch: Sequence[tuple[int, Example]], answers: Answers) -> list[Outputs]:
        """Returns the outputs for the examples. If the server refuses a batch, sends both halves of it.

        So each bad example is found and gets its error message.
        """
        from ..serving.errors import (
            DataLoss,
            FailedPrecondition,
            Internal,
            InvalidArgument,
            OutOfRange,
            ResourceExhausted,
        )

        try:
            return [self._send(client, [example for _, example in batch])]
        except (DataLoss, FailedPrecondition, Internal, InvalidArgument, OutOfRange, ResourceExhausted) as error:
            if len(batch) > 1:
                half = len(batch) // 2
                return self._halves(client, batch[:half], answers) + self._halves(client, batch[half:], answers)
            if isinstance(error, ResourceExhausted | Internal) and not self._is_answered:
                raise
            ((place, example),) = batch
            if example.form == PICTURE and arrays.is_damaged(example.value):
                error = InvalidArgument(f"{example.name} is damaged, or is not an image.")
            answers.errors[place] = named(example, error)
            return []

    def _send(self, client: Client, examples: list[Example]) -> Outputs:
        """Sends a request. Tries again if the server is busy or restarts, but only if it has answered before."""
        from ..serving.errors import ResourceExhausted, Unavailable

        for pause in (*PAUSES, None):
            start = time.monotonic()
            try:
                outputs = self._call.send(client, examples)
            except (Unavailable, ResourceExhausted) as error:
                is_too_large = isinstance(error, ResourceExhausted) and len(examples) > 1
                if pause is None or is_too_large or not self._is_answered or self._stopped.wait(pause):
                    raise
                continue
            self._is_answered = True
            seconds = time.monotonic() - start
            if seconds < QUICK and len(examples) >= self._rows:
                self._rows = min(self._most, 4 * self._rows)
            elif seconds > SLOW and len(examples) <= self._rows:
                self._rows = max(1, len(examples) // 4)
            return outputs
        raise AssertionError


def named(example: Example, message: object) -> str:
    """Returns the first line of a message, with the name of the example if the message does not contain it."""
    line = re.sub(r"^assertion failed: \[(.*)\]$", r"\1", str(message).partition("\n")[0])  # of TensorFlow
    return line if example.name in line else f"{example.title}: {line}"


def _joined(parts: Sequence[Outputs]) -> Outputs:
    import numpy as np

    if len(parts) < 2:
        return dict(parts[0]) if parts else {}
    if len({tuple((name, each.shape[1:]) for name, each in sorted(part.items())) for part in parts}) > 1:
        raise GalleryError("The answers for pictures of different sizes have different shapes.")
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

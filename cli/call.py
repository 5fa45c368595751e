"""Sends examples to the signatures of a model: which signature a form of example needs, and how its inputs are made."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..models.errors import GalleryError
from . import arrays, served
from .accepted import FORMS, check_task, takes
from .examples import ARRAY, BROKEN, PICTURE, ROW, TEXT, Example, is_table, read, shape_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..serving.client import Client
    from ..serving.wire.signature import SignatureDef

    Outputs = dict[str, NDArray[Any]]

REQUEST_BYTES = 32 << 20  # most bytes of the arrays in a request, and in its answer


class Call:
    """A task of a model on a server.

    Args:
        client: a client of the server.
        model: the name of the served model.
        task: the name of the signature for arrays, such as "encode".
        version: the version that answers all requests. None: the newest version at each request.
        scalars: further inputs that are the same for all examples, such as `beam`.

    Raises:
        GalleryError: the model has no signature of the task.

    Attributes:
        most_rows: the most examples in a request, by the size of the model's inputs and outputs.
    """

    def __init__(
        self,
        client: Client,
        model: str,
        task: str,
        version: int | None = None,
        scalars: Mapping[str, int] | None = None,
    ) -> None:
        self._model, self._task, self._version, self._scalars = model, task, version, dict(scalars or {})
        self._served = served.signatures(client, model, version)
        check_task(model, task, self._served)
        self._known = {name: _without(each, self._scalars) for name, each in self._served.items()}
        sizes = [_bytes(each) for each in self._known.values() if each.name in (task, f"{task}_png", f"{task}_rows")]
        self.most_rows = max(1, REQUEST_BYTES // max([1, *sizes]))

    @property
    def signature(self) -> SignatureDef | None:
        """The signature for arrays, if the model has one."""
        return self._known.get(self._task)

    @property
    def takes_texts(self) -> bool:
        """Whether the examples of the task are texts or words."""
        return self._texts() in self._known

    @property
    def pixels(self) -> str:
        """The pixel values of the model's images, such as "0..1". "" if no signature states them."""
        names = [name for name in (self._task, f"{self._task}_png", *self._known) if name in self._known]
        specs = [spec for name in names for spec in self._known[name].inputs.values()]
        return next((spec.pixels for spec in specs if spec.pixels), "")

    @property
    def labels(self) -> dict[str, tuple[str, ...]]:
        """The labels of the values of an output, by the name of the output. Empty if no signature states them."""
        from ..preparation.notes import Labels

        specs = [
            item for form in FORMS if (each := self._known.get(self._task + form)) for item in each.outputs.items()
        ]
        return {name: noted.names for name, spec in specs if isinstance(noted := spec.noted, Labels)}

    def classes(self) -> int:
        """Returns the size of the last dimension of the model's output."""
        (spec,) = self._known["serving_default"].outputs.values()
        return (spec.shape or (0,))[-1]

    def introduce(self, client: Client) -> Client:
        """Makes a new client use the signatures of the model that are already known. Returns the client."""
        client.remember(self._model, self._served, version=self._version)
        return client

    def read(self, files: Iterable[Path]) -> Iterator[Example]:
        """Yields the examples in files, in order.

        If a table does not fit a model of pictures or texts, the error message says what the model takes.
        """
        takes_others = any(self._task + end in self._known for end in ("_png", "_text"))
        for example in read(files, self.signature, self._rows()):
            is_other = example.form == BROKEN and takes_others and is_table(Path(example.name))
            yield example._replace(value=f"{example.value} {self._takes()}") if is_other else example

    def load(self, example: Example) -> Example:
        """Returns the example with the content of its file, if it is a picture.

        Raises GalleryError if the file cannot be read, or if it does not fit the model.
        """
        if example.form != PICTURE:
            return example
        if f"{self._task}_png" in self._known:
            return example._replace(value=arrays.read_image(example.value))
        values = arrays.read_pixels(example.value, shape_of(self.signature) or ())
        return example._replace(form=ARRAY, value=values, group=values.shape)

    def check(self, example: Example) -> None:
        """Raises GalleryError if the model has no signature for the form of an example.

        If the model has no signature for image files, pictures are sent as arrays, provided that the signature for
        arrays states the pixel values.
        """
        form = example.form
        needed = {PICTURE: f"{self._task}_png", TEXT: self._texts()}.get(form, self._task)
        if form == PICTURE and self.signature and any(spec.pixels for spec in self.signature.inputs.values()):
            needed = self._task
        if form not in (BROKEN, ROW) and needed not in self._known:
            what = {PICTURE: "the picture", TEXT: "the text"}.get(form, "the file")
            raise GalleryError(f"{self._takes()} Received: {what} {example.name}.")

    def send(self, client: Client, examples: Sequence[Example]) -> Outputs:
        """Returns the outputs for examples of the same form and group. Each output has a row for each example.

        Raises:
            GalleryError: the model returned another number of rows.
            ServingError: the server refused the request, or failed.
        """
        name, inputs = self._inputs(examples[0].form, [each.value for each in examples])
        if self._scalars:
            (only,) = self._known[name].inputs
            inputs = {only: inputs, **self._scalars}
        outputs = client.predict(self._model, inputs, signature=name, version=self._version)
        for key, values in outputs.items():
            if not values.ndim or len(values) != len(examples):
                raise GalleryError(f"Expected {len(examples)} rows in the output {key}. Received: {values.shape}.")
        return outputs

    def _rows(self) -> SignatureDef | None:
        """Returns the signature with an input for each column of a table, if the model has one."""
        signature = self.signature
        has_columns = signature is not None and len(signature.inputs) > 1
        return self._known.get(f"{self._task}_rows", signature if has_columns else None)

    def _texts(self) -> str:
        """Returns the name of the signature for texts."""
        from ..serving.wire import dtypes

        signature = self.signature
        is_of_texts = signature and all(spec.dtype is dtypes.STRING for spec in signature.inputs.values())
        return self._task if is_of_texts else f"{self._task}_text"

    def _inputs(self, form: str, values: list[Any]) -> tuple[str, Any]:
        """Returns the name of the signature for a form of examples, and its inputs."""
        import numpy as np

        from ..serving.wire import dtypes, tensor

        if form == PICTURE:
            return f"{self._task}_png", tensor.string_array(values)
        if form == TEXT:
            return self._texts(), tensor.string_array([value.encode("utf-8", "surrogateescape") for value in values])
        if form == ROW:
            signature = self._rows()
            assert signature is not None  # the examples were made for it
            inputs = {}
            for name, spec in signature.inputs.items():
                column = [value[name] for value in values]
                is_text = spec.dtype is dtypes.STRING
                array = tensor.string_array([each.encode() for each in column]) if is_text else np.array(column)
                inputs[name] = array.reshape(-1, *(spec.shape or (-1,))[1:])
            return signature.name, inputs
        batch = np.stack(values)
        if batch.dtype == np.uint8 and self._task != "decode":
            batch = arrays.from_pixels(batch, self.pixels)
        return self._task, batch

    def _takes(self) -> str:
        return f"{self._model} takes {takes(self._task, self._known)}."


def _without(signature: SignatureDef, names: Collection[str]) -> SignatureDef:
    inputs = {name: spec for name, spec in signature.inputs.items() if name not in names}
    return signature if len(inputs) == len(signature.inputs) else replace(signature, inputs=inputs)


def _bytes(signature: SignatureDef) -> int:
    """Returns the bytes of the inputs and outputs of one example. A dimension of any size counts as 1."""
    specs = (*signature.inputs.values(), *signature.outputs.values())
    total = 0
    for spec in specs:
        count = 4
        for size in (spec.shape or ())[1:]:
            count *= max(size, 1)
        total += count
    return total

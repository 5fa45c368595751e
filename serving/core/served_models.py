"""The table of the models that requests can use. The table is replaced as a whole, so that readers need no lock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..errors import InvalidArgument, NotFound
from ..observe.observation import Observation
from ..wire.predict import ModelSpec
from .servable import Servable


@dataclass(frozen=True, slots=True)
class ServedModel:
    """The loaded versions of a model, highest first, and the model's version numbers by label."""

    versions: Mapping[int, Servable]
    labels: Mapping[str, int] = field(default_factory=dict)


class ServedModels:
    """Finds the servable for a request, in a table of all loaded models."""

    def __init__(self) -> None:
        self._table: Mapping[str, ServedModel] = {}

    def __len__(self) -> int:
        return len(self._table)

    def publish(self, table: Mapping[str, ServedModel]) -> None:
        """Replaces the table. Requests in progress keep their servables."""
        self._table = table

    def versions(self, name: str) -> list[int]:
        """Returns the numbers of the loaded versions of a model, highest first. Returns [] for an unknown model."""
        model = self._table.get(name)
        return [*model.versions] if model else []

    def find(self, spec: ModelSpec) -> Servable:
        """Returns the servable of the version or label in `spec`; the highest version if `spec` has neither.

        Raises:
            NotFound: the model is unknown, or the version is not loaded.
            InvalidArgument: `spec` has a label, and the model or the label is unknown.
        """
        model = self._table.get(spec.name)
        version = spec.version
        if spec.label is not None:
            version = model.labels.get(spec.label) if model else None
            if version is None:
                raise InvalidArgument(f"Unrecognized servable version label: {spec.label}")
        if version is None:
            if not model or not model.versions:
                raise NotFound(f"Servable not found for request: Latest({spec.name})")
            return next(iter(model.versions.values()))
        if not model or version not in model.versions:
            raise NotFound(f"Servable not found for request: Specific({spec.name}, {version})")
        return model.versions[version]

    @contextmanager
    def using(self, spec: ModelSpec, request: Observation) -> Iterator[Servable]:
        """Finds a servable and keeps it loaded during the block. Records the model and the version in `request`.

        Raises the errors of `find`, and PermissionDenied if the client may not use the model.
        """
        request.model = spec.name
        if request.access:
            request.access.check_model(spec.name)
        servable = self.find(spec)
        while not servable.acquire():  # the servable was closed after `find`: search the new table
            servable = self.find(spec)
        request.version = servable.version
        try:
            yield servable
        finally:
            servable.release()

    def servables(self) -> list[Servable]:
        """Returns all servables: models by name, versions highest first."""
        return [servable for _, model in sorted(self._table.items()) for servable in model.versions.values()]

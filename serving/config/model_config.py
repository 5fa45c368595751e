"""The configuration of each served model: name, base path, version policy and labels."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf import text_format

from ..errors import InvalidArgument
from ..wire import messages

PLATFORM = "tensorflow"


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """The configuration of one model.

    Attributes:
        name: the model's name in requests.
        base_path: the folder with the model's versions. Each version is a SavedModel in a folder named by a number.
        latest: how many of the highest versions to serve; 0: all versions.
        specific: the version numbers to serve; empty: `latest` applies.
        labels: version numbers by label, such as {"stable": 1}.
        platform: the model platform; only "tensorflow" is supported.
    """

    name: str
    base_path: Path
    latest: int = 1
    specific: tuple[int, ...] = ()
    labels: dict[str, int] = field(default_factory=dict)
    platform: str = PLATFORM

    def wanted(self, available: Collection[int], failed: Collection[int] = ()) -> list[int]:
        """Returns the versions to serve, highest first.

        Args:
            available: the versions on disk.
            failed: versions that could not be loaded. If `latest` limits the number of versions, the next lower
                versions are served instead of the failed versions.
        """
        versions = sorted(set(available), reverse=True)
        if self.specific:
            return [version for version in versions if version in self.specific]
        if not self.latest:
            return versions
        return [version for version in versions if version not in failed][: self.latest]

    def versions_on_disk(self) -> dict[int, Path]:
        """Returns the version folders by version number.

        A folder is a version if the folder's name is an integer from 0 to 2^63 - 1; leading zeros are allowed. Raises
        OSError if the base path can't be read.
        """
        versions: dict[int, Path] = {}
        for folder in sorted(self.base_path.iterdir()):
            name = folder.name
            if name.isascii() and name.isdigit() and int(name) < 1 << 63 and folder.is_dir():
                versions.setdefault(int(name), folder)
        if not versions:
            self.base_path.stat()  # raises if the folder was deleted meanwhile
        return versions


def parse_config_file(path: Path) -> list[ModelConfig]:
    """Reads the models from a `ModelServerConfig` file in protocol buffer text format.

    Raises:
        InvalidArgument: the file can't be read or parsed, or a model in the file has invalid settings.
    """
    config = messages.ModelServerConfig()
    try:
        text_format.Parse(path.read_text(), config, descriptor_pool=messages.POOL)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgument(f"Cannot read the model config file {path}: {error}") from None
    except text_format.ParseError as error:
        message = f"Error parsing text-format tensorflow.serving.ModelServerConfig: {error}"
        raise InvalidArgument(message) from None
    except RecursionError:
        raise InvalidArgument(f"Cannot parse the model config file {path}: its messages are nested too deep.") from None
    models = model_configs(config)
    check_change({}, models)
    return models


def model_configs(config: Any) -> list[ModelConfig]:
    """Returns the models of a `ModelServerConfig` message.

    Raises InvalidArgument for an invalid message, with TensorFlow Serving's error messages.
    """
    if config.WhichOneof("config") != "model_config_list":
        raise InvalidArgument(
            "ServerModelConfig type not supported by HandleReloadConfigRequest. "
            "Only ModelConfigList is currently supported"
        )
    models: dict[str, ModelConfig] = {}
    for message in config.model_config_list.config:
        if message.name in models:
            raise InvalidArgument(f"Illegal to list model {message.name} multiple times in config list")
        if not message.base_path.removeprefix("file://").startswith("/"):
            raise InvalidArgument(
                f"Expected model {message.name} to have an absolute path or URI; got base_path()={message.base_path}"
            )
        models[message.name] = _model_config(message)
    return list(models.values())


def check_change(old: Mapping[str, ModelConfig], new: Collection[ModelConfig]) -> None:
    """Raises InvalidArgument if the platform of a model changes or is not supported."""
    for config in new:
        was = old[config.name].platform if config.name in old else config.platform
        if was != config.platform:
            raise InvalidArgument(
                f"Illegal to change a model's platform. For model {config.name} platform was {was} "
                f"and new platform requested is {config.platform}"
            )
    for config in new:
        if config.platform != PLATFORM:
            raise InvalidArgument(f"Model {config.name} requests unsupported platform {config.platform}")


def _platform(message: Any) -> str:
    if message.model_type:  # deprecated field; 1 means TensorFlow
        if message.model_type != 1:
            raise InvalidArgument(f"ModelServerConfig::model_type choice {message.model_type} not supported.")
        return PLATFORM
    if not message.model_platform:
        raise InvalidArgument(
            "Illegal setting neither ModelServerConfig::model_type nor ModelServerConfig::model_platform."
        )
    return str(message.model_platform)


def _model_config(message: Any) -> ModelConfig:
    policy = message.model_version_policy
    choice = policy.WhichOneof("policy_choice")
    return ModelConfig(
        message.name,
        Path(message.base_path.removeprefix("file://")),
        latest=0 if choice == "all" else max(1, policy.latest.num_versions) if choice == "latest" else 1,
        specific=tuple(policy.specific.versions) if choice == "specific" else (),
        labels=dict(message.version_labels),
        platform=_platform(message),
    )

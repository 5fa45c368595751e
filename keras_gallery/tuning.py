"""The function of `import keras_gallery as kg` that searches for better settings of a training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .loading import loading

if TYPE_CHECKING:
    from .training import Recipe
    from .training.tuning import Tuned


def tune(
    name: str,
    *,
    trials: int = 20,
    output: str | Path | None = None,
    space: str | Path | None = None,
    prune: bool = False,
    recipe: str | Path | Recipe | None = None,
    dataset: str | None = None,
    data: Any = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    seed: int | None = None,
    runs: str | Path = "runs",
    progress: Callable[[str], None] | None = None,
    **hyperparameters: Any,
) -> Tuned:
    """Trains an architecture with different settings, and writes the best settings to a recipe file.

    The loss on the validation split decides. The test examples are not used. Settings that are given are the same in
    all trials. The finished trials are kept in `<runs>/<name>/`, so that the same call goes on where an interrupted
    call has stopped.

    Args:
        name: an architecture's name, see `list_models`.
        trials: the number of trainings. The first one has the settings of the recipe.
        output: the recipe file; by default `<name>.toml`.
        space: a TOML file with ranges and fixed values of settings, see `training.search_space`.
        prune: whether to stop trials that are worse than the median of the earlier trials.
        recipe: the recipe to start from: a name, the path of a recipe file, or a `Recipe`.
        dataset: the dataset's name.
        data: your own data, as for `train`.
        epochs: passes over the training examples.
        batch_size: examples per training step. It is tuned by default.
        learning_rate: the learning rate at the start. It is tuned by default.
        seed: the seed of the trainings and of the search; 0 by default.
        runs: the folder of all runs.
        progress: called with a line of text before and after each trial.
        hyperparameters: keywords of the architecture's builder, and options of `data`.

    Returns:
        The result: `recipe` is the best recipe, `file` is the recipe file, and `loss` is the validation loss.

    Raises:
        GalleryError: a setting is wrong, all trials failed, or Optuna is not installed.
        MissingPackage: Keras is not installed.
        KeyboardInterrupt: Ctrl-C was pressed. The finished trials are kept.

    Example:
        >>> tuned = tune("mlp_classifier", dataset="digits", epochs=2, trials=3, output="digits.toml")
        >>> tuned.loss <= tuned.first_loss
        True
    """
    from .training.settings import TrainConfig, check
    from .training.sources.source import OPTIONS, Source, source_of

    if data is not None and not isinstance(data, Source):
        data = source_of(data, {name: hyperparameters.pop(name) for name in OPTIONS if name in hyperparameters})
    config = TrainConfig(
        name, recipe, hyperparameters, dataset, data, epochs, batch_size, learning_rate, seed, root=runs
    )
    check(config)  # before Keras is imported, which takes seconds
    with loading():
        from .training.tuning import tune
    return tune(config, trials, space, output, prune, progress or (lambda step: None))

"""The functions of `import keras_gallery as kg` that build, train and export models.

Each function imports Keras and other slow packages when it is called, so that the import of this module is fast.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from . import pretrained
from .loading import loading
from .models.errors import BadHyperparameter, GalleryError, UnknownModel

if TYPE_CHECKING:
    import keras

    from .preparation.description import Preparation
    from .serving.signatures import Texts
    from .training import Dataset, Recipe, Run
    from .training.evaluation import Evaluation


class MissingName(GalleryError):
    """A model is exported without a name."""


def list_models(pattern: str = "*") -> list[str]:
    """Returns the names of the architectures in alphabetical order. Does not import Keras.

    Args:
        pattern: a shell pattern that the names must match, such as "*autoencoder".

    Example:
        >>> list_models("dense*")
        ['dense_autoencoder']
    """
    from .models.registry import list_models

    return list_models(pattern)


def create(name: str, *, weights: Literal["default"] | None = None, **hyperparameters: Any) -> keras.Model:
    """Builds a Keras model, untrained or with the weights that come with Keras Gallery.

    Args:
        name: an architecture's name, see `list_models`.
        weights: "default" for the weights of the default recipe, with its hyperparameters. The file `card.json` beside
            the weights says on which data they were trained.
        hyperparameters: keywords of the architecture's builder, such as `code_dim=16`. `gallery show NAME` prints
            their default values and ranges.

    Returns:
        A functional `keras.Model` with initial or trained weights. It is not compiled.

    Raises:
        UnknownModel: there is no architecture with this name, or it has no such weights.
        BadHyperparameter: a hyperparameter is unknown, has the wrong type or is out of range, or is given together
            with `weights`.
        MissingPackage: Keras is not installed.

    Example:
        >>> create("dense_autoencoder", code_dim=16).output_shape
        (None, 28, 28, 1)
    """
    from .models.registry import create, describe

    if weights is None:
        with loading():
            import keras  # noqa: F401
        return create(name, **hyperparameters)
    describe(name)  # raises UnknownModel
    if weights != "default":
        raise BadHyperparameter(f"Expected weights of None or 'default'. Received: {weights!r}")
    if hyperparameters:
        raise BadHyperparameter(
            f"weights='default' has its own hyperparameters: leave out {', '.join(sorted(hyperparameters))}"
        )
    if (folder := pretrained.folder_of(name)) is None:
        raise UnknownModel(f"No weights of {name} come with Keras Gallery. There are: {', '.join(pretrained.names())}")
    with loading():
        from .training import Run
    return Run.load(folder).model


def load_dataset(name: str) -> Dataset:
    """Loads a dataset, split into training and test examples.

    Args:
        name: a dataset's name, see `gallery datasets`.

    Returns:
        A `Dataset` with the NumPy arrays `x_train`, `y_train`, `x_test` and `y_test`. Images are float32 of shape
        (n, height, width, channels) with values in [0, 1], features are float32 of shape (n, features), and texts are
        int32 ids of shape (n, time).

    Raises:
        UnknownDataset: there is no dataset with this name.
        DataUnavailable: the dataset's files are not installed and cannot be downloaded.
        BadData: a file of the dataset cannot be read.
        MissingPackage: Keras is not installed.

    Example:
        >>> load_dataset("digits").x_test.shape
        (359, 8, 8, 1)
    """
    with loading():
        from .training import load
    return load(name)


def train(
    name: str,
    *,
    recipe: str | Path | Recipe | None = None,
    dataset: str | None = None,
    data: Any = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    seed: int | None = None,
    schedule: str | None = None,
    patience: int | None = None,
    augment: str | Sequence[str] | None = None,
    class_weights: str | None = None,
    mixed_precision: str | None = None,
    vectors: Any = None,
    freeze_vectors: bool | None = None,
    resume: bool = False,
    tensorboard: str | Path | None = None,
    csv_log: str | Path | None = None,
    false_alarms: float | None = None,
    runs: str | Path = "runs",
    progress: Callable[[str], None] | None = None,
    **hyperparameters: Any,
) -> Run:
    """Trains an architecture with one of its recipes and saves the run in `<runs>/<name>/<number>/`.

    If a setting is None, the recipe's value is used. `gallery show NAME` prints the recipes of an architecture.

    Args:
        name: an architecture's name, see `list_models`.
        recipe: the recipe's name, the path of a recipe file (.toml), or a `Recipe`; by default the architecture's first
            recipe.
        dataset: the dataset's name, see `gallery datasets`.
        data: your own data, in place of a dataset: the path of a file or folder, NumPy arrays x or (x, y), a dict of
            arrays, a pandas DataFrame, a `tf.data.Dataset`, a `keras.utils.PyDataset` or a `Source`. Its options are
            further keywords, such as `target="class"`; see `training.sources.source.Source`.
        epochs: passes over the training examples, at least 1.
        batch_size: examples per training step, at least 1.
        learning_rate: the optimizer's learning rate at the start, above 0.
        seed: the seed of all random choices, from 0 to 2³² − 1; 0 by default. On a CPU, the same seed gives the same
            weights.
        schedule: "cosine" to decay the learning rate to 0 over the training, or "constant".
        patience: the number of epochs without a lower validation loss after which the training stops; 0 for no limit.
        augment: random changes of the training images: some of "flip", "shift", "rotate" and "crop".
        class_weights: "balanced" to give all classes the same weight in the loss, or "none".
        mixed_precision: "float16" or "bfloat16" to compute with 16-bit numbers, or "none". The trained model has 32-bit
            weights and computes with 32 bits.
        vectors: the vectors that words start with: the path of a file (word2vec's text or binary format, or GloVe's),
            the folder of a run of word2vec, or gensim's `KeyedVectors`. They set the length of the model's vectors.
            Words that they lack start as usual.
        freeze_vectors: whether the vectors of words are not trained, if there are `vectors`.
        resume: whether to go on with a training that was interrupted or killed, from its last checkpoint. Settings that
            are None are then those of this training. Other settings must be the same, except for more `epochs`.
        tensorboard: a folder for the logs of TensorBoard.
        csv_log: a CSV file for the losses of each epoch.
        false_alarms: for autoencoders: the share of normal examples that may count as anomalies. It determines the
            threshold of the score. The default is 0.01 for your own data, and no threshold for a dataset.
        runs: the folder of all runs.
        progress: called with a line of text at the start of each step.
        hyperparameters: keywords of the architecture's builder, such as `code_dim=16`, and options of `data`.

    Returns:
        The run. `run.model` is the trained Keras model, `run.metrics` are its metrics on the test examples, its
        number of parameters, and the time and speed of the training. `run.history` are the losses of each epoch, and
        `run.folder` is the folder of the run. If Ctrl-C interrupted the training, `run.interrupted` is True, and the
        model has the weights of the best epoch so far.

    Raises:
        GalleryError: a name, setting or hyperparameter is unknown or out of range, the dataset cannot be loaded, the
            loss diverged, or there is no training to resume. The message says which.
        MissingPackage: Keras is not installed.
        KeyboardInterrupt: Ctrl-C was pressed before the end of the first epoch, or twice after the training: nothing
            is saved. Or it was pressed once after the training: the run is saved.

    Example:
        >>> run = train("mlp_classifier", dataset="digits", epochs=5)
        >>> run.metrics["accuracy"] > 0.8
        True
    """
    from .training.settings import TrainConfig, check
    from .training.sources.source import OPTIONS, Source, source_of

    if data is not None and not isinstance(data, Source):
        data = source_of(data, {name: hyperparameters.pop(name) for name in OPTIONS if name in hyperparameters})
    config = TrainConfig(
        model=name,
        recipe=recipe,
        hyperparameters=hyperparameters,
        dataset=dataset,
        source=data,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed,
        false_alarms=false_alarms,
        root=runs,
        schedule=schedule,
        patience=patience,
        augment=(augment,) if isinstance(augment, str) else None if augment is None else tuple(augment),
        class_weights=class_weights,
        mixed_precision=mixed_precision,
        vectors=vectors,
        freeze_vectors=freeze_vectors,
        resume=resume,
        tensorboard=tensorboard,
        csv_log=csv_log,
    )
    check(config)  # before Keras is imported, which takes seconds
    with loading():
        from .training.train import train
    return train(config, progress or (lambda step: None))


def evaluate(
    run: Run | str | Path,
    data: Any = None,
    *,
    anomalies: bool = False,
    beam: int | None = None,
    time: str | None = None,
    strict: bool = False,
    runs: str | Path = "runs",
    progress: Callable[[str], None] | None = None,
) -> Evaluation:
    """Computes the metrics of a trained model on other data, beside the metrics of simple methods.

    The data are read exactly as the data of the training: the same columns, categories, classes, tokens and sizes.

    Args:
        run: a run, the folder of a run, or the name of an architecture for its newest run.
        data: the data, as in `train`. By default, the data of the run, of which the test examples are used.
        anomalies: whether the examples are anomalies. Then the metrics have `detection_rate`, the share of the examples
            above the threshold, and `auroc`. Only for autoencoders.
        beam: for models that generate texts: the number of texts that a beam search keeps at each step, from 1 to 16.
            Then the metrics also have `beam_token_error` and `beam_text_error`.
        time: for series: the column of the times, by default that of the training data.
        strict: whether a broken picture is an error. By default, it is skipped and named in the notes.
        runs: the folder of all runs. It is used only if `run` is a name.
        progress: called with a line of text at the start of each step.

    Returns:
        The evaluation. `metrics` are the metrics, `notes` say what differs from the training data, `lines()` has the
        metrics in words, and `save(folder)` writes metrics.json and the pictures.

    Raises:
        UnknownModel: there is no architecture and no folder with this name.
        UnknownRun: the architecture has no finished run, or a file of the run is damaged.
        GalleryError: the data cannot be read, have other classes or columns than the run, or the run's own data are
            gone. The message says which.
        MissingPackage: Keras is not installed.

    Example:
        >>> run = train("mlp_classifier", dataset="digits", epochs=5)
        >>> evaluate(run).metrics["accuracy"] == run.metrics["accuracy"]
        True
    """
    from .training.sources.source import Source

    source = data if data is None or isinstance(data, Source) else Source(data, time=time, strict=strict)
    with loading():
        from .training.evaluation import evaluate
        from .training.runs import find_run
    found = find_run(run, runs) if isinstance(run, str | Path) else run
    return evaluate(found, source, anomalies=anomalies, beam=beam, progress=progress or (lambda step: None))


def export(
    source: Run | keras.Model | str,
    name: str | None = None,
    *,
    saved_models: str | Path = "saved_models",
    version: int | None = None,
    runs: str | Path = "runs",
    labels: Sequence[str] | None = None,
    texts: Texts | None = None,
    pixels: str | None = None,
    preparation: Mapping[str, Any] | None = None,
    pictures: bool = True,
    progress: Callable[[str], None] | None = None,
) -> Path:
    """Exports a trained model as a SavedModel with named signatures, ready to be served.

    Before the version is published, the SavedModel is loaded again, and its answers are compared with the model's
    answers.

    Args:
        source: a run, a Keras model, or the name of an architecture to export its newest run.
        name: the model's name in requests; by default the name of the run's architecture. Required if `source` is a
            Keras model.
        saved_models: the folder of all exported models.
        version: the version number, at least 1; by default the next free number.
        runs: the folder of all runs. It is used only if `source` is a name.
        labels: the names of the classes. The default is the labels of the run's dataset, or "0", "1" and so on for a
            Keras model.
        texts: the tokens of the text ids, by role (see `serving.signatures`). The default is the tokens of the run.
        pixels: the pixel values that a model of images expects, for signatures that take PNG or JPEG files: "0..255",
            "0..1" or "-1..1". By default, the first layers of the model say it; if they do not, it is "0..1", as for
            all datasets of the gallery. For "unknown", there are no such signatures.
        preparation: how the inputs of the model are made from pictures, tables or series, as in the file
            `preparation.json` of a run. The default is the preparation of the run. Signatures such as `classify_png`
            then take pictures of any size, and signatures such as `classify_rows` take the columns of a table.
        pictures: whether the version keeps the pictures and example inputs of the run for the server's page. They can
            show test examples.
        progress: called with a line of text at the start of each step.

    Returns:
        The folder of the exported version, `<saved_models>/<name>/<version>`.

    Raises:
        UnknownModel: there is no architecture with this name.
        UnknownRun: the architecture has no finished run, or a file of the run is damaged.
        MissingName: a Keras model is exported without a name.
        MissingPackage: Keras or TensorFlow is not installed.
        InvalidArgument: the name is not a valid folder name, the version exists, the number of labels is wrong,
            `pixels` is not one of these ranges, or `preparation` does not fit the model.
        FailedPrecondition: the SavedModel's answers differ from the model's answers by more than 1e-5, or Keras does
            not run on TensorFlow. Nothing is written.

    Example:
        >>> run = train("mlp_classifier", dataset="digits", epochs=5)
        >>> export(run, "digits")
        PosixPath('saved_models/digits/1')
    """
    with loading():
        import keras

        from . import training
        from .serving.export.writing import export
        from .training.about import about

    if isinstance(source, str):
        source = training.latest_run(source, runs)
    if isinstance(source, keras.Model):
        if name is None:
            raise MissingName('A Keras model needs a name for its export, such as export(model, "digits").')
        return export(source, name, saved_models, version, labels, texts, progress, pixels, preparation=preparation)
    run_labels, run_texts = labels_and_texts(source)
    return export(
        source.model,
        name or str(source.config["model"]),
        saved_models,
        version,
        run_labels if labels is None else labels,
        run_texts if texts is None else texts,
        progress,
        pixels,
        preparation=preparation_of(source) if preparation is None else preparation,
        about=about(source, pictures=pictures),
    )


def preparation_of(run: Run) -> Preparation | None:
    """Returns how a run made the inputs of its model, or None for a run on a dataset of the gallery.

    Raises UnknownRun if preparation.json is damaged.
    """
    from .preparation.description import read

    content = run.preparation
    return None if content is None else read(content)


def labels_and_texts(run: Run) -> tuple[Sequence[str] | None, Texts | None]:
    """Returns the labels of a run and the tokens of its text ids. Each is None if the run does not have it.

    Raises UnknownRun if tokens.json is damaged.
    """
    from .training.errors import UnknownRun

    file = Path(run.folder, "tokens.json")
    if not file.exists():
        return run.config.get("labels"), None
    try:
        texts: Texts = json.loads(file.read_text("utf-8"))
        for role, tokens in texts.items():
            if not isinstance(tokens["names"], list) or not isinstance(tokens["split"], str):
                raise ValueError(f"the tokens of {role} are not a list of names")
    except (OSError, RecursionError, ValueError, AttributeError, LookupError, TypeError) as error:
        raise UnknownRun(f"The file {file} of the run is damaged: {type(error).__name__}: {error}.") from None
    return run.config.get("labels"), texts

"""The words for the metrics of each task, and the yardsticks that each metric is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Row(NamedTuple):
    """A metric in words.

    Attributes:
        figure: name of the metric in metrics.json.
        words: what the metric is.
        yardsticks: the metrics of simple methods: the name in metrics.json, and the method in words.
        unit: `%` for a share, `dB`, `nats`, or nothing.
    """

    figure: str
    words: str
    yardsticks: tuple[tuple[str, str], ...] = ()
    unit: str = ""


_PCA = "PCA with the same code size"
_RECONSTRUCTION = (
    Row("mse", "reconstructed, mean squared error", (("pca_mse", _PCA), ("mean_mse", "the mean training image"))),
    Row("squared_error", "reconstructed, squared error of an image"),
    Row("bce", "reconstructed, binary cross-entropy of a value"),
    Row("psnr", "reconstructed, PSNR", unit="dB"),
)
_FREQUENT = "always the most frequent class"
_FREQUENT_TAG = "the most frequent tag of each token"
_CLASSES = (
    Row("accuracy", "correct classes (accuracy)", (("majority_accuracy", _FREQUENT),), "%"),
    Row("balanced_accuracy", "accuracy, averaged over classes", (("majority_balanced_accuracy", _FREQUENT),), "%"),
)
_NUMBERS = (
    Row(
        "rmse",
        "root mean squared error (RMSE)",
        (
            ("naive_rmse", "repeating the last value"),
            ("linear_rmse", "a linear regression"),
            ("mean_rmse", "always the training mean"),
        ),
    ),
    Row("mae", "mean absolute error"),
    Row("r2", "R² (1: exact, 0: as good as the mean)"),
)
_TEXTS = (
    Row(
        "token_error",
        "wrong tokens",
        (("frequent_token_error", "always the most frequent text"),),
        "%",
    ),
    Row("text_error", "texts with an error", (("frequent_text_error", "always the most frequent text"),), "%"),
    Row("beam_token_error", "wrong tokens, with beam search", unit="%"),
    Row("beam_text_error", "texts with an error, with beam search", unit="%"),
    *(Row(f"{part}_error", f"texts with a wrong {part}", unit="%") for part in ("number", "digit", "place")),
)
_BASELINES = {
    "naive": "repeating the last value",
    "seasonal_naive": "repeating the last season",
    "arima": "ARIMA",
    "ets": "exponential smoothing",
}

ROWS: dict[str, tuple[Row, ...]] = {
    "reconstruct": _RECONSTRUCTION,
    "generate": (*_RECONSTRUCTION, Row("elbo", "log-likelihood of an image, lower bound", unit="nats")),
    "denoise": (
        Row(
            "denoise_mse",
            "denoised, mean squared error",
            (("pca_denoise_mse", _PCA), ("noisy_mse", "unchanged input")),
        ),
        Row("psnr_denoised", "denoised, PSNR", (("psnr_noisy", "unchanged input"),), "dB"),
        Row("psnr_lift", "denoised, PSNR above that of the input", unit="dB"),
        Row("denoise_bce", "denoised, binary cross-entropy of a value"),
        *_RECONSTRUCTION,
    ),
    "colorize": (
        Row(
            "mse",
            "coloured, mean squared error",
            (("mean_colour_mse", "the mean colour of each grey level"), ("grey_mse", "unchanged grey image")),
        ),
        Row("psnr", "coloured, PSNR", unit="dB"),
    ),
    "classify": _CLASSES,
    "classify_text": _CLASSES,
    "regress": _NUMBERS,
    "regress_entities": _NUMBERS,
    "segment": (
        Row("pixel_accuracy", "correct pixels", (("majority_accuracy", _FREQUENT),), "%"),
        Row("mean_iou", "overlap of the areas (IoU), mean over classes", unit="%"),
    ),
    "detect": (
        Row("map50", "average precision, mean over classes", unit="%"),
        Row("recall", "objects found", unit="%"),
        Row("precision", "correct answers", unit="%"),
    ),
    "forecast": tuple(
        Row(error, words, tuple((f"{name}_{error}", method) for name, method in _BASELINES.items()))
        for error, words in (("mae", "mean absolute error"), ("rmse", "root mean squared error (RMSE)"))
    ),
    "tag": (
        Row("tag_accuracy", "correct tags", (("frequent_tag_accuracy", _FREQUENT_TAG),), "%"),
        Row("text_accuracy", "texts without a wrong tag", (("frequent_text_accuracy", _FREQUENT_TAG),), "%"),
    ),
    "translate": _TEXTS,
    "caption": _TEXTS,
    "word_vectors": (
        Row(
            "pair_loss",
            "loss for each word",
            (("frequency_loss", "word frequencies alone"), ("chance_loss", "guessing")),
            "nats",
        ),
        Row("wordsim", "rank correlation with human judgements (WordSim)"),
        Row("simlex", "rank correlation with human judgements (SimLex)"),
        Row("analogies", "correct answers to analogies", unit="%"),
    ),
}
# Metrics of each task with a threshold. They are printed in a line of their own, see `threshold_lines`.
THRESHOLD = (
    *("threshold", "false_alarm_rate", "measured_false_alarm_rate", "validation_examples", "test_examples"),
    *("detection_rate", "above_threshold", "auroc"),
)


class InWords(NamedTuple):
    """A metric in words, its value with the unit, and pairs of a simple method and its value."""

    words: str
    value: str
    yardsticks: list[tuple[str, str]]


def in_words(task: str, metrics: Mapping[str, float]) -> list[InWords]:
    """Returns the metrics of a task that have words."""
    return [
        InWords(
            row.words,
            _shown(metrics[row.figure], row.unit),
            [(method, _shown(metrics[name], row.unit)) for name, method in row.yardsticks if name in metrics],
        )
        for row in ROWS.get(task, ())
        if row.figure in metrics
    ]


def table(task: str, metrics: Mapping[str, float]) -> list[str]:
    """Returns a line for each metric in words: its value, and the values of its yardsticks."""
    rows = in_words(task, metrics)
    width = max((len(each.words) for each in rows), default=0)
    return [
        f"{each.words:{width}}  {each.value:>10}   {'; '.join(map(' '.join, each.yardsticks))}".rstrip()
        for each in rows
    ]


def rest(task: str, metrics: Mapping[str, float]) -> dict[str, float]:
    """Returns the metrics that `table` and `threshold_lines` do not have."""
    named = {name for row in ROWS.get(task, ()) for name in (row.figure, *dict(row.yardsticks))}
    return {name: value for name, value in metrics.items() if name not in named and name not in THRESHOLD}


def threshold_lines(metrics: Mapping[str, float], saved: Mapping[str, float] | None) -> list[str]:
    """Returns the lines about the threshold of the score.

    Args:
        metrics: metrics of a training or an evaluation.
        saved: the threshold in the run's `preparation.json`, or None.
    """
    lines = []
    if saved is not None:
        rate, measured = saved["false_alarm_rate"], saved.get("measured_rate")
        line = f"threshold of the score {saved['value']:.6g}, for a false-alarm rate of {100 * rate:.3g}%"
        if measured is not None:
            line += f" (measured on the run's {saved['examples']:,} test examples: {100 * measured:.3g}%)"
        lines.append(line)
    if "detection_rate" in metrics:
        lines.append(f"anomalies above the threshold: {_shown(metrics['detection_rate'], '%')}")
    if "above_threshold" in metrics:
        lines.append(f"examples above the threshold: {_shown(metrics['above_threshold'], '%')}")
    if "auroc" in metrics:
        lines.append(f"AUROC, anomalies against the run's test examples: {metrics['auroc']:.4f} (0.5: guessing)")
    return lines


def _shown(value: float, unit: str) -> str:
    if unit == "%":
        return f"{value:.1%}"
    digits = f"{value:.2f}" if unit else f"{value:.4g}"
    return f"{digits} {unit}".rstrip()

"""Tests of the logs of a training."""

import logging

import pytest
from keras_gallery.training.logs import without_retracing_warnings


def test_only_warnings_of_retracing_are_dropped(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("tensorflow")
    logger.addHandler(caplog.handler)
    try:
        with without_retracing_warnings():
            logger.warning("5 out of the last 5 calls to %s triggered tf.function retracing.", "f")
            logger.warning("another warning")
        logger.warning("f triggered tf.function retracing.")
    finally:
        logger.removeHandler(caplog.handler)
    messages = list(dict.fromkeys(caplog.messages))
    assert messages == ["another warning", "f triggered tf.function retracing."]

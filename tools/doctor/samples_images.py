"""Defines samples of layers for images, volumes and sequences of images, such as convolution and pooling."""

from __future__ import annotations

from functools import partial
from typing import Any

from keras import layers as k

from .samples import IMAGE, IMAGES_OF_TIME, PHOTO, SEQUENCE, VOLUME, sample

_SHAPES = {"1D": SEQUENCE, "2D": IMAGE, "3D": VOLUME}
_FIRST = "channels_first"

_CONVOLUTIONS = [
    sample(SEQUENCE, lambda: k.Conv1D(3, 3, padding="same")),
    sample(SEQUENCE, lambda: k.Conv1D(3, 3, padding="causal"), "padding"),
    sample(SEQUENCE, lambda: k.Conv1D(3, 3, dilation_rate=2), "dilation_rate"),
    sample(SEQUENCE, lambda: k.Conv1D(4, 3, groups=2), "groups"),
    sample(SEQUENCE, lambda: k.Conv1D(3, 3, data_format=_FIRST), "data_format"),
    sample(IMAGE, lambda: k.Conv2D(3, 3, strides=2, padding="same", activation="relu")),
    sample(IMAGE, lambda: k.Conv2D(3, 3, dilation_rate=2), "dilation_rate"),
    sample(IMAGE, lambda: k.Conv2D(4, 3, groups=2), "groups"),
    sample(IMAGE, lambda: k.Conv2D(3, 3, data_format=_FIRST), "data_format"),
    sample(VOLUME, lambda: k.Conv3D(3, 3)),
    sample(VOLUME, lambda: k.Conv3D(3, 3, dilation_rate=2), "dilation_rate"),
    sample(VOLUME, lambda: k.Conv3D(4, 3, groups=2), "groups"),
    sample(VOLUME, lambda: k.Conv3D(3, 2, data_format=_FIRST), "data_format"),
    sample(SEQUENCE, lambda: k.Conv1DTranspose(3, 3, strides=2)),
    sample(SEQUENCE, lambda: k.Conv1DTranspose(3, 3, dilation_rate=2), "dilation_rate"),
    sample(IMAGE, lambda: k.Conv2DTranspose(3, 3, strides=2, padding="same")),
    *(
        sample(IMAGE, partial(k.Conv2DTranspose, 3, 3, 2, mode, output_padding=1), "output_padding", "padding")
        for mode in ("same", "valid")
    ),
    sample(IMAGE, lambda: k.Conv2DTranspose(3, 3, dilation_rate=2), "dilation_rate"),
    sample(IMAGE, lambda: k.Conv2DTranspose(3, 3, data_format=_FIRST), "data_format"),
    sample(VOLUME, lambda: k.Conv3DTranspose(3, 3, strides=2)),
    sample(VOLUME, lambda: k.Conv3DTranspose(3, 3, dilation_rate=2), "dilation_rate"),
    sample(SEQUENCE, lambda: k.SeparableConv1D(3, 3)),
    sample(IMAGE, lambda: k.SeparableConv2D(3, 3)),
    sample(IMAGE, lambda: k.SeparableConv2D(3, 3, dilation_rate=2), "dilation_rate"),
    sample(IMAGE, lambda: k.SeparableConv2D(3, 3, data_format=_FIRST), "data_format"),
    sample(SEQUENCE, lambda: k.DepthwiseConv1D(3)),
    sample(IMAGE, lambda: k.DepthwiseConv2D(3, depth_multiplier=2)),
    sample(IMAGE, lambda: k.DepthwiseConv2D(3, dilation_rate=2), "dilation_rate"),
    sample(IMAGE, lambda: k.DepthwiseConv2D(3, data_format=_FIRST), "data_format"),
]

_POOLING = [
    *(
        sample(shape, partial(getattr(k, kind + rank), 2))
        for rank, shape in _SHAPES.items()
        for kind in ("MaxPooling", "AveragePooling", "UpSampling", "ZeroPadding", "Cropping")
    ),
    *(
        sample(shape, partial(getattr(k, kind + rank), 2, data_format=_FIRST), "data_format")
        for rank, shape in _SHAPES.items()
        for kind in ("MaxPooling", "AveragePooling", "UpSampling", "ZeroPadding")
        if (kind, rank) != ("UpSampling", "1D")
    ),
    *(
        sample(shape, partial(getattr(k, kind + rank), 2, padding="same"), "padding")
        for rank, shape in _SHAPES.items()
        for kind in ("MaxPooling", "AveragePooling")
    ),
    *(
        sample(shape, partial(getattr(k, kind + rank)))
        for rank, shape in _SHAPES.items()
        for kind in ("GlobalMaxPooling", "GlobalAveragePooling")
    ),
    *(
        sample(shape, partial(getattr(k, kind + rank), keepdims=True), "keepdims")
        for rank, shape in _SHAPES.items()
        for kind in ("GlobalMaxPooling", "GlobalAveragePooling")
    ),
    *(
        sample(shape, partial(getattr(k, kind + rank), 2))
        for rank, shape in _SHAPES.items()
        for kind in ("AdaptiveMaxPooling", "AdaptiveAveragePooling")
    ),
    sample(IMAGE, lambda: k.UpSampling2D(2, interpolation="bilinear"), "interpolation"),
    sample(IMAGE, lambda: k.UpSampling2D(2, interpolation="bicubic"), "interpolation"),
]

_RESIZING = [
    sample(PHOTO, lambda: k.Resizing(10, 12)),
    *(
        sample(PHOTO, partial(k.Resizing, 10, 12, interpolation=mode), "interpolation")
        for mode in ("nearest", "bicubic", "lanczos3", "area")
    ),
    sample(PHOTO, lambda: k.Resizing(10, 12, antialias=True), "antialias"),
    sample(PHOTO, lambda: k.Resizing(10, 12, crop_to_aspect_ratio=True), "crop_to_aspect_ratio"),
    sample(PHOTO, lambda: k.Resizing(10, 12, pad_to_aspect_ratio=True), "pad_to_aspect_ratio"),
    sample(PHOTO, lambda: k.CenterCrop(10, 12)),
]

_AUGMENTATION: dict[str, dict[str, Any]] = {
    "AugMix": {},
    "AutoContrast": {},
    "ContrastLimitedAdaptiveHistogramEqualization": {},
    "CutMix": {},
    "MixUp": {},
    "RandAugment": {},
    "RandomColorDegeneration": {"factor": 0.2},
    "RandomColorJitter": {"brightness_factor": 0.2},
    "RandomElasticTransform": {},
    "RandomErasing": {},
    "RandomGaussianBlur": {},
    "RandomGrayscale": {},
    "RandomHue": {"factor": 0.2},
    "RandomInvert": {},
    "RandomPerspective": {},
    "RandomPosterization": {"factor": 4},
    "RandomSaturation": {"factor": 0.2},
    "RandomSharpness": {"factor": 0.2},
    "RandomShear": {"x_factor": 0.2, "y_factor": 0.2},
    "Solarization": {},
}

_RANDOM = [
    sample(PHOTO, lambda: k.RandomBrightness(0.2)),
    sample(PHOTO, lambda: k.RandomContrast(0.2)),
    sample(PHOTO, lambda: k.RandomCrop(10, 12)),
    sample(PHOTO, lambda: k.RandomFlip()),
    sample(PHOTO, lambda: k.RandomRotation(0.2)),
    sample(PHOTO, lambda: k.RandomTranslation(0.2, 0.2)),
    sample(PHOTO, lambda: k.RandomZoom(0.2)),
    *(sample(PHOTO, partial(getattr(k, name), **options)) for name, options in _AUGMENTATION.items()),
]

_CONVOLUTIONAL_LSTM = [
    sample([((5, 8, 2), "float32")], lambda: k.ConvLSTM1D(3, 3)),
    sample(IMAGES_OF_TIME, lambda: k.ConvLSTM2D(3, 3)),
    sample(IMAGES_OF_TIME, lambda: k.ConvLSTM2D(3, 3, go_backwards=True), "go_backwards"),
    sample([((4, 6, 6, 6, 2), "float32")], lambda: k.ConvLSTM3D(3, 3)),
]

GROUPS = [*_CONVOLUTIONS, *_POOLING, *_RESIZING, *_RANDOM, *_CONVOLUTIONAL_LSTM]

"""Lists the layers for images, volumes and video. `layers.py` explains the lines."""

from __future__ import annotations

# For each number of axes: "1D", "2D" or "3D".
WINDOWS = """
    MaxPooling{0}()
    MaxPooling{0}(3, strides=1, padding="same")
    AveragePooling{0}(2)
    AveragePooling{0}(2, padding="same")
    GlobalMaxPooling{0}()
    GlobalMaxPooling{0}(keepdims=True)
    GlobalAveragePooling{0}()
    GlobalAveragePooling{0}(keepdims=True)
    AdaptiveMaxPooling{0}(2)
    AdaptiveAveragePooling{0}(2)
    Conv{0}(3, 3)
    Conv{0}(3, 3, strides=2, padding="same", activation="relu")
    Conv{0}(3, 3, dilation_rate=2)
    Conv{0}(4, 3, groups=2)
    Conv{0}Transpose(3, 3, strides=2)
    Conv{0}Transpose(3, 3, strides=2, padding="same", use_bias=False)
"""
_IMAGE = """
    Conv2D(3, (1, 3), kernel_initializer="he_normal", kernel_regularizer="l2", use_bias=False)
    Conv2D(3, 3, data_format="channels_first")
    Conv2DTranspose(3, 4, strides=2, padding="same", output_padding=1)
    SeparableConv2D(3, 3)
    SeparableConv2D(3, 3, strides=2, padding="same", depth_multiplier=2)
    DepthwiseConv2D(3)
    DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2)
    DepthwiseConv2D(3, dilation_rate=2, use_bias=False)
    MaxPooling2D((2, 1))
    MaxPooling2D(data_format="channels_first")
    UpSampling2D()
    UpSampling2D((2, 3), interpolation="bilinear")
    UpSampling2D(2, interpolation="bicubic")
    ZeroPadding2D(1)
    ZeroPadding2D(((0, 1), (0, 1)))
    Cropping2D(1)
    Cropping2D(((1, 0), (2, 1)))
    SpatialDropout2D(0.3)
    BatchNormalization()
    BatchNormalization(axis=1)
    LayerNormalization(axis=[1, 2, 3])
    GroupNormalization(groups=2)
    GroupNormalization(groups=-1)
    PReLU(shared_axes=[1, 2])
    Permute((3, 1, 2))
    Flatten()
    Flatten(data_format="channels_first")
    Reshape((64, 4))
    Normalization(mean=[0.1] * 4, variance=[0.5] * 4)
    Concatenate(axis=-1)([x, x])
    Add()([x, Conv2D(4, 3, padding="same")(x)])
    SpectralNormalization(Conv2D(3, 3))
    EinsumDense("abcd,de->abce", output_shape=(8, 8, 3), bias_axes="e")
    MultiHeadAttention(2, 3, attention_axes=(1, 2))(x, x)
"""
_PHOTO = """
    Rescaling(1 / 255)
    Resizing(10, 12)
    Resizing(10, 12, interpolation="nearest")
    Resizing(10, 12, interpolation="bicubic")
    Resizing(10, 12, interpolation="lanczos3")
    Resizing(10, 12, crop_to_aspect_ratio=True)
    Resizing(10, 12, pad_to_aspect_ratio=True)
    CenterCrop(10, 12)
    RandomBrightness(0.2)
    RandomContrast(0.2)
    RandomCrop(10, 12)
    RandomFlip("horizontal")
    RandomRotation(0.2)
    RandomTranslation(0.2, 0.2)
    RandomZoom(0.2)
    RandomHeight(0.2)
    RandomWidth(0.2)
    AugMix()
    AutoContrast()
    ContrastLimitedAdaptiveHistogramEqualization()
    CutMix()
    Equalization()
    MixUp()
    RandAugment()
    RandomColorDegeneration(0.2)
    RandomColorJitter(brightness_factor=0.2)
    RandomElasticTransform()
    RandomErasing()
    RandomGaussianBlur()
    RandomGrayscale()
    RandomHue(0.2)
    RandomInvert()
    RandomPerspective()
    RandomPosterization(4)
    RandomSaturation(0.2)
    RandomSharpness(0.2)
    RandomShear(0.2, 0.2)
    Solarization()
    Conv2D(3, 3)(RandomZoom(0.1)(RandomRotation(0.1)(RandomFlip()(x))))
"""

IMAGES = {
    "image": _IMAGE + WINDOWS.format("2D"),
    "photo": _PHOTO,
    "open photo": """
        Conv2D(3, 3, padding="same")
        GlobalAveragePooling2D()(Conv2D(3, 3)(x))
        UpSampling2D(2, interpolation="bilinear")
        Resizing(8, 8)
        Conv2DTranspose(3, 4, strides=2, padding="same")
    """,
    "bytes": """
        Rescaling(1 / 255)
        Conv2D(3, 3)(Rescaling(1 / 127.5, offset=-1)(x))
    """,
    "volume": """
        Cropping3D(1)
        ZeroPadding3D(1)
        UpSampling3D(2)
        SpatialDropout3D(0.3)
        BatchNormalization()
    """
    + WINDOWS.format("3D"),
    "clip": """
        TimeDistributed(Conv2D(3, 3))
        TimeDistributed(Flatten())
        ConvLSTM2D(3, 3)
        ConvLSTM2D(3, 3, padding="same", return_sequences=True, dropout=0.1)
        Bidirectional(ConvLSTM2D(3, 3))
        LSTM(3)(TimeDistributed(GlobalAveragePooling2D())(TimeDistributed(Conv2D(3, 3))(x)))
    """,
    "line of clips": "ConvLSTM1D(3, 3)",
    "clip of volumes": "ConvLSTM3D(3, 3)",
}

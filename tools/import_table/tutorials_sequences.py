"""Architectures of tutorials for texts and time series."""

from __future__ import annotations

from typing import Any

from .cases import Tutorials

TUTORIALS = Tutorials()
WORDS = ("the", "film", "was", "good", "bad")
REVIEWS = ("The film was good!", "bad bad film", "", "Was it good?")
CUSTOM = ("tools.import_table.custom_layers",)


@TUTORIALS.add(ids=100)
def text_classifier_with_lstms(keras: Any) -> Any:
    k = keras.layers
    inputs = keras.Input((None,), dtype="int32")
    x = k.Bidirectional(k.LSTM(8, return_sequences=True))(k.Embedding(100, 16)(inputs))
    return keras.Model(inputs, k.Dense(1, activation="sigmoid")(k.Bidirectional(k.LSTM(8))(x)))


@TUTORIALS.add(texts={"text": REVIEWS})
def text_classifier_from_strings(keras: Any) -> Any:
    k = keras.layers
    inputs = keras.Input((1,), dtype="string", name="text")
    x = k.TextVectorization(vocabulary=list(WORDS), output_sequence_length=12)(inputs)
    x = k.Conv1D(8, 3, padding="valid", activation="relu")(k.Dropout(0.5)(k.Embedding(10, 8)(x)))
    x = k.Dense(8, activation="relu")(k.GlobalMaxPooling1D()(x))
    return keras.Model(inputs, k.Dense(1, activation="sigmoid", name="predictions")(x))


@TUTORIALS.add(texts={"text": REVIEWS})
def bag_of_words_from_strings(keras: Any) -> Any:
    k = keras.layers
    counts = k.TextVectorization(vocabulary=list(WORDS), output_mode="multi_hot", ngrams=1)
    return keras.Sequential(
        [keras.Input((1,), dtype="string", name="text"), counts, k.Dense(8, activation="relu"), k.Dense(4)]
    )


@TUTORIALS.add(keras=(3,), ids=100, classes=CUSTOM)
def text_classifier_with_a_transformer(keras: Any) -> Any:
    from .custom_layers import TokensAndPositions, TransformerBlock

    k = keras.layers
    inputs = keras.Input((20,), dtype="int32")
    x = TransformerBlock(16, 2, 32)(TokensAndPositions(20, 100, 16)(inputs))
    x = k.Dense(8, activation="relu")(k.Dropout(0.1)(k.GlobalAveragePooling1D()(x)))
    return keras.Model(inputs, k.Dense(2, activation="softmax")(x))


@TUTORIALS.add(ids=100)
def transformer_of_plain_layers(keras: Any) -> Any:
    k = keras.layers
    inputs = keras.Input((20,), dtype="int32")
    x = k.Embedding(100, 16)(inputs)
    for _ in range(2):
        x = k.LayerNormalization(epsilon=1e-6)(k.Add()([x, k.MultiHeadAttention(2, 8, dropout=0.1)(x, x)]))
        x = k.LayerNormalization(epsilon=1e-6)(k.Add()([x, k.Dense(16)(k.Dense(32, activation="relu")(x))]))
    return keras.Model(inputs, k.Dense(2, activation="softmax")(k.GlobalAveragePooling1D()(x)))


@TUTORIALS.add(keras=(3,), ids=50)
def language_model(keras: Any) -> Any:
    """A small GPT: tokens and positions, causal attention, and logits for each position."""
    k = keras.layers
    inputs = keras.Input((16,), dtype="int32", name="tokens")
    x = k.Embedding(50, 16)(inputs) + k.Embedding(16, 16)(keras.ops.arange(16))
    attended = k.MultiHeadAttention(2, 8)(x, x, use_causal_mask=True)
    x = k.LayerNormalization()(x + attended)
    x = k.LayerNormalization()(x + k.Dense(16)(k.Dense(32, activation="gelu")(x)))
    return keras.Model(inputs, k.Dense(50)(x))


@TUTORIALS.add(ids=40)
def masked_language_model(keras: Any) -> Any:
    k = keras.layers
    inputs = keras.Input((12,), dtype="int64", name="masked_tokens")
    x = k.Embedding(40, 16, name="word_embedding")(inputs)
    x = k.LayerNormalization(epsilon=1e-6)(k.Add()([x, k.MultiHeadAttention(2, 8, name="encoder_1")(x, x)]))
    return keras.Model(inputs, k.Dense(40, activation="softmax", name="mlm_cls")(x), name="masked_bert")


@TUTORIALS.add()
def sequence_to_sequence_with_lstms(keras: Any) -> Any:
    """Characters as one-hot vectors. The decoder begins with the states of the encoder."""
    k = keras.layers
    source, target = keras.Input((None, 12), name="source"), keras.Input((None, 14), name="target")
    _, state_h, state_c = k.LSTM(8, return_state=True)(source)
    x, _, _ = k.LSTM(8, return_sequences=True, return_state=True)(target, initial_state=[state_h, state_c])
    return keras.Model([source, target], k.Dense(14, activation="softmax")(x))


@TUTORIALS.add()
def encoder_of_sequence_to_sequence(keras: Any) -> Any:
    """Inference model: the two states of the LSTM."""
    inputs = keras.Input((None, 12))
    _, state_h, state_c = keras.layers.LSTM(8, return_state=True)(inputs)
    return keras.Model(inputs, [state_h, state_c])


@TUTORIALS.add()
def decoder_of_sequence_to_sequence(keras: Any) -> Any:
    """Inference model: one step of the decoder, with its states as inputs and outputs."""
    k = keras.layers
    target = keras.Input((None, 14), name="target")
    states = [keras.Input((8,), name="state_h"), keras.Input((8,), name="state_c")]
    x, state_h, state_c = k.LSTM(8, return_sequences=True, return_state=True)(target, initial_state=states)
    return keras.Model([target, *states], [k.Dense(14, activation="softmax")(x), state_h, state_c])


@TUTORIALS.add(ids=30)
def translation_with_attention(keras: Any) -> Any:
    k = keras.layers
    source = keras.Input((10,), dtype="int32", name="source")
    target = keras.Input((8,), dtype="int32", name="target")
    encoded = k.Bidirectional(k.GRU(8, return_sequences=True), merge_mode="sum")(k.Embedding(30, 8)(source))
    decoded = k.GRU(8, return_sequences=True)(k.Embedding(30, 8)(target))
    attended = k.Attention()([decoded, encoded])
    return keras.Model([source, target], k.Dense(30, activation="softmax")(k.Concatenate()([decoded, attended])))


@TUTORIALS.add()
def addition_of_digits(keras: Any) -> Any:
    k = keras.layers
    layers = [k.LSTM(16), k.RepeatVector(4), k.LSTM(16, return_sequences=True), k.Dense(12, activation="softmax")]
    return keras.Sequential([keras.Input((7, 12)), *layers])


@TUTORIALS.add()
def next_character(keras: Any) -> Any:
    k = keras.layers
    return keras.Sequential([keras.Input((20, 15)), k.LSTM(16), k.Dense(15, activation="softmax")])


@TUTORIALS.add(ids=50)
def named_entities(keras: Any) -> Any:
    """A tag for each word, with masked padding."""
    k = keras.layers
    inputs = keras.Input((None,), dtype="int32", name="words")
    x = k.Bidirectional(k.LSTM(8, return_sequences=True))(k.Embedding(50, 8, mask_zero=True)(inputs))
    return keras.Model(inputs, k.TimeDistributed(k.Dense(5, activation="softmax"))(x))


@TUTORIALS.add(ids=50)
def question_answering(keras: Any) -> Any:
    """Start and end of the answer, two outputs."""
    k = keras.layers
    ids = keras.Input((16,), dtype="int32", name="input_ids")
    mask = keras.Input((16,), dtype="int32", name="attention_mask")
    x = k.Concatenate()([k.Embedding(50, 8)(ids), k.Embedding(50, 4)(mask)])
    x = k.Bidirectional(k.GRU(8, return_sequences=True))(x)
    outputs = [k.Softmax(name=name)(k.Flatten()(k.Dense(1)(x))) for name in ("start", "end")]
    return keras.Model([ids, mask], outputs)


@TUTORIALS.add()
def weather_forecast(keras: Any) -> Any:
    k = keras.layers
    inputs = keras.Input((24, 7))
    return keras.Model(inputs, k.Dense(1)(k.LSTM(16)(inputs)))


@TUTORIALS.add()
def forecast_of_several_steps(keras: Any) -> Any:
    k = keras.layers
    return keras.Sequential(
        [
            keras.Input((24, 3)),
            k.Conv1D(8, 3, padding="causal", activation="relu"),
            k.GRU(16, return_sequences=False, dropout=0.1),
            k.Dense(6 * 3),
            k.Reshape((6, 3), name="forecast"),
        ]
    )


@TUTORIALS.add()
def causal_convolutions(keras: Any) -> Any:
    """WaveNet: gated convolutions with growing dilation."""
    k = keras.layers
    inputs = keras.Input((32, 1))
    x = k.Conv1D(8, 1)(inputs)
    for rate in (1, 2, 4):
        gated = [
            k.Conv1D(8, 2, padding="causal", dilation_rate=rate, activation=each)(x) for each in ("tanh", "sigmoid")
        ]
        x = k.Add()([x, k.Conv1D(8, 1)(k.Multiply()(gated))])
    return keras.Model(inputs, k.Dense(1)(k.ReLU()(x)))


@TUTORIALS.add()
def anomalies_in_a_time_series(keras: Any) -> Any:
    k = keras.layers
    return keras.Sequential(
        [
            keras.Input((32, 1)),
            k.Conv1D(8, 7, padding="same", strides=2, activation="relu"),
            k.Dropout(0.2),
            k.Conv1D(4, 7, padding="same", strides=2, activation="relu"),
            k.Conv1DTranspose(4, 7, padding="same", strides=2, activation="relu"),
            k.Conv1DTranspose(8, 7, padding="same", strides=2, activation="relu"),
            k.Conv1DTranspose(1, 7, padding="same"),
        ]
    )


@TUTORIALS.add()
def time_series_classifier(keras: Any) -> Any:
    k = keras.layers
    x = inputs = keras.Input((50, 1))
    for _ in range(3):
        x = k.ReLU()(k.BatchNormalization()(k.Conv1D(8, 3, padding="same")(x)))
    return keras.Model(inputs, k.Dense(2, activation="softmax")(k.GlobalAveragePooling1D()(x)))


@TUTORIALS.add()
def time_series_classifier_with_a_transformer(keras: Any) -> Any:
    k = keras.layers
    x = inputs = keras.Input((50, 1))
    for _ in range(2):
        attended = k.Dropout(0.1)(k.MultiHeadAttention(2, 8, dropout=0.1)(*[k.LayerNormalization(epsilon=1e-6)(x)] * 2))
        x = k.Add()([attended, x])
        x = k.Add()([x, k.Conv1D(1, 1)(k.Conv1D(4, 1, activation="relu")(k.LayerNormalization(epsilon=1e-6)(x)))])
    x = k.GlobalAveragePooling1D(data_format="channels_last")(x)
    return keras.Model(inputs, k.Dense(2, activation="softmax")(k.Dense(8, activation="relu")(x)))


@TUTORIALS.add()
def speech_recognition(keras: Any) -> Any:
    """DeepSpeech: convolutions over spectrograms of any length, then GRUs."""
    k = keras.layers
    inputs = keras.Input((None, 33), name="spectrogram")
    x = k.Reshape((-1, 33, 1))(inputs)
    x = k.ReLU()(k.BatchNormalization()(k.Conv2D(4, (11, 5), strides=(2, 2), padding="same", use_bias=False)(x)))
    x = k.Bidirectional(k.GRU(8, return_sequences=True, reset_after=True))(k.Reshape((-1, 17 * 4))(x))
    return keras.Model(inputs, k.Dense(30, activation="softmax")(x))

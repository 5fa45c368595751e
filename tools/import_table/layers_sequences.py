"""Lists the layers for sequences. `layers.py` explains the lines."""

from __future__ import annotations

from .layers_images import WINDOWS

SEQUENCES = {
    "sequence": """
        Dense(5)
        EinsumDense("abc,cd->abd", output_shape=(None, 5), bias_axes="d")
        Flatten()
        Reshape((4, 8))
        Reshape((-1, 2))
        Permute((2, 1))
        SpatialDropout1D(0.3)
        TimeDistributed(Dense(3))
        Softmax(axis=1)
        Softmax(axis=[1, 2])
        Cropping1D((1, 2))
        ZeroPadding1D(2)
        ZeroPadding1D((1, 2))
        UpSampling1D(2)
        LSTM(3)(Masking()(x))
        Bidirectional(GRU(3))(Masking(mask_value=0.5)(x))
        SimpleRNN(3)
        SimpleRNN(3, activation="relu", return_sequences=True)
        LSTM(3)
        LSTM(3, return_sequences=True)
        LSTM(3, return_state=True)
        LSTM(3, return_sequences=True, return_state=True)
        LSTM(3, activation="relu", dropout=0.2, recurrent_dropout=0.2)
        LSTM(3, go_backwards=True)
        LSTM(3, unroll=True)
        LSTM(3, use_bias=False, unit_forget_bias=False)
        LSTM(3, recurrent_activation="hard_sigmoid")
        LSTM(2)(LSTM(3, return_sequences=True)(x))
        GRU(3)
        GRU(3, return_sequences=True)
        GRU(3, return_state=True)
        GRU(3, reset_after=False)
        GRU(3, dropout=0.2, recurrent_dropout=0.2, go_backwards=True)
        RNN(LSTMCell(3))
        RNN(GRUCell(3), return_sequences=True)
        RNN(SimpleRNNCell(3))
        RNN([LSTMCell(3), GRUCell(2)])
        RNN(StackedRNNCells([LSTMCell(3), LSTMCell(2)]))
        Bidirectional(LSTM(3))
        Bidirectional(LSTM(3, return_sequences=True))
        Bidirectional(GRU(3), merge_mode="sum")
        Bidirectional(GRU(3), merge_mode="ave")
        Bidirectional(SimpleRNN(3), merge_mode=None)
        Bidirectional(LSTM(3, return_state=True))
        Bidirectional(LSTM(3), backward_layer=LSTM(3, go_backwards=True, activation="relu"))
        MultiHeadAttention(2, 3)(x, x)
        MultiHeadAttention(2, 3)(x, x, use_causal_mask=True)
        MultiHeadAttention(2, 3)(x, x, return_attention_scores=True)
        BatchNormalization()
        LayerNormalization()
        LayerNormalization(axis=[1, 2])
    """
    + WINDOWS.format("1D")
    + """
        Conv1D(3, 3, padding="causal")
        Conv1D(3, 3, data_format="channels_first")
        SeparableConv1D(3, 3)
        DepthwiseConv1D(3)
        MaxPooling1D(2)(Conv1D(3, 3, activation="relu")(x))
    """,
    "open sequence": """
        Conv1D(3, 2, padding="causal", dilation_rate=2)
        LSTM(3)
        Bidirectional(GRU(3, return_sequences=True))
        GlobalAveragePooling1D()
        TimeDistributed(Dense(3, activation="softmax"))
        MultiHeadAttention(2, 3)(x, x)
    """,
    "sequence and state": """
        LSTM(3)(x[0], initial_state=x[1:])
        LSTM(3, return_sequences=True)(x[0], initial_state=[x[1], x[2]])
        GRU(3)(x[0], initial_state=x[1])
    """,
}

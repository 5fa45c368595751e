"""Learns word vectors from 106 articles of Wikipedia, by predicting a word from the words around it."""

from ..recipe import Recipe

RECIPES = {
    "wikipedia": Recipe(
        task="word_vectors",
        dataset="wikipedia",
        loss="binary_crossentropy",
        learning_rate=5e-3,
        epochs=12,
        batch_size=2_048,
    ),
}

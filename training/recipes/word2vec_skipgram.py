"""Vectors of words from 106 articles of Wikipedia: the words around it from a word."""

from ..recipe import Recipe

RECIPES = {
    "wikipedia": Recipe(
        task="word_vectors",
        dataset="wikipedia",
        loss="binary_crossentropy",
        learning_rate=4e-3,
        epochs=10,
        batch_size=8_192,
    ),
}

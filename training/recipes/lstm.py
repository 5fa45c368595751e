"""Adding what is marked in a long sequence; as `simple_rnn`'s recipe."""

from ..recipe import Recipe

RECIPES = {
    "adding": Recipe(
        task="regress",
        dataset="adding",
        loss="squared_error",
        learning_rate=3e-3,
        epochs=10,
        batch_size=64,
        clipnorm=1.0,
    ),
}

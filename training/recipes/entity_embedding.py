"""Predicts the temperature of the sea surface from the month and the year."""

from ..recipe import Recipe

RECIPES = {
    "el_nino": Recipe(
        task="regress_entities",
        dataset="el_nino",
        loss="squared_error",
        learning_rate=3e-3,
        epochs=120,
        batch_size=32,
        xla=False,
        hyperparameters={"dims": (3, 4)},
    ),
}

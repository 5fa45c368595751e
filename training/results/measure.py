"""The table of results: trains what is recipes, keeps each figure in `results.json`, writes `results.md` from it."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from ...models import describe, list_models
from ..data import dataset as data
from ..errors import BadFolder, UnknownRun
from ..figures.gradients_over_depth import Curves
from ..figures.slow import LEVELS
from ..pictures import gradients_over_time, plots
from ..recipe import Recipe, load_recipe, load_recipes
from ..runs import Run
from ..tasks import TASKS
from ..tasks.classification import MOVES
from ..train import RECIPE_SETTINGS, TrainConfig, train
from .page import page

FILE = "results.json"
PAGE = "results.md"
PICTURES = "pictures"
COLOURS = 128
MOVED_DATASET = "mnist_5k"  # whose recipes of that name are drawn together
NOISES = {"gaussian": "standard deviation of the noise", "masking": "share of the values set to 0"}

# Hyperparameters that are the dataset's to decide.
DECIDED = {
    *("image_shape", "input_shape", "classes", "outputs", "features", "horizon"),
    *("tokens", "output_tokens", "categories"),
}

# model → recipe → {"parameters", "code_dim", "command", "seeds": {seed: figures}}
Results = dict[str, dict[str, dict[str, Any]]]


@dataclass(frozen=True)
class RecipeName:
    """What to measure: a model's recipe."""

    model: str
    recipe: str

    @classmethod
    def parse(cls, text: str) -> list["RecipeName"]:
        """`MODEL` for all its recipes, `MODEL/RECIPE` for one.

        Raises:
            UnknownModel: there is no architecture of that name.
            UnknownRecipe: it has no recipe of that name.
        """
        model, _, recipe = text.partition("/")
        if recipe:
            load_recipe(model, recipe)
            return [cls(model, recipe)]
        return [cls(model, name) for name in load_recipes(model)]


def all_recipes() -> list[RecipeName]:
    """Every recipe of every model."""
    return [each for model in list_models() for each in RecipeName.parse(model)]


def results(
    recipes: Sequence[RecipeName],
    seeds: Sequence[int] = (0,),
    docs: str | Path = "docs",
    runs: str | Path = "runs",
    report: Callable[[str], None] = print,
) -> Path:
    """Trains each recipe with each seed, unless `runs` has that very run, measures, and writes the page anew.

    Each figure is kept as soon as it is there: a second call goes on where an interrupted one stopped.

    Args:
        recipes: the recipes; none only writes the page.
        seeds: of the trainings; the pictures are the first one's.
        docs: holds `results.json`, `results.md` and `pictures/<model>/<recipe>/`.
        runs: where runs are kept.
        report: told what is being done.

    Returns:
        The page.

    Raises:
        GalleryError: as `train`; or `docs` holds no results that can be read.
        KeyboardInterrupt: Ctrl-C; what was measured before is kept.
    """
    docs = Path(docs)
    known = load_results(docs)
    for number, each in enumerate(recipes, 1):
        for seed in seeds:
            report(f"[{number}/{len(recipes)}] {each.model}/{each.recipe}, seed {seed}")
            run = finished_run(each, seed, runs) or train(TrainConfig(each.model, each.recipe, seed=seed, root=runs))
            if run.interrupted:
                raise KeyboardInterrupt
            figures = figures_of(run, load_recipe(each.model, each.recipe), report)
            row = known.setdefault(each.model, {}).setdefault(each.recipe, {"seeds": {}})
            row |= {
                "parameters": run.metrics["parameters"],
                "code_dim": run.metrics.get("code_dim"),
                "command": _command(each, run),
            }
            row["seeds"][str(seed)] = figures
            if seed == seeds[0]:
                _keep_pictures(docs / PICTURES / each.model / each.recipe, run, figures)
            draw_moved(docs / PICTURES / "moved.png", known)
            gradients_over_time.draw_all(docs / PICTURES, known)
            _write(docs / FILE, json.dumps(known, indent=1, sort_keys=True) + "\n")
            _write(docs / PAGE, page(known))
    _write(docs / PAGE, page(known))
    return docs / PAGE


def load_results(docs: Path) -> Results:
    """What was measured before; nothing where there is no file.

    Raises:
        BadFolder: the file cannot be read.
    """
    try:
        known: Results = json.loads((docs / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise BadFolder(f"Expected results in {docs / FILE}. Received: {error}.") from None
    return known


def finished_run(recipes: RecipeName, seed: int, runs: str | Path) -> Run | None:
    """The newest run that was trained by just this recipe, if there is one."""
    recipe = load_recipe(recipes.model, recipes.recipe)
    keys = (*RECIPE_SETTINGS, "dataset", "epochs", "batch_size", "learning_rate")
    wanted = {"seed": seed, "interrupted": False} | {key: getattr(recipe, key) for key in keys}
    defaults = {each.name: each.default for each in describe(recipes.model).hyperparameters}
    hyperparameters = json.loads(json.dumps(defaults | dict(recipe.hyperparameters)))  # tuples become lists
    decided = DECIDED - set(recipe.hyperparameters)
    for folder in sorted(Path(runs, recipes.model).glob("[0-9]*"), reverse=True):
        try:
            run = Run.load(folder)
        except UnknownRun:
            continue
        found = dict(run.config["hyperparameters"])
        same = found == hyperparameters | {name: found[name] for name in decided & found.keys()}
        if same and all(run.config.get(key) == value for key, value in wanted.items()):
            return run
    return None


def figures_of(run: Run, recipe: Recipe, report: Callable[[str], None] = print) -> dict[str, Any]:
    """A run's own figures and those that take minutes."""
    task = TASKS[recipe.task](recipe, data.load(recipe.dataset), run.config["seed"])
    return dict(run.metrics) | task.measure(run.model, report)


def draw_moved(path: Path, known: Results) -> None:
    """Draws the accuracy on moved digits for each recipe of `MOVED_DATASET`, if there is any."""
    curves = {}
    for model, recipes in sorted(known.items()):
        for name, row in recipes.items():
            figures = next(iter(row["seeds"].values()))
            if "moved_1" in figures and name == MOVED_DATASET:
                curves[model] = [figures["accuracy"], *(figures[f"moved_{pixels}"] for pixels in MOVES)]
    if curves:
        path.parent.mkdir(parents=True, exist_ok=True)
        title = f"Accuracy on moved images of {MOVED_DATASET}"
        plots.lines(path, title, (0, *MOVES), curves, "pixels", "accuracy")


def draw_gradient_norms(path: Path, title: str, norms: Curves) -> None:
    """Draws the first layer's gradient norm over the number of layers, for each twin."""
    layers = [int(depth) for depth in next(iter(norms.values()))]
    curves = {name: list(found.values()) for name, found in norms.items()}
    plots.lines(path, title, layers, curves, "layers with weights", "gradient norm of the first layer", log=True)


def _command(recipes: RecipeName, run: Run) -> str:
    backend = run.config["backend"]
    command = f"gallery train {recipes.model} --recipe {recipes.recipe}"
    return command if backend == "tensorflow" else f"KERAS_BACKEND={backend} {command}"


def _keep_pictures(folder: Path, run: Run, figures: dict[str, Any]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for picture in (run.folder / "pictures").glob("*.png"):
        with Image.open(picture) as image:  # with fewer colours its file is a third as large
            image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(folder / picture.name, optimize=True)
    title = f"{run.config['model']}, {run.config['dataset']}"
    for kind, found in figures.get("sweep", {}).items():
        path = folder / f"psnr_{kind}.png"
        plots.lines(path, f"{title}: PSNR under noise", LEVELS, found["psnr"], NOISES[kind], "PSNR in dB")
    if norms := figures.get("gradient_norms"):
        draw_gradient_norms(folder / "gradient_norms.png", f"{title}: before training", norms)
    gradients_over_time.draw(folder, title, figures)


def _write(path: Path, text: str) -> None:
    """Writes a file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)

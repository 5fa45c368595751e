"""`gallery demo`: the whole road in one command: train, export, serve, encode and denoise, and what came of it."""

from __future__ import annotations

import argparse
import io
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..serving.quiet import quiet_import
from .files import write_png

if TYPE_CHECKING:
    import numpy as np

    from ..serving.client import Client

    Array = np.ndarray[Any, Any]

HELP = "train a denoising autoencoder on real digits, export it, serve it, and ask it to encode and denoise"
MODEL = "denoising_autoencoder"
TOLERANCE = 1e-4
CALLS = 50


def configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    parser.add_argument("--epochs", type=int, help="passes over the training images (default: the recipe's)")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same figures (default: 0)")
    parser.add_argument("--runs", default="runs", help="folder of all runs (default: runs)")
    parser.add_argument("--saved-models", default="saved_models", help="folder to export to (default: saved_models)")
    parser.add_argument("--output", default="demo", help="folder for pictures and the server's log (default: demo)")


def run(values: argparse.Namespace) -> int:
    started = time.monotonic()

    def say(step: str) -> None:
        print(f"\n[{time.monotonic() - started:5.1f} s] {step}", flush=True)

    say("Loading Keras and TensorFlow")
    with quiet_import():
        import numpy as np

        from ..serving.client import Client
        from ..serving.export.writing import export
        from ..serving.launcher import ServerProcess
        from ..serving.ports import free_port
        from ..training.data.dataset import load
        from ..training.figures.evaluate import add_noise, psnr
        from ..training.pictures.plots import image_strip
        from ..training.train import TrainConfig, train

    say(f"Training {MODEL} on 4,000 handwritten digits")
    run = train(TrainConfig(MODEL, epochs=values.epochs, seed=values.seed, root=values.runs))
    if run.interrupted:
        print(f"Interrupted: the best weights so far are kept in {run.folder}")
        return 130

    say("Exporting it as a SavedModel, and comparing the SavedModel with the model")
    place = export(run.model, MODEL, values.saved_models)
    print(f"Exported to {place}")

    output = Path(values.output)
    output.mkdir(parents=True, exist_ok=True)
    server = ServerProcess(
        "auto", {MODEL: place.parent}, port=free_port(), rest_port=free_port(), log=output / "server.log"
    )
    say(f"Serving it with the {server.kind} server")
    digits = load(str(run.config["dataset"]))
    clean = digits.x_test[np.unique(digits.y_test, return_index=True)[1]]  # one of each label
    noisy = add_noise(run.model, clean)
    files = [_png(image) for image in noisy]
    from_files = np.rint(noisy * 255).astype(np.float32) / 255  # what the files hold
    encoder = run.model.get_layer("encoder")

    latencies: dict[str, float] = {}
    with server:
        server.wait_until_ready()
        print(f"gRPC at {server.grpc}, REST at {server.rest}, log in {output / 'server.log'}")
        say("Asking it to encode and to denoise")
        for protocol, target in (("gRPC", server.grpc), ("REST", server.rest)):
            with Client(target) as client:
                asked: dict[str, tuple[Callable[[], Array], Array]] = _requests(
                    client, run.model, encoder, noisy, files, from_files
                )
                for what, (ask, expected) in asked.items():
                    difference = float(np.abs(ask() - expected).max())
                    if difference > TOLERANCE:
                        print(f"gallery: {protocol} {what}: off by {difference:.2g} from Keras", file=sys.stderr)
                        return 1
                    latencies[f"{protocol} {what}"] = _milliseconds(ask)
                codes, denoised = asked["encode, arrays"][0](), asked["denoise, arrays"][0]()
    picture = output / "denoised.png"
    image_strip(
        picture, "denoised and encoded by the server", {"clean": clean, "noisy": noisy}, codes, {"denoised": denoised}
    )

    (output / "noisy").mkdir(exist_ok=True)
    for label, file in enumerate(files):
        (output / "noisy" / f"{label}.png").write_bytes(file)

    say("Done")
    metrics = run.metrics
    rows = [
        ("PSNR of noisy digits", f"{metrics['psnr_noisy']:.2f} dB"),
        ("PSNR of denoised digits", f"{metrics['psnr_denoised']:.2f} dB (+{metrics['psnr_lift']:.2f})"),
        ("Error of reconstruction (MSE)", f"{metrics['mse']:.4f}"),
        (f"  PCA with a code of {codes.shape[-1]}", f"{metrics['pca_mse']:.4f}"),
        ("Error of denoising (MSE)", f"{metrics['denoise_mse']:.4f}"),
        (f"  PCA with a code of {codes.shape[-1]}", f"{metrics['pca_denoise_mse']:.4f}"),
        *((f"{what} of {len(clean)}", f"{ms:.2f} ms") for what, ms in latencies.items()),
    ]
    print(f"On {len(digits.x_test):,} held-out digits, and for requests (median of {CALLS}):\n")
    for name, value in rows:
        print(f"    {name:34} {value}")
    print(f"\nAll answers equal Keras within {TOLERANCE}; on these {len(clean)} digits the server lifted the PSNR")
    print(f"from {psnr(clean, noisy):.2f} to {psnr(clean, denoised):.2f} dB.")
    print(f"Picture: {picture}\n")
    print("Go on with (if `gallery` is not found: source .venv/bin/activate):")
    print(f"    gallery show {MODEL}")
    print(f"    gallery serve {MODEL}")
    print(f"    gallery denoise {MODEL} {output / 'noisy'}")
    return 0


def _requests(
    client: Client, model: Any, encoder: Any, noisy: Array, files: list[bytes], from_files: Array
) -> dict[str, tuple[Callable[[], Array], Array]]:
    """Each request with what Keras itself answers."""
    import numpy as np

    return {
        "encode, arrays": (lambda: client.encode(MODEL, noisy), np.asarray(encoder(noisy))),
        "encode, PNG files": (lambda: client.encode(MODEL, files), np.asarray(encoder(from_files))),
        "denoise, arrays": (lambda: client.denoise(MODEL, noisy), np.asarray(model(noisy))),
        "denoise, PNG files": (lambda: client.denoise(MODEL, files), np.asarray(model(from_files))),
    }


def _png(image: Array) -> bytes:
    """An image (height, width, 1) in [0, 1] as the bytes of a PNG file."""
    file = io.BytesIO()
    write_png(file, image)
    return file.getvalue()


def _milliseconds(ask: Callable[[], Array]) -> float:
    """The median time of a request."""
    times = []
    for _ in range(CALLS):
        started = time.perf_counter()
        ask()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000

"""`gallery demo` trains a model, exports it, serves it and sends requests to it. It prints metrics and latencies."""

from __future__ import annotations

import argparse
import io
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import loading
from .arrays import write_png
from .command import SAVED_MODELS, Command, serve_command

if TYPE_CHECKING:
    import numpy as np

    from ..serving.client import Client

    Array = np.ndarray[Any, Any]

MODEL = "denoising_autoencoder"
TOLERANCE = 1e-4
REQUESTS = 50  # for the median latency


def _configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    parser.add_argument("--epochs", type=int, help="passes over the training images (default: the recipe's)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same results (default: 0)")
    parser.add_argument("--runs", default="runs", help="folder of all runs (default: runs)")
    parser.add_argument("--saved-models", default=SAVED_MODELS, help="folder to export to (default: saved_models)")
    parser.add_argument("--output", default="demo", help="folder for images and the server's log (default: demo)")


def _run(values: argparse.Namespace) -> int:
    started = time.monotonic()

    def progress(step: str) -> None:
        print(f"\n[{time.monotonic() - started:5.1f} s] {step}", flush=True)

    progress("Loading Keras and TensorFlow")
    with loading.loading():
        import numpy as np

        from ..serving.client import Client
        from ..serving.export.writing import export
        from ..serving.launcher import ServerProcess
        from ..serving.ports import free_port
        from ..training.data.dataset import load
        from ..training.figures.evaluate import add_noise, psnr
        from ..training.pictures.plots import image_strip
        from ..training.settings import TrainConfig
        from ..training.train import train

    progress(f"Training {MODEL} on 3,600 handwritten digits")
    run = train(TrainConfig(MODEL, epochs=values.epochs, seed=values.seed, root=values.runs))
    if run.interrupted:
        print(f"Interrupted: the best weights so far are saved in {run.folder}")
        return 130

    progress("Exporting it")
    folder = export(run.model, MODEL, values.saved_models, progress=lambda step: print(f"    {step} ...", flush=True))
    print(f"Exported to {folder}")

    output = Path(values.output)
    output.mkdir(parents=True, exist_ok=True)
    server = ServerProcess(
        "auto", {MODEL: folder.parent}, port=free_port(), rest_port=free_port(), log=output / "server.log"
    )
    progress(f"Serving it with the {server.kind} server")
    digits = load(str(run.config["dataset"]))
    clean = digits.x_test[np.unique(digits.y_test, return_index=True)[1]]  # one image of each digit
    noisy = add_noise(run.model, clean)
    files = [_png(image) for image in noisy]
    from_files = np.rint(noisy * 255).astype(np.float32) / 255  # the 8-bit values in the files
    encoder = run.model.get_layer("encoder")

    latencies: dict[str, float] = {}
    with server:
        server.wait_until_ready()
        print(f"gRPC at {server.grpc}, REST at {server.rest}, log in {output / 'server.log'}")
        progress("Sending requests to encode and denoise digits")
        for protocol, target in (("gRPC", server.grpc), ("REST", server.rest)):
            with Client(target) as client:
                requests = _requests(client, run.model, encoder, noisy, files, from_files)
                for what, (request, expected) in requests.items():
                    difference = float(np.abs(request() - expected).max())
                    if difference > TOLERANCE:
                        print(
                            f"gallery: {protocol} {what}: the output differs from Keras's output by {difference:.2g}",
                            file=sys.stderr,
                        )
                        return 1
                    latencies[f"{protocol} {what}"] = _median_milliseconds(request)
                codes, denoised = requests["encode, arrays"][0](), requests["denoise, arrays"][0]()
    picture = output / "denoised.png"
    image_strip(
        picture, "denoised and encoded by the server", {"clean": clean, "noisy": noisy}, codes, {"denoised": denoised}
    )

    (output / "noisy").mkdir(exist_ok=True)
    for label, file in enumerate(files):
        (output / "noisy" / f"{label}.png").write_bytes(file)

    progress("Done")
    metrics = run.metrics
    rows = [
        ("PSNR of noisy digits", f"{metrics['psnr_noisy']:.2f} dB"),
        ("PSNR of denoised digits", f"{metrics['psnr_denoised']:.2f} dB (+{metrics['psnr_lift']:.2f})"),
        ("Reconstruction error (MSE)", f"{metrics['mse']:.4f}"),
        (f"  PCA with a code of {codes.shape[-1]}", f"{metrics['pca_mse']:.4f}"),
        ("Denoising error (MSE)", f"{metrics['denoise_mse']:.4f}"),
        (f"  PCA with a code of {codes.shape[-1]}", f"{metrics['pca_denoise_mse']:.4f}"),
        *((what, f"{ms:.2f} ms") for what, ms in latencies.items()),
    ]
    tested, sent = f"{len(digits.x_test):,} test digits", f"{REQUESTS} requests with {len(clean)} digits each"
    print(f"Results on {tested}, and median latency of {sent}:\n")
    for name, value in rows:
        print(f"    {name:38} {value}")
    print(f"\nThe outputs of the server and of Keras differ by at most {TOLERANCE}.")
    print(f"On the {len(clean)} digits of the requests, denoising raised the PSNR ", end="")
    print(f"from {psnr(clean, noisy):.2f} to {psnr(clean, denoised):.2f} dB.")
    print(f"Image: {picture}\n")
    print("Commands to try next (if `gallery` is not found, first run: source .venv/bin/activate):")
    print(f"    gallery show {MODEL}")
    print(f"    {serve_command(MODEL, values.saved_models)}")
    print(f"    gallery denoise {MODEL} {output / 'noisy'}")
    return 0


def _requests(
    client: Client, model: Any, encoder: Any, noisy: Array, files: list[bytes], from_files: Array
) -> dict[str, tuple[Callable[[], Array], Array]]:
    """Returns the requests by name: a function that sends the request, and the answer that Keras computes."""
    import numpy as np

    return {
        "encode, arrays": (lambda: client.encode(MODEL, noisy), np.asarray(encoder(noisy))),
        "encode, PNG files": (lambda: client.encode(MODEL, files), np.asarray(encoder(from_files))),
        "denoise, arrays": (lambda: client.denoise(MODEL, noisy), np.asarray(model(noisy))),
        "denoise, PNG files": (lambda: client.denoise(MODEL, files), np.asarray(model(from_files))),
    }


def _png(image: Array) -> bytes:
    """Returns an image (height, width, 1) in [0, 1] as the bytes of a PNG file."""
    file = io.BytesIO()
    write_png(file, image)
    return file.getvalue()


def _median_milliseconds(request: Callable[[], Array]) -> float:
    """Returns the median time of a request in milliseconds."""
    times = []
    for _ in range(REQUESTS):
        started = time.perf_counter()
        request()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


COMMAND = Command(
    "train, export, serve and use a denoising autoencoder",
    "Trains a denoising autoencoder on handwritten digits, exports it, serves it and sends requests to it. "
    "Prints the model's metrics and the latency of requests, and writes an image with noisy and denoised digits.",
    ["gallery demo", "gallery demo --epochs 5 --output first-try"],
    _configure,
    _run,
)

"""Compares the training speed of `keras_gallery` with a torch training loop on the same network and data.

    python benchmarks/train.py [--networks dense convolutional] [--rounds 3]

The contenders are the torch loop, and the gallery on TensorFlow and on JAX. They take turns, `rounds` times, each in a
new process. The first epoch compiles the model and is not timed. The program prints the median, minimum and maximum of
the images per second, and the ratio of the median to the median of the torch loop. The torch loop needs
`pip install torch`. Without torch, the ratio is to the median of the gallery on TensorFlow.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from importlib.util import find_spec

IMAGES = 12_800
BATCH = 128
EPOCHS = 2
RATE = 1e-3
NETWORKS = {
    "dense": ("stacked_autoencoder", {"hidden": (512, 128), "code_dim": 32}, True),
    "convolutional": ("convolutional_autoencoder", {"filters": (16, 32), "code_dim": 32}, False),
}
CONTENDERS = ("torch loop", "gallery on tensorflow", "gallery on jax")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS), help="networks (default: all)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="number of rounds (default: 3)")
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)  # a child process
    values = parser.parse_args()
    if values.contender:
        run = torch_loop if values.contender == "torch loop" else gallery
        print(run(values.networks[0]))
        return 0
    contenders = [name for name in CONTENDERS if name != "torch loop" or find_spec("torch")]
    for network in values.networks:
        speeds: dict[str, list[float]] = {name: [] for name in contenders}
        for number in range(values.rounds):
            for name in contenders:
                print(f"{network}, round {number + 1} of {values.rounds}: {name}", file=sys.stderr)
                speeds[name].append(measure(network, name))
        first = statistics.median(speeds[contenders[0]])
        print(f"\n{network}: {NETWORKS[network][0]} {NETWORKS[network][1]}, batches of {BATCH}")
        for name, rates in speeds.items():
            middle = statistics.median(rates)
            print(
                f"    {name:24} {middle:8,.0f} images/s ({min(rates):,.0f} to {max(rates):,.0f})"
                f"   {middle / first:.2f} x {contenders[0]}"
            )
    return 0


def measure(network: str, contender: str) -> float:
    """Runs a contender in a new process and returns its images per second."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": contender.rpartition(" ")[2]}
    if contender == "torch loop":
        environment["KERAS_BACKEND"] = "torch"
    command = [sys.executable, __file__, "--networks", network, "--contender", contender]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{contender} failed:\n{done.stderr[-2000:]}")
    return float(done.stdout.split()[-1])


def gallery(network: str) -> float:
    """Trains a gallery model with the batches and the compile options of `gallery train`. Returns images per second."""
    import keras
    import numpy as np
    from keras_gallery.models import create
    from keras_gallery.models.losses import BinaryCrossentropy
    from keras_gallery.training.data.batches import Batches
    from keras_gallery.training.fitting import compile_options

    name, hyperparameters, xla = NETWORKS[network]
    model = create(name, **hyperparameters)
    model.compile(keras.optimizers.Adam(RATE), BinaryCrossentropy(), **compile_options(xla))
    x = np.random.default_rng(0).random((IMAGES, 28, 28, 1), np.float32)
    batches = Batches(x, x, BATCH, seed=0)
    model.fit(batches, shuffle=False, verbose=0)
    started = time.perf_counter()
    model.fit(batches, epochs=EPOCHS, shuffle=False, verbose=0)
    return EPOCHS * IMAGES / (time.perf_counter() - started)


def torch_loop(network: str) -> float:
    """Trains the same layers with the same loss and optimizer in torch. Returns images per second."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    if network == "dense":
        sizes = [784, 512, 128, 32, 128, 512, 784]
        layers: list[nn.Module] = []
        for position, (before, after) in enumerate(zip(sizes, sizes[1:], strict=False)):
            layers.append(nn.Linear(before, after))
            if position not in (2, 5):  # the code is linear, and the output is a sigmoid
                layers.append(nn.ReLU())
        model = nn.Sequential(*layers, nn.Sigmoid())
        x = torch.rand(IMAGES, 784)
    else:
        model = nn.Sequential(
            *(nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(), nn.Flatten()),
            *(nn.Linear(1568, 32), nn.Linear(32, 1568), nn.ReLU(), nn.Unflatten(1, (32, 7, 7))),
            *(nn.ConvTranspose2d(32, 16, 3, 2, 1, 1), nn.ReLU(), nn.ConvTranspose2d(16, 1, 3, 2, 1, 1), nn.Sigmoid()),
        )
        x = torch.rand(IMAGES, 1, 28, 28)
    optimizer = torch.optim.Adam(model.parameters(), RATE)

    def epoch() -> None:
        order = torch.randperm(IMAGES)
        for start in range(0, IMAGES, BATCH):
            batch = x[order[start : start + BATCH]]
            optimizer.zero_grad(set_to_none=True)
            loss = nn.functional.binary_cross_entropy(model(batch), batch, reduction="sum") / len(batch)
            loss.backward()
            optimizer.step()

    epoch()
    started = time.perf_counter()
    for _ in range(EPOCHS):
        epoch()
    return EPOCHS * IMAGES / (time.perf_counter() - started)


if __name__ == "__main__":
    sys.exit(main())

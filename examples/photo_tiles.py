"""Cuts the photographs inside scikit-image into tiles, as an example of a folder of pictures of your own.

    python examples/photo_tiles.py tiles
    gallery train convolutional_autoencoder --data tiles

Each photograph has its own subfolder, so that the tiles can also be classified by photograph. Each tile has 32 × 32
pixels. The photographs are scaled so that the tiles show more than a texture.
"""

from __future__ import annotations

import argparse
from importlib import resources
from pathlib import Path

from PIL import Image

PHOTOGRAPHS = {  # all in the public domain, CC0 or CC BY: see data/README.txt of scikit-image
    "astronaut": "astronaut.png",
    "cat": "chelsea.png",
    "coffee": "coffee.png",
    "galaxies": "hubble_deep_field.jpg",
    "motorcycle": "motorcycle_left.png",
    "retina": "retina.jpg",
    "rocket": "rocket.jpg",
    "tissue": "ihc.png",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", help="new folder for the tiles, with a subfolder for each photograph")
    parser.add_argument("--size", type=int, default=32, help="height and width of a tile in pixels (default: 32)")
    parser.add_argument("--step", type=int, help="pixels between two tiles (default: the size, so that none overlap)")
    parser.add_argument("--height", type=int, default=384, help="height of a scaled photograph (default: 384)")
    parser.add_argument("--grey", action="store_true", help="write grey tiles")
    values = parser.parse_args()
    if values.size < 1 or values.height < values.size:
        parser.error("--height must be at least --size, and --size at least 1")
    count = sum(
        cut(name, file, Path(values.folder, name), values.size, values.step or values.size, values.height, values.grey)
        for name, file in PHOTOGRAPHS.items()
    )
    print(f"{count:,} tiles of {len(PHOTOGRAPHS)} photographs in {values.folder}")


def cut(name: str, file: str, folder: Path, size: int, step: int, height: int, grey: bool) -> int:
    """Writes the tiles of a photograph as PNG files, and returns their number."""
    folder.mkdir(parents=True, exist_ok=True)
    with (resources.files("skimage.data") / file).open("rb") as opened, Image.open(opened) as photograph:
        width = round(photograph.width * height / photograph.height)
        scaled = photograph.convert("L" if grey else "RGB").resize((width, height), Image.Resampling.LANCZOS)
    count = 0
    for top in range(0, height - size + 1, step):
        for left in range(0, width - size + 1, step):
            scaled.crop((left, top, left + size, top + size)).save(folder / f"{name}_{top:03}_{left:03}.png")
            count += 1
    return count


if __name__ == "__main__":
    main()

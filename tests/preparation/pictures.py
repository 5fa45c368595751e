"""Picture files of many kinds, for tests."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image


def photograph(height: int = 37, width: int = 53) -> Any:
    """Returns a smooth RGB picture, different in each part."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / 7 + y / 11), np.cos(x / 5), np.sin(y / 6 - x / 9)]
    return Image.fromarray(np.rint(np.stack(waves, -1) * 100 + 128).astype(np.uint8))


def encoded(picture: Any, kind: str, **options: Any) -> bytes:
    """Returns a picture as a file."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def turned(orientation: int, *, order: str = "<") -> bytes:
    """Returns a JPEG file with this EXIF orientation, in the byte order "<" or ">"."""
    exif = Image.Exif()
    exif.endian = order
    exif[0x010F] = "a camera"
    exif[0x0112] = orientation
    return encoded(photograph(), "JPEG", quality=95, exif=exif.tobytes())


def kinds() -> dict[str, bytes]:
    """Returns files of all kinds that models read."""
    rgb = photograph()
    opacity = Image.fromarray(np.tile(np.linspace(0, 255, 53).astype(np.uint8), (37, 1)))
    rgba, grey_alpha = rgb.copy(), rgb.convert("L")
    rgba.putalpha(opacity)
    grey_alpha.putalpha(opacity)
    bmp = bytearray(encoded(rgb.convert("RGBA"), "BMP"))
    bmp[57::4] = bytes(len(bmp[57::4]))  # the fourth byte of a pixel has no meaning
    sixteen = Image.fromarray(np.asarray(rgb.convert("L")).astype(np.uint16) * 257)
    return {
        "RGB": encoded(rgb, "PNG"),
        "grey": encoded(rgb.convert("L"), "PNG"),
        "black and white": encoded(rgb.convert("1"), "PNG"),
        "RGBA": encoded(rgba, "PNG"),
        "grey with alpha": encoded(grey_alpha, "PNG"),
        "palette": encoded(rgb.convert("P"), "PNG"),
        "palette with transparency": encoded(rgb.convert("P"), "PNG", transparency=3),
        "16 bits": encoded(sixteen, "PNG"),
        "JPEG": encoded(rgb, "JPEG", quality=95),
        "grey JPEG": encoded(rgb.convert("L"), "JPEG", quality=95),
        "progressive JPEG": encoded(rgb, "JPEG", quality=95, progressive=True),
        "CMYK JPEG": encoded(rgb.convert("CMYK"), "JPEG", quality=95),
        "turned JPEG": turned(6),
        "BMP": encoded(rgb, "BMP"),
        "BMP of 32 bits": bytes(bmp),
        "BMP with the first row first": bytes(bmp[:22]) + (-37).to_bytes(4, "little", signed=True) + bytes(bmp[26:]),
        "WebP": encoded(rgb, "WEBP", quality=90),
        "WebP with alpha": encoded(rgba, "WEBP", lossless=True, exact=True),
        "lossy WebP with alpha": encoded(rgba, "WEBP", quality=90),
        "white": encoded(Image.new("RGB", (77, 77), "white"), "PNG"),
        "tall": encoded(rgb.resize((20, 45)), "PNG"),
        "small": encoded(rgb.resize((5, 3)), "PNG"),
        "one pixel": encoded(rgb.resize((1, 1)), "PNG"),
        "very wide": encoded(rgb.resize((900, 2)), "PNG"),
    }

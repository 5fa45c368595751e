"""Names unsupported file formats by their first bytes, for error messages."""

from __future__ import annotations

_UNPACK = "unpack it, and import the file or folder in it"
_PICKLE = "a Python pickle, which runs code when it is read (save the model with model.save('name.keras'))"
_TORCH = "a PyTorch file (export the model to ONNX: torch.onnx.export)"

# Offset, bytes, description. The first match counts.
SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (4, b"TFL3", "a TensorFlow Lite model, which cannot be converted back (import the original model)"),
    (0, b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", _TORCH),
    *((0, bytes((0x80, protocol)), _PICKLE) for protocol in range(2, 6)),
    *((0, bytes((0x78, level)), f"zlib data, perhaps {_PICKLE}") for level in (0x01, 0x5E, 0x9C, 0xDA)),
    (0, b"\x93NUMPY", "a NumPy array"),
    (0, b"GGUF", "a GGUF file of llama.cpp"),
    (8, b'{"', "a safetensors file, which holds only weights (export the model to ONNX)"),
    (0, b"\x1f\x8b", f"a gzip file ({_UNPACK})"),
    (0, b"BZh", f"a bzip2 file ({_UNPACK})"),
    (0, b"\xfd7zXZ", f"an xz file ({_UNPACK})"),
    (0, b"7z\xbc\xaf\x27\x1c", f"a 7-Zip file ({_UNPACK})"),
    (257, b"ustar", f"a tar archive ({_UNPACK})"),
    (0, b"PK\x05\x06", "an empty zip archive"),
    (0, b"version https://git-lfs", "a Git LFS pointer (fetch the file itself: git lfs pull)"),
    (0, b"<!DOCTYPE", "a web page (download the file itself)"),
    (0, b"<!doctype", "a web page (download the file itself)"),
    (0, b"<html", "a web page (download the file itself)"),
    (0, b"<?xml", "an XML file"),
    *((0, name, "a model architecture in YAML, without weights") for name in (b"backend:", b"class_name:")),
    (0, b"\x00" * 16, "a file of zeros (perhaps an incomplete download)"),
)


def file_type(header: bytes) -> str:
    """Describes the format of a file by its first bytes. Returns "" if the format is unknown."""
    return next((name for at, magic, name in SIGNATURES if header[at : at + len(magic)] == magic), "")

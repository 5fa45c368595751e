"""Compares an answer with the recorded answer.

Status codes and messages must be equal. Floats may have a relative difference of 1e-4. JSON bodies are compared as
values, so their layout and the number of digits of a float do not matter.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

Json = Any


def differences(case: Json, want: Json, got: Json) -> list[str]:
    """Describes each difference. Returns an empty list if the answers agree.

    Args:
        case: the case, with these optional keys. `exact`: whether the texts of the bodies must be equal. `any`: paths
            to values that must both be empty, or both not be empty. `ignore`: paths to values that are not compared.
            `message_re`: a regular expression that the error message must match.
        want: the recorded answer.
        got: the answer.
    """
    want, got = json.loads(json.dumps([want, got]))  # copies, because the code below changes them
    found: list[str] = []
    if not case.get("exact"):
        for side in (want, got):
            _parse_body(side)
    for path in case.get("any", []):  # compare only whether the values are empty
        for container, key in _places(path, want, got):
            container[key] = bool(container[key])
    for path in case.get("ignore", []):
        for container, key in _places(path, want, got):
            del container[key]
    if "message_re" in case:
        texts = [
            "".join(str(h.pop(k)) for p in ("message", "body.error") for h, k in _places(p, s)) for s in (want, got)
        ]
        if not re.fullmatch(case["message_re"], texts[1], re.S):
            found.append(f"message: expected a match of {case['message_re']!r}, got {texts[1]!r}")
    if "metrics" in want:
        missing = set(want.pop("metrics")) - set(got.pop("metrics", []))
        found += [f"missing metric: {line}" for line in sorted(missing)]
    return found + list(_differences(want, got, ""))


def _parse_body(answer: Json) -> None:
    try:
        answer["body"] = json.loads(answer["body"])
    except (KeyError, ValueError):
        pass


def _places(path: str, *sides: Json) -> Iterator[tuple[Json, Any]]:
    """Finds the value at a dotted path in each answer. Yields the value's container and its key in the container."""
    *above, last = (int(part) if part.isdigit() else part for part in path.split("."))
    for side in sides:
        try:
            for part in above:
                side = side[part]
            side[last]
        except (KeyError, IndexError, TypeError):
            continue
        yield side, last


def _differences(want: Json, got: Json, at: str) -> Iterator[str]:
    if isinstance(want, dict) and isinstance(got, dict):
        for key in sorted(want.keys() | got.keys()):
            if key in want and key in got:
                yield from _differences(want[key], got[key], f"{at}.{key}")
            else:
                yield f"{at}.{key}: expected {_short(want, key)}, got {_short(got, key)}"
    elif isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        for i, (one, other) in enumerate(zip(want, got, strict=True)):
            yield from _differences(one, other, f"{at}[{i}]")
    elif isinstance(want, float) and isinstance(got, float):
        if not (math.isclose(want, got, rel_tol=1e-4, abs_tol=1e-6) or math.isnan(want) and math.isnan(got)):
            yield f"{at}: expected {want}, got {got}"
    elif type(want) is not type(got) or want != got:
        yield f"{at}: expected {json.dumps(want)[:500]}, got {json.dumps(got)[:500]}"


def _short(side: Json, key: str) -> str:
    return json.dumps(side[key])[:300] if key in side else "nothing"

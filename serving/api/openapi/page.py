"""Writes the HTML page at /docs. It shows the served models, and commands that call the models.

The page is plain HTML without scripts or external files. Viewers such as Swagger UI load scripts and external files.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from html import escape
from urllib.parse import quote

from ...wire.signature import DEFAULT_SIGNATURE, SignatureDef, TensorSpec
from . import schema as tensor_schema
from .document import ServedVersion, example_body, forms

MAX_COMMAND = 500  # maximum length of a body in a curl command; a Python command generates longer bodies

_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Models</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: .5rem 0; }
td, th { border: 1px solid #8886; padding: .2rem .6rem; text-align: left; }
pre { background: #8882; padding: .8rem; overflow-x: auto; border-radius: .4rem; }
summary { cursor: pointer; font-weight: 600; }
</style>
</head>
<body>
<h1>Models</h1>
<p>This server has the REST API of TensorFlow Serving (<a href="/openapi.json">OpenAPI document</a>).</p>
"""


def page(versions: Iterable[ServedVersion], address: str) -> str:
    """Returns the HTML page.

    Args:
        versions: the served versions, in any order of models, with the highest version of each model first.
        address: the address of the server, such as "http://localhost:8501".
    """
    parts = [_HEAD]
    seen: set[str] = set()
    for version in versions:
        path = f"/v1/models/{quote(version.name, safe='')}"
        if version.name in seen:
            path += f"/versions/{version.number}"
        else:
            parts.append(f'<h2>{escape(version.name)}</h2>\n<p><a href="{escape(path)}">status</a>')
            parts.append(f' · <a href="{escape(path)}/metadata">metadata</a></p>\n')
        parts.append(f"<h3>Version {version.number}</h3>\n")
        for name, definition in sorted(version.signatures.items()):
            parts.append(_signature(name, definition, f"{address}{path}:predict", name == DEFAULT_SIGNATURE))
        seen.add(version.name)
    if not seen:
        parts.append("<p>No model is loaded.</p>\n")
    parts.append("</body>\n</html>\n")
    return "".join(parts)


def _signature(name: str, definition: SignatureDef, url: str, is_open: bool) -> str:
    commands = "".join(f"<pre>{escape(_command(name, definition, form, url))}</pre>\n" for form in forms(definition))
    return (
        f"<details{' open' if is_open else ''}>\n<summary>{escape(name)}</summary>\n"
        f"{_table('Input', definition.inputs)}{_table('Output', definition.outputs)}"
        f"{commands or '<p>Only available over gRPC.</p>'}</details>\n"
    )


def _table(title: str, specs: Mapping[str, TensorSpec]) -> str:
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(tensor_schema.description(spec))}</td></tr>\n"
        for name, spec in specs.items()
    )
    return f"<table>\n<tr><th>{title}</th><th>Type and shape</th></tr>\n{rows}</table>\n"


def _command(name: str, definition: SignatureDef, form: str, url: str) -> str:
    """Returns a shell command that sends a request to the signature."""
    body = example_body(name, definition, form)
    if body is not None and len(text := json.dumps(body)) <= MAX_COMMAND:
        return f"curl -d {shlex.quote(text)} {shlex.quote(url)}"
    row = form == "instances"
    codes = {key: tensor_schema.example_code(spec, row=row) for key, spec in definition.inputs.items()}
    named = "{" + ", ".join(f"{_quoted(key)}: {code}" for key, code in codes.items()) + "}"
    values = next(iter(codes.values())) if len(codes) == 1 else named
    signature = "" if name == DEFAULT_SIGNATURE else f'"signature_name": {_quoted(name)}, '
    program = f'import json; print(json.dumps({{{signature}"{form}": {f"[{values}]" if row else values}}}))'
    return f"python3 -c {shlex.quote(program)} | curl -d @- {shlex.quote(url)}"


def _quoted(text: str) -> str:
    """Writes a Python string in double quotes, because the shell command uses single quotes."""
    return json.dumps(text, ensure_ascii=False)

"""The OpenAPI document as a page where its operations can be tried: made here, with nothing loaded from elsewhere.

The page tells what this version of the program can be asked, and nothing of the archive; a token is typed into it, and
sent with what is tried.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

PAGE = "/docs"
FILES = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
PATHS = frozenset({PAGE, *(f"{PAGE}/{name}" for name in FILES)})
POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"


@cache
def file(name: str) -> str:
    """What lies beside the page."""
    return files("search.serve.http").joinpath("page", name).read_text("utf-8")


def page(document: Mapping[str, Any], *, secured: bool) -> str:
    """The page for an OpenAPI document."""
    return "\n".join(_page(document, secured))


def _page(document: Mapping[str, Any], secured: bool) -> Iterator[str]:
    title = escape(document["info"]["title"])
    yield "<!doctype html>"
    yield '<html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width">'
    yield f"<title>{title}: HTTP</title>"
    yield f'<link rel="icon" href="{PAGE}/icon.svg">'  # else a browser asks for one that is not there
    yield f'<link rel="stylesheet" href="{PAGE}/page.css"><script src="{PAGE}/page.js" defer></script></head><body>'
    yield f"<h1>{title}</h1><p>{escape(document['info'].get('summary', ''))}. "
    yield 'All of this as an <a href="/openapi.json">OpenAPI document</a>.</p>'
    if secured:
        yield '<p><label>Token of this server <input id="token" type="password" autocomplete="off"></label></p>'
    section = ""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if operation["tags"][0] != section:
                section = operation["tags"][0]
                yield f"<h2>{escape(section)}</h2>"
            yield from _operation(path, method, operation)
    yield "<h2>Shapes</h2>"
    for name, schema in document["components"]["schemas"].items():
        yield f'<details id="{escape(name)}"><summary>{escape(name)}</summary>{_pre(schema)}</details>'
    yield "</body></html>"


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f'<details class="operation"><summary><span class="method">{method}</span> <code>{escape(path)}</code> '
    yield f'<span class="quiet">{escape(operation["description"])}</span></summary>'
    yield f'<form data-path="{escape(path)}" data-method="{method.upper()}"><table>'
    for parameter in operation.get("parameters", ()):
        yield _parameter(parameter)
    yield "</table>"
    if "requestBody" in operation:
        (content,) = operation["requestBody"]["content"].values()
        example = json.dumps(content["example"], ensure_ascii=False, indent=2)
        yield f"<label>Body {_reference(content['schema'])}<textarea data-body>{escape(example)}</textarea></label>"
    yield "<button>Send</button> <pre><output></output></pre></form>"
    for sample in operation["x-codeSamples"]:
        yield f"<pre>{escape(sample['source'])}</pre>"
    for code, response in operation["responses"].items():
        shapes = ", ".join(_reference(content.get("schema", {})) for content in response.get("content", {}).values())
        yield f'<div class="quiet">{escape(code)}: {escape(response["description"])} {shapes}</div>'
    yield "</details>"


def _parameter(parameter: Mapping[str, Any]) -> str:
    schema = parameter["schema"]
    kinds = schema.get("anyOf", [schema])
    many = next((one for one in kinds if one.get("type") == "array"), None)
    name, example = escape(parameter["name"]), parameter.get("example")
    choices = next((one["enum"] for one in kinds if "enum" in one), None)
    common = f'data-name="{name}"' + (" data-many" if many else "") + (" required" if parameter.get("required") else "")
    if many:
        lines = "\n".join(map(str, example or ()))
        field = f'<textarea {common} rows="2" placeholder="one a line">{escape(lines)}</textarea>'
    elif choices:
        options = "".join(
            f"<option{' selected' if one == example else ''}>{escape(str(one))}</option>" for one in ("", *choices)
        )
        field = f"<select {common}>{options}</select>"
    elif any(one.get("type") == "boolean" for one in kinds):
        field = f'<input type="checkbox" {common}{" checked" if example else ""}>'
    else:
        field = f'<input {common} value="{escape("" if example is None else str(example))}">'
    about = escape(parameter["description"])
    return f'<tr><td><label><code>{name}</code><br><span class="quiet">{about}</span>{field}</label></td></tr>'


def _reference(schema: Mapping[str, Any]) -> str:
    names = [one["$ref"].rpartition("/")[2] for one in (schema, *schema.get("anyOf", ())) if "$ref" in one]
    return ", ".join(f'<a href="#{escape(name)}">{escape(name)}</a>' for name in names)


def _pre(value: Any) -> str:
    return f"<pre>{escape(json.dumps(value, ensure_ascii=False, indent=2))}</pre>"

"""Schemas as short as they can be: a model reads all of them before it calls the first tool."""

from __future__ import annotations

from typing import Any

# Of arguments: nobody asks for so much on purpose, and who does is told.
_BOUNDS = ("title", "maxLength", "minLength", "maxItems", "minItems", "maximum", "minimum", "additionalProperties")
_NULL = {"type": "null"}
ANSWER = {"type": "object"}
"""The schema of a tool's answers. Whoever reads it sees the answer, whose names speak for themselves."""


def arguments(schema: dict[str, Any], told: set[tuple[str, str]]) -> dict[str, Any]:
    """The schema of a tool's arguments: in one piece, without titles, bounds, defaults that are empty, and null,
    which is taken for "not given" anyway. What an argument means is said once: ``told`` are the names and descriptions
    of the arguments of the tools before, and gets those of this one."""
    known = schema.get("$defs", {})
    properties = {name: _short(one, known) for name, one in schema["properties"].items()}
    for name, one in properties.items():
        if (name, one.get("description", "")) in told:
            del one["description"]
        elif "description" in one:
            told.add((name, one["description"]))
    required = {"required": schema["required"]} if schema.get("required") else {}
    return {"type": "object", "properties": properties, **required}


def _short(schema: Any, known: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_short(one, known) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _short(known[schema["$ref"].rpartition("/")[2]], known)
    found = {}
    for name, value in schema.items():
        if name == "properties":  # what it holds goes by names, not by words of JSON Schema
            found[name] = {key: _short(one, known) for key, one in value.items()}
        elif name not in _BOUNDS and not (name == "default" and not value):
            found[name] = _short(value, known)
    others = [one for one in found.get("anyOf", ()) if one != _NULL]
    if len(others) != 1:
        return found
    del found["anyOf"]
    return {**others[0], **found}

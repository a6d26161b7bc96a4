"""What an XML document says of itself, for formats whose fields are elements: its root, and its fields as values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from search.ingest.formats.trees import first, line, local, words
from search.ingest.source import Head

if TYPE_CHECKING:
    from lxml.etree import _Element

_PROLOG = re.compile(
    r"\ufeff?(?>\s+|<\?.*?\?>|<!--.*?-->|<!doctype[^>\[]*(?:\[.*?\]\s*)?>)*", re.IGNORECASE | re.DOTALL
)
_ROOT = re.compile(r"<(?:[\w.-]+:)?(?P<name>[A-Za-z_][\w.-]*)(?P<rest>[^>]*)")
_DEEPEST = 30  # levels of elements that are kept as they are nested


class Root(NamedTuple):
    """The first element of a document: its local name in lower case ("" without one) and its attributes as written."""

    name: str
    attributes: str


def root_of(head: Head) -> Root:
    """The root of an XML document by its first bytes."""
    text = head.text[:20_000]
    prolog = _PROLOG.match(text)
    found = _ROOT.match(text, prolog.end() if prolog is not None else 0)
    return Root("", "") if found is None else Root(found["name"].lower(), found["rest"])


def attributes_of(element: _Element) -> dict[str, str]:
    """The attributes of an element without namespaces, as they are written; those that say nothing are left out."""
    found: dict[str, str] = {}
    for name, value in element.attrib.items():
        local_name = str(name).rpartition("}")[2]
        if str(value).strip() and local_name != "schemaLocation":
            found.setdefault(local_name, str(value).strip())
    return found


def fields_of(element: _Element, skip: Iterable[str] = (), depth: int = 0) -> Any:
    """All that an element says: its words where it has nothing else, or its attributes and children by their names,
    with its own words as "text"; several children of a name are a list. ``skip`` are local names (in lower case) that
    are left out."""
    fields: dict[str, Any] = dict(attributes_of(element))
    skip = frozenset(skip)
    children = [child for child in element if isinstance(child.tag, str) and local(child) not in skip]
    deepest = depth >= _DEEPEST
    mixed = deepest or bool((element.text or "").strip()) or any((child.tail or "").strip() for child in element)
    if (mixed or not children) and (text := line(element)):
        fields["text"] = text
    for child in () if deepest else children:
        value = fields_of(child, skip, depth + 1)
        if value in ("", {}) or (mixed and isinstance(value, str)):  # its words are among these
            continue
        name = child.tag.rpartition("}")[2]
        held = fields.get(name)
        if held is None:
            fields[name] = value
        elif isinstance(held, list):
            held.append(value)
        else:
            fields[name] = [held, value]
    return fields.get("text", "") if fields.keys() <= {"text"} else fields


def child(element: _Element | None, *path: str) -> _Element | None:
    """What is found by going down from child to child, by local names in lower case; the first of each."""
    for name in path:
        if element is None:
            return None
        element = next((one for one in element if local(one) == name), None)
    return element


def attribute(element: _Element | None, *names: str) -> str:
    """The first of these attributes that says something, whatever its namespace; "" without one."""
    if element is not None:
        found = attributes_of(element)
        for name in names:
            if name in found:
                return found[name]
    return ""


def language_of(element: _Element) -> str:
    """What the element, or the first below it, says that its words are written in (``xml:lang``)."""
    for one in element.iter():
        if isinstance(one.tag, str) and (found := attribute(one, "lang")):
            return found
    return ""


def told(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that hold something."""
    return {name: value for name, value in fields.items() if value not in ("", None, [], {}, ())}


def marked_text(element: _Element | None, *skip: str) -> str:
    """The paragraphs below an element, but not in elements of the names in ``skip``."""
    left_out = frozenset(skip)
    return "" if element is None else words(element, skip=lambda one: local(one) in left_out)


def lines_of(element: _Element, *names: str) -> list[str]:
    """What the elements of these names below an element say, a line each."""
    found = (line(one) for one in element.iter() if one is not element and local(one) in names)
    return [text for text in found if text]


def first_line(element: _Element, *names: str) -> str:
    """What the first element of these names says."""
    return line(first(element, *names))

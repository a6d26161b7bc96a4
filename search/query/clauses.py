"""Conditions as the query language writes them: what people are told, and what a program can ask again."""

from __future__ import annotations

import re

from search.keyword.readings import words_of
from search.query import quotes
from search.query.fields import value_key

_IN_QUOTES = re.compile(rf"[\\{quotes.MARKS}]")


def value_clause(field: str, value: str) -> str | None:
    """``field:="value"`` in printable characters, or None where no text names this value and no other."""
    key = value_key(value)
    if not key:
        return None
    if value.isascii() and value.isalnum():
        return f"{field}:={value}"
    printable = "".join(c if c.isprintable() else " " for c in value)
    for text in (" ".join(printable.split()), " ".join(words_of(value))):
        if value_key(text) == key:
            return f"{field}:={quoted(text)}"
    return None


def quoted(text: str) -> str:
    """A text in quotation marks, as the query language reads it back."""
    return '"' + _IN_QUOTES.sub(r"\\\g<0>", text) + '"'

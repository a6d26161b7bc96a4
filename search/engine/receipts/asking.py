"""What a receipt asks: one of four questions with its settings, as plain values that JSON has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple

from search.declarations import Setting, settings
from search.engine.request import CONTEXT, FACETS, SEARCH, TIMELINE, Request
from search.errors import UsageError
from search.records import Answer, Detect, Filters

SETTINGS: Mapping[Answer, tuple[Setting, ...]] = {
    Answer.SEARCH: tuple(one for one in SEARCH if one.name not in ("cursor", "explain", "passages")),
    Answer.FACETS: FACETS,
    Answer.TIMELINE: TIMELINE,
    Answer.CONTEXT: CONTEXT,
}
"""What shapes each answer, and is kept of it. A cursor is kept as the offset that it stands for; whether scores are
explained and how many passages there are changes nothing of which articles come in which order."""
_BESIDE: Mapping[Answer, frozenset[str]] = {
    Answer.SEARCH: frozenset(),
    Answer.FACETS: frozenset({"limit"}),
    Answer.TIMELINE: frozenset({"limit"}),
    Answer.CONTEXT: frozenset({"rerank", "detect"}),
}
"""Settings that go by the name of one of a request's, and mean another thing."""
_FILTERS = frozenset(one.name for one in settings(Filters))
_REQUEST = frozenset(one.name for one in fields(Request))


class Asked(NamedTuple):
    """A question: the request that the engine takes, and the settings that are not in it."""

    of: Answer
    request: Request
    others: Mapping[str, Any]

    def kept(self) -> dict[str, Any]:
        """Every setting by its name, as JSON has it."""
        found: dict[str, Any] = {}
        for one in SETTINGS[self.of]:
            holder = self.request.filters if one.name in _FILTERS else self.request
            value = self.others[one.name] if one.name in self.others else getattr(holder, one.name, None)
            found[one.name] = list(map(_plain, value)) if isinstance(value, tuple | list) else _plain(value)
        return found

    @property
    def rerank(self) -> str | None:
        """The cross-encoder that orders the first hits."""
        named: str | None = self.others.get("rerank", self.request.rerank)
        return named


def asked(of: Answer | str, query: str, given: Mapping[str, Any]) -> Asked:
    """The question that the arguments of an archive's method state, or the settings of a receipt.

    Raises UsageError for what a receipt cannot hold: a setting that there is none of, another type, a tree of
    conditions, objects of a program.
    """
    try:
        kind = Answer(of)
    except ValueError:
        raise UsageError(f"a receipt is of {', '.join(Answer)}, not of {of!r}") from None
    if not isinstance(query, str):
        raise UsageError(f"a query is text, not {type(query).__name__}")
    declared = {one.name: one for one in (SEARCH if kind is Answer.SEARCH else SETTINGS[kind])}
    filters = Filters.of(given.get("filters"))
    if filters is not None and filters.conditions is not None:
        raise UsageError("a receipt holds no tree of conditions; write them in the query")
    narrowing = {name: getattr(filters, name, None) for name in _FILTERS}
    values = {name: one.default for name, one in declared.items()}
    for name, value in {**given, **{name: value for name, value in narrowing.items() if value is not None}}.items():
        if name == "filters":
            continue
        if name not in declared:
            raise UsageError(f"a receipt of {kind} takes no {name!r}; use {', '.join(declared)}")
        values[name] = checked(declared[name], value)
    condition = Filters(**{name: value for name, value in values.items() if name in _FILTERS and value is not None})
    own = {name for name in values if name in _REQUEST and name not in _BESIDE[kind]}
    request = Request(
        query=query,
        filters=None if filters is None and condition == Filters() else condition,  # as given: cursors tell them apart
        **{name: values[name] for name in own},
    )
    if kind is Answer.CONTEXT:  # the question is taken apart first, and its sources and dates are those of its parts
        request = replace(request, detect=Detect.OFF)
    return Asked(kind, request, {name: values[name] for name in values.keys() - own - _FILTERS})


def checked(setting: Setting, value: Any) -> Any:
    """A value of a setting. Raises UsageError for another type, or out of range."""
    if value is None and (setting.default is None or setting.many):
        return None
    if setting.many:
        if isinstance(value, str):
            value = [value]
        if not isinstance(value, Sequence):
            raise UsageError(f"{setting.name} takes a list, not {type(value).__name__}").about(setting.name)
        return tuple(checked(setting._replace(many=False, default=""), each) for each in value)
    if isinstance(value, date) and setting.kind is str:
        return value.isoformat()
    if issubclass(setting.kind, StrEnum):
        if isinstance(value, str) and value in tuple(setting.kind):
            return setting.kind(value)
        shown = repr(value) if isinstance(value, str) else type(value).__name__
        raise UsageError(f"{setting.name} is one of {', '.join(setting.kind)}, not {shown}").about(setting.name)
    if setting.kind is float and type(value) is int:
        value = float(value)
    if type(value) is not setting.kind:
        wanted = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}[setting.kind]
        raise UsageError(f"{setting.name} takes {wanted}, not {type(value).__name__}").about(setting.name)
    low, high = setting.least, setting.most
    if setting.kind in (int, float) and not (
        value == value and (low is None or value >= low) and (high is None or value <= high)
    ):
        bounds = f"{low} or more" if high is None else f"between {low} and {high}"
        raise UsageError(f"{setting.name} must be {bounds}, not {value}").about(setting.name)
    return value


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, StrEnum) else value.isoformat() if isinstance(value, date) else value

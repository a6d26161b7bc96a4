"""Records as plain values: the one shape of the command line's JSON, the servers' answers and the adapters' metadata.

A record's keys are its fields as ``records.told`` says. Nothing here knows a record by name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple

from search.records import TELLING, Telling

_PLAIN = frozenset({str, int, bool, type(None)})


class Key(NamedTuple):
    """One key of a record's JSON: the record and the field that it comes from, and how a value of it is read."""

    name: str
    record: type
    field: str
    telling: Telling
    read: Callable[[Any], Any]


@cache
def keys(record: type) -> tuple[Key, ...]:
    """The keys of a record, in order."""
    found: list[Key] = []
    for name, telling in _tellings(record):
        new = [Key(telling.name or name, record, name, telling, attrgetter(name))]
        if telling.keys:
            inner = {key.name: key for key in keys(hint(record, name))}
            new = [inner[key]._replace(read=attrgetter(f"{name}.{inner[key].field}")) for key in telling.keys]
        place = len(found)
        if telling.after is not None:
            place = [key.name for key in found].index(telling.after) + 1 if telling.after else 0
        found[place:place] = new
    return tuple(found)


def _tellings(record: type) -> list[tuple[str, Telling]]:
    """The fields that JSON has, then the properties."""
    found = [(one.name, one.metadata.get(TELLING, Telling())) for one in fields(record)]
    for name, value in vars(record).items():
        if isinstance(value, property) and hasattr(value.fget, TELLING):
            found.append((name, getattr(value.fget, TELLING)))
    return [(name, telling) for name, telling in found if telling is not None]


def hint(record: type, name: str) -> Any:
    """The type of a field or property."""
    from typing import get_type_hints  # a command line that prints no flattened record needs none of it

    value = getattr(record, name, None)
    return get_type_hints(value.fget)["return"] if isinstance(value, property) else get_type_hints(record)[name]


def values(record: Any, without: Collection[str] = ()) -> dict[str, Any]:
    """A record as JSON has it, ``without`` these keys in it and in what it holds."""
    return {
        key.name: _plain(key.read(record), key.telling, without)
        for key in keys(record.__class__)
        if key.name not in without
    }


def _plain(value: Any, telling: Telling, without: Collection[str]) -> Any:
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is float:
        return value if telling.digits is None else round(value, telling.digits)
    if kind is tuple or kind is list:
        if telling.by:
            return {str(getattr(one, telling.by)): values(one, (*without, telling.by)) for one in value}
        return [_plain(one, telling, without) for one in value]
    if isinstance(value, date):
        return value.isoformat()  # with the time where it is known
    if isinstance(value, StrEnum):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    return values(value, without) if is_dataclass(value) else value

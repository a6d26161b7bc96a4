"""What the fields of a record declare: how JSON has them, and what may be asked for.

``values`` gives the one shape of the command line's JSON, the servers' answers and the adapters' metadata: a record's
keys are its fields, as ``told`` says. ``settings`` lists what options, parameters and arguments are made of. Nothing
here knows a record by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, fields, is_dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

Property = TypeVar("Property", bound=Callable[..., Any])


class Telling(NamedTuple):
    """How JSON has a field. ``about`` is its description in a schema."""

    about: str = ""
    name: str = ""
    """Its key, where that is not the field's name."""
    digits: int | None = None
    """To how many decimals a number is rounded."""
    after: str | None = None
    """The key that it follows, where that is not the field before; "" is the first place."""
    keys: tuple[str, ...] = ()
    """Of a record: these of its keys stand in its place."""
    by: str = ""
    """Of a list of records: a mapping of them by this field."""
    cell: str = ""
    """Of a list of records: this field of each is what a cell of a table has."""


TELLING = "told"
UNTOLD: Mapping[str, Any] = {TELLING: None}
"""Metadata of a field that JSON does not have."""


def told(about: str = "", **how: Any) -> Mapping[str, Any]:
    """Metadata of a field: the arguments are those of ``Telling``."""
    return {TELLING: Telling(about, **how)}


def also_told(about: str = "", **how: Any) -> Callable[[Property], Property]:
    """A property that JSON has like a field: stands below ``@property``."""

    def mark(function: Property) -> Property:
        setattr(function, TELLING, Telling(about, **how))
        return function

    return mark


class Setting(NamedTuple):
    """Something that may be asked for. ``kind`` is bool, int, float, str or a StrEnum, of each where there may be
    ``many``; ``option`` is its name on the command line and in addresses, where that is not the field's."""

    name: str
    default: Any
    help: str
    kind: type
    option: str
    short: str = ""
    example: str = ""
    """What stands for a value in help, such as 30d."""
    least: Any = None
    most: Any = None
    many: bool = False


def setting(default: Any, help: str, *, kind: type | None = None, option: str = "", **how: Any) -> Any:
    """A field that is a setting. None as the default is "not given"; a text, unless ``kind`` says otherwise."""
    kind = kind or (str if default is None else type(default))
    return field(default=default, metadata={SETTING: Setting("", default, help, kind, option, **how)})


SETTING, SETTINGS = "setting", "settings"


@cache
def settings(record: type) -> tuple[Setting, ...]:
    """The settings of a dataclass and of the filters in it, in order."""
    found: list[Setting] = []
    for one in fields(record):
        if SETTINGS in one.metadata:
            found += settings(one.metadata[SETTINGS])
        elif SETTING in one.metadata:
            declared: Setting = one.metadata[SETTING]
            found.append(declared._replace(name=one.name, option=declared.option or one.name.replace("_", "-")))
    return tuple(found)


_PLAIN = frozenset({str, int, bool, type(None)})
_PLAIN_AS_WRITTEN = frozenset({"str", "int", "bool", "str | None", "int | None"})


class Key(NamedTuple):
    """One key of a record's JSON: the record and the field that it comes from, and the way there."""

    name: str
    record: type
    field: str
    telling: Telling
    path: str
    plain: bool
    """Its values are texts, whole numbers, truth values or None: JSON has them as they are."""


@cache
def keys(record: type) -> tuple[Key, ...]:
    """The keys of a record, in order."""
    found: list[Key] = []
    written = {one.name: str(one.type) for one in fields(record)}
    for name, telling in _tellings(record):
        kind = written.get(name, "")
        plain = kind in _PLAIN_AS_WRITTEN or kind.startswith("Literal[")
        new = [Key(telling.name or name, record, name, telling, name, plain)]
        if telling.keys:
            inner = {key.name: key for key in keys(hint(record, name))}
            new = [inner[key]._replace(path=f"{name}.{inner[key].path}") for key in telling.keys]
        place = len(found)
        if telling.after is not None:
            place = [key.name for key in found].index(telling.after) + 1 if telling.after else 0
        found[place:place] = new
    return tuple(found)


def _tellings(record: type) -> list[tuple[str, Telling]]:
    """The fields that JSON has, then the properties."""
    found = [(one.name, one.metadata.get(TELLING, Telling())) for one in fields(record)]
    for name, value in (item for kind in reversed(record.__mro__) for item in vars(kind).items()):
        if isinstance(value, property) and hasattr(value.fget, TELLING):
            found.append((name, getattr(value.fget, TELLING)))
    return [(name, telling) for name, telling in found if telling is not None]


def hint(record: type, name: str) -> Any:
    """The type of a field or property."""
    from typing import get_type_hints  # a command line that prints no flattened record needs none of it

    value = getattr(record, name, None)
    return get_type_hints(value.fget)["return"] if isinstance(value, property) else get_type_hints(record)[name]


def values(record: Any, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """A record as JSON has it, ``without`` these keys in it and in what it holds."""
    shape = _shape(record.__class__, without)
    found = dict(zip(shape.names, shape.read(record), strict=True))
    for name, telling in shape.others:
        found[name] = _plain(found[name], telling, without)
    return found


class _Shape(NamedTuple):
    """The keys of a record that are wanted, and the values of all at once."""

    names: tuple[str, ...]
    read: Callable[[Any], tuple[Any, ...]]
    others: tuple[tuple[str, Telling], ...]
    """The keys whose values are not always texts, whole numbers or truth values."""


@cache
def _shape(record: type, without: tuple[str, ...]) -> _Shape:
    wanted = [key for key in keys(record) if key.name not in without]
    read: Any = attrgetter(*(key.path for key in wanted))
    return _Shape(
        tuple(key.name for key in wanted),
        read if len(wanted) > 1 else lambda record: (read(record),),
        tuple((key.name, key.telling) for key in wanted if not key.plain),
    )


@cache
def columns(record: type) -> tuple[str, ...]:
    """The keys of a record that fit into a cell of a table: texts, numbers, dates, words of a setting, lists of texts,
    and lists of records of which a cell has one field."""
    fit = (str, int, float, bool, date | None, int | str | None, float | None, tuple[str, ...])

    def fits(kind: Any) -> bool:
        return kind in fit or (isinstance(kind, type) and issubclass(kind, StrEnum))

    return tuple(key.name for key in keys(record) if key.telling.cell or fits(hint(key.record, key.field)))


def row(record: Any) -> dict[str, Any]:
    """A record as a row of a table; several texts are joined by "; "."""
    whole = values(record)
    for key in keys(record.__class__):
        if key.telling.cell:
            whole[key.name] = [one[key.telling.cell] for one in whole[key.name]]
    cells = {name: whole[name] for name in columns(record.__class__)}
    return {name: "; ".join(value) if isinstance(value, list) else value for name, value in cells.items()}


def _plain(value: Any, telling: Telling, without: tuple[str, ...]) -> Any:
    kind = value.__class__
    if kind in _PLAIN:
        return value
    if kind is float:
        return value if telling.digits is None else round(value, telling.digits)
    if is_dataclass(kind):
        return values(value, without)
    if kind is tuple or kind is list:
        if telling.by:
            return {str(getattr(one, telling.by)): values(one, (*without, telling.by)) for one in value}
        return [_plain(one, telling, without) for one in value]
    if isinstance(value, date):
        return value.isoformat()  # with the time where it is known
    if isinstance(value, StrEnum):
        return str(value)
    return dict(value) if isinstance(value, Mapping) else value

"""Receipts read back. They come from strangers: each value is of its type and within bounds, or there is no receipt."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime
from enum import StrEnum
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from search.declarations import TELLING
from search.engine.receipts.asking import asked
from search.errors import UsageError
from search.records.receipts import FORMAT, Receipt

LONGEST = 16 << 20
"""Bytes of a receipt at most."""
_TEXT = 1_000_000  # characters of one text
_MOST = 100_000  # members of one list


def read(data: bytes | str) -> Receipt:
    """The receipt of a file. Raises UsageError for what is none, is of another version, or was changed."""
    if len(data) > LONGEST:
        raise UsageError(f"a receipt has at most {LONGEST >> 20} MiB")
    try:
        value = json.loads(data, parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"this is no receipt: {type(error).__name__}, it is no JSON") from error
    if not isinstance(value, dict) or not {"receipt", "format", "seal"} <= value.keys():
        raise UsageError("this is no receipt: it has no seal")
    if value["format"] != FORMAT:
        raise UsageError(f"this receipt is of another format than {FORMAT}; use the version that made it")
    seal = value.pop("seal")
    name = value.pop("receipt")
    receipt: Receipt = _read(Receipt, value, "receipt")
    if receipt.made.tzinfo is None:
        raise UsageError("this is no receipt: made has no time zone")
    if (name, seal) != (receipt.id, receipt.seal):
        raise UsageError("this receipt was changed after it was made: its seal is that of another one")
    asked(receipt.of, receipt.query, receipt.settings)  # now, and not when an archive is open
    return receipt


def _refused(constant: str) -> Any:
    raise ValueError(constant)


def _read(kind: Any, value: Any, where: str) -> Any:
    """A value of a type, as the record that has it declares it."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return None if value is None else _read(next(one for one in arguments if one is not type(None)), value, where)
    if kind is Any:
        return _loose(value, where)
    if origin is tuple:
        return tuple(_read(arguments[0], each, where) for each in _several(list, value, where))
    if origin is Mapping:
        members = _several(dict, value, where)
        return {_read(str, key, where): _read(arguments[1], each, where) for key, each in members.items()}
    if is_dataclass(kind):
        return _record(kind, value, where)
    if kind in _SCALARS:
        return _scalar(_SCALARS[kind], value, where)
    if issubclass(kind, StrEnum):
        return _scalar(kind, value, where)
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind or (kind is str and not _is_text(value)):
        raise UsageError(f"this is no receipt: {where} has {type(value).__name__} for {kind.__name__}")
    return value


_SCALARS: Mapping[Any, Callable[[str], Any]] = {date: date.fromisoformat, datetime: datetime.fromisoformat}


def _scalar(read_text: Callable[[str], Any], value: Any, where: str) -> Any:
    try:
        if type(value) is not str:
            raise ValueError
        return read_text(value)
    except (ValueError, OverflowError):
        raise UsageError(f"this is no receipt: {where} has a value that it cannot have") from None


def _record(kind: Any, value: Any, where: str) -> Any:
    hints = get_type_hints(kind)
    told = [one for one in fields(kind) if one.metadata.get(TELLING, "") is not None]
    members = _several(dict, value, where)
    if unknown := members.keys() - {one.name for one in told}:
        raise UsageError(f"this is no receipt: {where} has the unknown {sorted(unknown)[0]!r}")
    needed = {one.name for one in told if one.default is MISSING}
    if missing := needed - members.keys():
        raise UsageError(f"this is no receipt: {where} has no {sorted(missing)[0]}")
    return kind(**{name: _read(hints[name], each, name) for name, each in members.items()})


def _several(kind: type, value: Any, where: str) -> Any:
    if type(value) is list and kind is list and len(value) <= _MOST:
        return value
    if type(value) is dict and kind is dict and len(value) <= _MOST:
        return value
    raise UsageError(f"this is no receipt: {where} is no {kind.__name__} of at most {_MOST:,} values")


def _loose(value: Any, where: str) -> Any:
    """What a setting may be: a plain value, or a list of texts."""
    if isinstance(value, list):
        return [_read(str, each, where) for each in _several(list, value, where)]
    if type(value) not in (str, int, float, bool, type(None)) or (type(value) is str and not _is_text(value)):
        raise UsageError(f"this is no receipt: {where} has {type(value).__name__} for a setting")
    return value


def _is_text(value: str) -> bool:
    return len(value) <= _TEXT and not any("\ud800" <= character <= "\udfff" for character in value)

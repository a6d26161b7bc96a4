"""What a server answers when something is wrong: one JSON shape, a status for each error of the tree."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from search.engine import request
from search.errors import (
    ArchiveError,
    ArchiveLocked,
    ArticleNotFound,
    EncoderError,
    MissingExtraError,
    QueryError,
    QueryTimeout,
    SearchError,
    ServerBusy,
    SourceError,
    UsageError,
)
from search.exports.formats import dumps
from search.exports.plain import clean
from search.serve import folders

RETRY_AFTER = 1  # seconds
_TYPE = re.compile(r"[a-z-]+\[|(constrained-\w+|str|int|float|bool|Comparison|Compound)\Z")
_SHOWN = 3  # faults of one request that are told
_STATUS: tuple[tuple[type[SearchError], int], ...] = (
    (MissingExtraError, 503),
    (UsageError, 400),
    (SourceError, 400),
    (ArticleNotFound, 404),
    (ArchiveLocked, 409),
    (ArchiveError, 503),
    (EncoderError, 503),
    (QueryTimeout, 504),
    (ServerBusy, 503),
)


def status(error: SearchError) -> int:
    """The HTTP status for an error."""
    return next((code for kind, code in _STATUS if isinstance(error, kind)), 500)


def record(kind: str, message: str, *, param: str | None = None, position: int | None = None) -> dict[str, Any]:
    """The one shape. ``type`` is the error's name, ``param`` the parameter at fault, ``position`` a place in the query,
    counted in characters from 0."""
    return {"error": {"type": kind, "message": clean(message), "param": param, "position": position}}


def body(kind: str, message: str, *, param: str | None = None, position: int | None = None) -> bytes:
    """The same as JSON."""
    return dumps(record(kind, message, param=param, position=position)).encode()


def of(error: SearchError, folder: Path, *, store: bool = False) -> bytes:
    """The body for an error of the tree, by whoever serves the archive in this folder. What is at fault goes by its
    name in addresses, in a vector store's by OpenAI's."""
    names = {one.name: one.option.replace("-", "_") for one in request.NAMED.values()}
    names |= {"conditions": "filters" if store else "filter", "limit": "max_num_results" if store else "limit"}
    param = position = None
    if isinstance(error, UsageError) and error.settings:
        param = names.get(error.settings[0], error.settings[0])
    elif isinstance(error, QueryError):
        param, position = "query" if store else "q", error.position
    return body(type(error).__name__, folders.message(error, folder, names), param=param, position=position)


def of_validation(faults: Sequence[Any]) -> bytes:
    """The body for a request that does not fit its model. What was sent is not repeated, but for names."""
    shown = faults[:_SHOWN]  # there may be hundreds of thousands
    name = _name(shown[0]["type"], shown[0]["loc"][1:]) if shown else ""  # without FastAPI's own prefix
    return body("UsageError", misfits(faults, prefix=1), param=name or None)


def misfits(faults: Sequence[Any], *, prefix: int = 0) -> str:
    """What is wrong with arguments, in a line: pydantic's first faults without what was sent, but for names, and
    without ``prefix`` parts of each place."""
    lines = []
    for fault in faults[:_SHOWN]:  # there may be hundreds of thousands
        name = _name(fault["type"], fault["loc"][prefix:])
        lines.append(f"{name}: {_said(fault)}" if name else _said(fault))
    rest = len(faults) - _SHOWN
    return "; ".join(dict.fromkeys(lines)) + (f"; and {rest} more" if rest > 0 else "")


def _said(fault: Any) -> str:
    kind, text = fault["type"], str(fault["msg"])
    if kind == "extra_forbidden":
        return "there is no such parameter"
    if kind == "json_invalid":
        return f"the body is not JSON, from character {fault['loc'][-1]} on"
    if kind == "model_attributes_type" and len(fault["loc"]) == 1:
        return "send an object as JSON, with Content-Type: application/json"
    if kind == "too_long" and isinstance(fault.get("input"), str):
        return text.replace(" items", " characters")
    return text


def _name(kind: str, place: Sequence[str | int]) -> str:
    """``limit``, or ``filters.1.key``: where in the request. The types that pydantic tried are no names of ours."""
    if kind == "json_invalid":
        return ""
    name = ".".join(str(part) for part in place if isinstance(part, int) or not _TYPE.match(part))
    return clean(name[:100])

"""Records as pydantic models, made from the same keys as their JSON: the schemas of OpenAPI and of MCP's tools."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, create_model

from search.declarations import hint, keys


class Exact(BaseModel):
    """Nothing is left out and nothing added."""

    model_config = ConfigDict(extra="forbid")


@cache
def model(record: type, *, without: tuple[str, ...] = (), prefix: str = "") -> type[BaseModel]:
    """The model of ``declarations.values(record, without)``. Models of other shapes of one record need a ``prefix``
    to their names."""
    columns: dict[str, Any] = {}
    for key in keys(record):
        if key.name in without:
            continue
        kind = _kind(hint(key.record, key.field), without, prefix, key.telling.by)
        columns[key.name] = (kind, Field(description=key.telling.about or None))
    about = " ".join((record.__doc__ or "").partition("\n\n")[0].split()).replace("``", "")
    return create_model(prefix + record.__name__, __base__=Exact, __doc__=about, **columns)


def _kind(hint: Any, without: tuple[str, ...], prefix: str, by: str = "") -> Any:
    """What a field's type is in JSON."""
    if isinstance(hint, type):
        if is_dataclass(hint):
            return model(hint, without=without, prefix=prefix)
        if issubclass(hint, StrEnum):
            return Literal[tuple(map(str, hint))]
        return str if issubclass(hint, date) else hint
    inner = get_args(hint)
    if get_origin(hint) in (Union, types.UnionType):
        return Union[tuple(_kind(one, without, prefix) for one in inner)]  # noqa: UP007 - of a tuple
    if get_origin(hint) is tuple and inner[-1] is Ellipsis:
        if by:
            return dict[str, _kind(inner[0], (*without, by), prefix)]  # type: ignore[misc]
        return list[_kind(inner[0], without, prefix)]  # type: ignore[misc]
    return dict[str, Any] if get_origin(hint) is Mapping else hint

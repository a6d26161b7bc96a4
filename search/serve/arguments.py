"""What clients may ask, as pydantic takes it: made of the settings that are declared with the engine's requests.

Everywhere null is "not given", and one value where a list is expected is a list of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from itertools import islice
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, create_model, model_validator

from search.declarations import Setting
from search.engine.request import gathered

LONGEST_QUERY = 10_000
_MISTAKES = 10  # unknown names that are looked at


def _whole(text: str) -> str:
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise ValueError("half a character (a lone surrogate) is no text")
    return text


def _mended(text: str) -> str:
    return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)


Text = Annotated[str, AfterValidator(_whole)]
Name = Annotated[Text, Field(max_length=1_000)]
Names = Annotated[list[Name] | None, Field(max_length=100)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Question = Annotated[str, AfterValidator(_mended), Field(description="A question in plain words.")]
"""What a model wrote: none is refused, whatever is in it and however long it is."""


class Strict(BaseModel):
    """A misspelt parameter is refused: a filter that is left out by mistake changes the answer."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _as_meant(cls, sent: Any) -> Any:
        if not isinstance(sent, Mapping):
            return sent
        known = takes_lists(cls)
        unknown = list(islice((name for name in sent if name not in known), _MISTAKES))  # there may be 100,000
        return {name: sent[name] for name in unknown} | {
            name: [sent[name]] if takes_list and isinstance(sent[name], str) else sent[name]
            for name, takes_list in known.items()
            if sent.get(name) is not None
        }


@cache
def takes_lists(model: type[BaseModel]) -> dict[str, bool]:
    """The names that a model knows, and whether a list and no text is expected of each."""
    found = {}
    for name, field in model.model_fields.items():
        kinds = [get_origin(kind) or kind for kind in _alternatives(field.annotation)]
        found[field.alias or name] = list in kinds and str not in kinds
    return found


def _alternatives(kind: Any) -> list[Any]:
    """The types that a type is one of."""
    if get_origin(kind) in (Union, UnionType):
        return [one for inner in get_args(kind) for one in _alternatives(inner)]
    return _alternatives(get_args(kind)[0]) if get_origin(kind) is Annotated else [kind]


def asking(*settings: Setting, most: Mapping[str, int]) -> Any:
    """A base for models that have these settings, by their names in addresses; ``most`` bounds some of them. Its
    ``settings()`` are the keyword arguments of the archive's method."""

    class Asking(Strict):
        def settings(self) -> dict[str, Any]:
            return gathered({one.name: getattr(self, one.name) for one in settings})

    columns: dict[str, Any] = {}
    for one in settings:
        alias = one.option.replace("-", "_")
        columns[one.name] = (argument(one, most), Field(one.default, alias=None if alias == one.name else alias))
    return create_model("Asking", __base__=Asking, **columns)


def argument(setting: Setting, most: Mapping[str, int]) -> Any:
    """The type of a setting, with its bounds and its description."""
    about = Field(description=setting.help)
    if issubclass(setting.kind, StrEnum):
        kind: Any = Literal[tuple(map(str, setting.kind))]
    elif setting.kind is str:
        kind = Name if setting.many else Annotated[Text, Field(max_length=200)]
    elif setting.kind is bool:
        kind = bool
    else:
        bounds: dict[str, Any] = {"ge": setting.least, "le": most.get(setting.name, setting.most)}
        if setting.kind is float:
            bounds["allow_inf_nan"] = False
        kind = Annotated[setting.kind, Field(**bounds)]
    if setting.many:
        kind = Annotated[list[kind], Field(max_length=100), BeforeValidator(_listed)]
    return Annotated[kind | None if setting.default is None else kind, about]


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value

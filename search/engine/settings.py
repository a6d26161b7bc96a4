"""The settings of an archive: what each one is, read from the catalog in one place and believed nowhere unseen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from search.engine import furniture, stories
from search.errors import ArchiveDamaged, ArchiveMismatch, UsageError
from search.keyword import Bm25Settings
from search.keyword.settings import MOST
from search.vector import LEAD

if TYPE_CHECKING:
    from search.records import EncoderIdentity

MOST_PASSAGE_TOKENS = 1 << 20
MOST_DIMENSIONS = 1 << 16
_LONGEST = 10_000  # characters of a name or a path
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingSettings(Bm25Settings):
    """What an archive ranks by: words by the parameters of BM25F; meaning by ``lead`` >= 0, what an article's first
    passage counts where its best counts 1; both by ``weight`` in 0..1, the share of meaning in hybrid where a search
    does not name one.

    They are stored as the setting ``bm25``. The two about meaning are left out there as long as they are the usual
    ones: a version that does not know them refuses an archive that has them, and ranks no other one differently.
    """

    lead: float = LEAD
    weight: float = 0.5

    def __post_init__(self) -> None:
        super(RankingSettings, self).__post_init__()
        for name, most in (("near", MOST), ("exact", MOST), ("lead", MOST), ("weight", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
                raise UsageError(f"{name} must be a number from 0 to {most:,}, not {value!r}")

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """What can be set."""
        return tuple(one.name for one in fields(cls))

    def but(self, parameters: Mapping[str, float]) -> RankingSettings:
        """These with others. Raises UsageError for one that there is none of, or without a sense."""
        if unknown := sorted(parameters.keys() - set(self.names())):
            raise UsageError(f"a ranking has the parameters {', '.join(self.names())}, not {', '.join(unknown)}")
        return RankingSettings(**{**asdict(self), **parameters})

    def stored(self) -> dict[str, float]:
        """Them as JSON."""
        usual = RankingSettings()
        return {
            name: value
            for name, value in asdict(self).items()
            if name not in ("lead", "weight") or value != getattr(usual, name)
        }


@dataclass(frozen=True, slots=True)
class Settings:
    """What an archive was built with. ``vectors`` None: nothing was added yet that would decide it; until then
    ``model`` and ``dimension`` are what it was made for. ``identity`` is drawn when it is made: None for one that no
    version since format 2 has written to. ``language`` is the stamp of
    the language of its words, None of English. ``stories`` None: it knows no copies, ``furniture`` None: it was never
    looked for. ``values`` is what is stored."""

    format: int
    identity: str | None
    created: str
    analysis: int
    language: str | None
    passage_tokens: int
    ranking: RankingSettings
    encoder: EncoderIdentity | None
    model: str | None
    dimension: int | None
    vectors: bool | None
    stories: stories.Settings | None
    furniture: furniture.Settings | None
    values: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path, values: Mapping[str, Any]) -> Settings:
        """Raises ArchiveMismatch where a setting is missing, ArchiveDamaged for one that makes no sense."""
        needed = {"analysis", "passage_tokens", "bm25", "encoder", "model", "vectors"}
        if missing := needed - values.keys():
            raise ArchiveMismatch(f"{path} does not say its {', '.join(sorted(missing))}; index the articles again")

        def setting(name: str, read: Callable[[Any], _T]) -> _T:
            value = values.get(name)
            try:
                return read(value)
            except (TypeError, ValueError, OverflowError, UsageError) as error:
                raise ArchiveDamaged(
                    f"{path} has settings that make no sense ({name}: {error}); restore a backup, or index again"
                ) from error

        return cls(
            format=setting("format", _number(0, 1 << 16)),
            identity=setting("identity", _optional(_identity)),
            created=setting("created", lambda value: "" if value is None else _text(value)),
            analysis=setting("analysis", _number(0, 1 << 31)),
            language=setting("language", _optional(_text)),
            passage_tokens=setting("passage_tokens", _number(1, MOST_PASSAGE_TOKENS)),
            ranking=setting("bm25", lambda value: RankingSettings(**_fields(value))),
            encoder=setting("encoder", _optional(_encoder)),
            model=setting("model", _optional(_text)),
            dimension=setting("dimension", _optional(_number(1, MOST_DIMENSIONS))),
            vectors=setting("vectors", _optional(_truth)),
            stories=setting("stories", _optional(_stories)),
            furniture=setting("furniture", _optional(_furniture)),
            values=values,
        )


def _optional(read: Callable[[Any], _T]) -> Callable[[Any], _T | None]:
    return lambda value: None if value is None else read(value)


def _number(least: int, most: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if type(value) is not int or not least <= value <= most:
            raise ValueError(f"a whole number from {least} to {most} belongs there, not {_shown(value)}")
        return value

    return read


def _truth(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError(f"true, false or null belongs there, not {_shown(value)}")
    return value


def _text(value: Any) -> str:
    if type(value) is not str or len(value) > _LONGEST:
        raise ValueError(f"a text belongs there, not {_shown(value)}")
    return value


def _identity(value: Any) -> str:
    if not (len(text := _text(value)) == 32 and set(text) <= set("0123456789abcdef")):
        raise ValueError(f"32 hexadecimal digits belong there, not {_shown(value)}")
    return text


def _fields(value: Any) -> dict[str, Any]:
    if type(value) is not dict:
        raise ValueError(f"fields belong there, not {_shown(value)}")
    return value


def _stories(value: Any) -> stories.Settings:
    given = _fields(value)
    return stories.Settings(_number(0, 1 << 16)(given.get("version")), _number(0, stories.LONGEST)(given.get("window")))


def _furniture(value: Any) -> furniture.Settings:
    given = _fields(value)
    return furniture.Settings(_number(0, 1 << 16)(given.get("version")), _truth(given.get("dropped")))


def _encoder(value: Any) -> EncoderIdentity:
    from search.records import EncoderIdentity  # an archive without vectors needs none

    fields: dict[str, Any] = {
        name: {"dimension": _number(1, MOST_DIMENSIONS), "max_tokens": _number(1, 1 << 62)}.get(name, _text)(given)
        for name, given in _fields(value).items()
    }
    return EncoderIdentity(**fields)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."

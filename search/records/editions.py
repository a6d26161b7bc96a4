"""Which version of an item an article is, as its agency says it.

Agencies send an item again and again under one id: corrected, extended, or with the word that it must not be used any
more. What they say of it is kept with the article as ``extra["edition"]``, an object of the fields below, and read here
alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from search.records.articles import Article

KEY = "edition"  # in ``extra``
_NUMBER = re.compile(r"\d{1,18}(?:\.\d{1,18}){0,5}")
_LONGEST = 512  # characters of an id
_NOTE = 300  # of a note


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One version of an item. ``version``: its number ("3", "2.1"), "" where there is none; ``created``: when this
    version was made. ``withdrawn``: the item must not be used, or not now. ``evolved_from``: the id of the item that
    this one goes on with. ``correction``: the agency calls it one. ``note``: what it says to editors."""

    version: str = ""
    created: datetime | None = None
    withdrawn: bool = False
    evolved_from: str = ""
    correction: bool = False
    note: str = ""

    @classmethod
    def of(cls, article: Article) -> Edition | None:
        """What an article's ``extra`` says of its version; None where it says nothing that could be meant so."""
        return cls.read(article.extra.get(KEY)) if KEY in article.extra else None

    @classmethod
    def read(cls, value: Any) -> Edition | None:
        """What an object says that ``plain`` has made; None for any other value."""
        if not isinstance(value, Mapping) or not value or not value.keys() <= set(cls.__dataclass_fields__):
            return None
        given = dict(value)
        created = given.pop("created", None)
        texts = [given.get(name, "") for name in ("version", "evolved_from", "note")]
        flags = [given.get(name, False) for name in ("withdrawn", "correction")]
        if not all(isinstance(one, str) for one in texts) or not all(isinstance(one, bool) for one in flags):
            return None
        try:
            made = None if created is None else datetime.fromisoformat(created)
        except (TypeError, ValueError):
            return None
        if made is not None and made.tzinfo is None:
            made = made.replace(tzinfo=UTC)
        return cls(created=made, **given)

    def plain(self) -> dict[str, Any]:
        """What it says, as JSON has it: the fields that say something."""
        found: dict[str, Any] = {}
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if value:
                found[name] = value.isoformat() if isinstance(value, datetime) else value
        cut = {"evolved_from": _LONGEST, "note": _NOTE, "version": _NOTE}
        return {name: value[: cut[name]] if name in cut else value for name, value in found.items()}

    @property
    def number(self) -> tuple[int, ...] | None:
        """Its version as a number of any parts; None where it is none."""
        if _NUMBER.fullmatch(self.version) is None:
            return None
        parts = [int(part) for part in self.version.split(".")]
        while len(parts) > 1 and parts[-1] == 0:  # 2.0 is 2
            parts.pop()
        return tuple(parts)

    @property
    def ordered(self) -> bool:
        """Whether it says anything by which versions follow each other."""
        return self.number is not None or self.created is not None

    def after(self, other: Edition) -> int | None:
        """1 where this version comes after the other, -1 before it, 0 for the same one, None where nothing tells.
        Numbers decide, and where they are missing or the same, the instants."""
        same = None
        if self.number is not None and other.number is not None:
            if self.number != other.number:
                return 1 if self.number > other.number else -1
            same = 0
        if self.created is not None and other.created is not None:
            if self.created != other.created:
                return 1 if self.created > other.created else -1
            same = 0
        return same

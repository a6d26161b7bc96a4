"""What agencies have withdrawn: remembered in the catalog, so that no earlier version of it comes back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from search.records.editions import Edition

SETTING = "withdrawn"
KEPT = 10_000  # items; agencies withdraw a few a week


class Settled(Protocol):
    """What has settings: a catalog, or one as it would be."""

    def settings(self, damaged: bool = False) -> dict[str, Any]:
        """As ``Catalog``."""


class Withdrawals:
    """The withdrawn items by id, each with the version that says so. Changes are written by the commit of a batch."""

    def __init__(self, items: Mapping[str, Edition]) -> None:
        self._items = dict(items)
        self._changed = False
        self.forgotten = 0

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Withdrawals:
        """Those that a catalog's settings have."""
        held = settings.get(SETTING)
        known = held if isinstance(held, Mapping) else {}
        return cls({str(item): Edition.read(value) or Edition(withdrawn=True) for item, value in known.items()})

    @classmethod
    def kept(cls, catalog: Settled) -> Withdrawals:
        """Those of a catalog as it is now."""
        return cls.of(catalog.settings(damaged=True))

    def __len__(self) -> int:
        return len(self._items)

    def items(self) -> Iterable[tuple[str, Edition]]:
        """Every item with the version that has withdrawn it, the oldest first."""
        return self._items.items()

    def of_item(self, article_id: str) -> Edition | None:
        """The version that has withdrawn an item; None where none has."""
        return self._items.get(article_id)

    def bars(self, article_id: str, edition: Edition | None) -> bool:
        """Whether an article is of a withdrawn item and not proven to be a later version."""
        known = self._items.get(article_id)
        return known is not None and (edition is None or edition.after(known) != 1)

    def add(self, article_id: str, edition: Edition) -> None:
        """Remember that an item is withdrawn; of more than ``KEPT`` the oldest are forgotten."""
        self._items.pop(article_id, None)
        self._items[article_id] = edition
        self._changed = True
        if len(self._items) > KEPT:
            del self._items[next(iter(self._items))]
            self.forgotten += 1

    def lift(self, article_id: str) -> None:
        """A later version may be used again."""
        if self._items.pop(article_id, None) is not None:
            self._changed = True

    def told(self, article_id: str) -> str:
        """What is to be said of an id that no article has: that its item was withdrawn, if it was."""
        known = self._items.get(article_id)
        if known is None:
            return ""
        note = f": {known.note}" if known.note else ""
        return f"its agency has withdrawn the item{note}"

    def changes(self) -> dict[str, Any] | None:
        """What the next commit has to write; None where nothing changed since this was asked last."""
        if not self._changed:
            return None
        self._changed = False
        return {article_id: edition.plain() for article_id, edition in self._items.items()}

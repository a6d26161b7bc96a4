"""What agencies have withdrawn: remembered in the catalog, so that no earlier version of it comes back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from search.records import AddReport, Article, Rejection
from search.records.editions import Edition
from search.storage.catalog import Catalog

SETTING = "withdrawn"
KEPT = 10_000  # items; agencies withdraw a few a week


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
    def kept(cls, catalog: Catalog) -> Withdrawals:
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


class Foresight:
    """What an ``add`` would make of versions of items, without making it. ``report`` counts these alone: ``replaced``,
    ``outdated``, ``barred``, ``withdrawn`` and ``killed``, each as ``AddReport`` has it. ``catalog``: that of the
    archive, None where there is none yet. It keeps the newest version of each item that it has seen."""

    def __init__(self, catalog: Catalog | None) -> None:
        self._catalog = catalog
        self._withdrawals = Withdrawals({}) if catalog is None else Withdrawals.kept(catalog)
        self._newest: dict[str, Edition | None] = {}
        self._counts: Counter[str] = Counter()

    @property
    def report(self) -> AddReport:
        """What was seen so far."""
        counts: dict[str, Any] = dict(self._counts)
        return AddReport(**counts)

    def see(self, article: Article) -> None:
        """One more of them."""
        edition = Edition.of(article)
        if self._withdrawals.bars(article.id, edition) and not (edition is not None and edition.withdrawn):
            self._counts["barred"] += 1
        elif edition is not None and edition.withdrawn:
            self._withdraw(article.id, edition)
        elif edition is not None and edition.ordered:
            known = self._known(article.id)
            order = None if known is None else edition.after(known)
            self._counts["outdated"] += order == -1
            self._counts["replaced"] += order == 1
            if order != -1:
                self._withdrawals.lift(article.id)
                self._newest[article.id] = edition

    def _withdraw(self, article_id: str, edition: Edition) -> None:
        before = self._withdrawals.of_item(article_id)
        if before is not None and edition.after(before) != 1:
            return
        known = self._known(article_id)
        if known is not None and edition.after(known) == -1:
            self._counts["outdated"] += 1
            return
        self._counts["withdrawn"] += 1
        self._counts["killed"] += known is not None
        self._newest[article_id] = None
        self._withdrawals.add(article_id, edition)

    def _known(self, article_id: str) -> Edition | None:
        """The version that would be there by now, of no order where it says none; None where there is no article."""
        if article_id not in self._newest and self._catalog is not None:
            for row, _ in self._catalog.live([article_id]).values():
                found = self._catalog.articles([row]).get(row)
                return None if found is None else Edition.of(found) or Edition()
        return self._newest.get(article_id)


def foresee(items: Iterable[Article | Rejection], catalog: Catalog | None) -> AddReport:
    """What an ``add`` of all items would make of versions; see ``Foresight``."""
    foresight = Foresight(catalog)
    for item in items:
        if isinstance(item, Article):
            foresight.see(item)
    return foresight.report

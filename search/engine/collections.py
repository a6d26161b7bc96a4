"""Collections over an archive: filled by ids or by a query, read with what the archive has of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from search.engine.legs import Ordinals
from search.engine.receipts.reading import read
from search.engine.request import Request
from search.engine.view import View
from search.errors import UsageError
from search.records import Article
from search.records.collections import Collected, Dossier, Member
from search.records.receipts import Receipt

_AT_ONCE = 500


def collect(
    view: View,
    name: str,
    ids: Iterable[str],
    request: Request | None,
    tags: Iterable[str],
    note: str | None,
    receipt: Receipt | None,
) -> Collected:
    """Add the articles of some ids, and the match set of a request, to a collection. Ids that no article has are told,
    and nothing else becomes of them. Raises what a search raises, and UsageError for a name or a tag that is none."""
    wanted = list(dict.fromkeys(ids))
    ordinals = view.columns.find(wanted)
    ordinals = ordinals[view.snapshot.live[ordinals]]
    place = {one: at for at, one in enumerate(wanted)}
    there = dict(zip(view.columns.ids(ordinals.tolist()), ordinals.tolist(), strict=True))
    chosen = sorted(there, key=place.__getitem__)
    found = np.array([there[one] for one in chosen], np.int64)
    if request is not None:
        matched = np.flatnonzero(view.match(view.plan(request)).matched)
        found = np.concatenate([found, matched[~np.isin(matched, found)]])
    rows = [_row(article) for article in articles_of(view, found)]
    kept = None if receipt is None else json.dumps(receipt.to_dict())
    added, changed = view.collections.add(name, rows, tags, note, kept)
    unknown = tuple(one for one in wanted if one not in there)
    return Collected(name=name, added=added, changed=changed, articles=len(view.collections.ids(name)), unknown=unknown)


def take_out(view: View, name: str, ids: Iterable[str]) -> Collected:
    """Take articles out of a collection. Raises UsageError where there is none."""
    wanted = list(dict.fromkeys(ids))
    gone = set(view.collections.remove(name, wanted))
    unknown = tuple(one for one in wanted if one not in gone)
    return Collected(name=name, removed=len(gone), articles=len(view.collections.ids(name)), unknown=unknown)


def members(view: View, name: str) -> list[Member]:
    """The articles of a collection, in the order in which they were added."""
    found = view.collections.members(name)
    ordinals = view.columns.find(member.id for member in found)
    there = set(view.columns.ids(ordinals[view.snapshot.live[ordinals]].tolist()))
    return [member if member.id in there else replace(member, there=False) for member in found]


def dossier(view: View, name: str) -> Dossier:
    """A collection with its articles and the receipts of the searches that filled it; a receipt that cannot be read is
    left out."""
    listed = members(view, name)
    by_id = {article.id: article for article in articles(view, [member.id for member in listed])}
    (held,) = [one for one in view.collections.all() if one.name == name]
    kept = []
    for text in view.collections.receipts(name):
        try:
            kept.append(read(text))
        except UsageError:
            continue
    return Dossier(name, held.note, [(member, by_id.get(member.id)) for member in listed], kept)


def articles(view: View, ids: Sequence[str]) -> list[Article]:
    """The live articles of some ids, in this order; ids that no article has are passed over."""
    ordinals = view.columns.find(ids)
    by_id = {article.id: article for article in articles_of(view, ordinals[view.snapshot.live[ordinals]])}
    return [by_id[one] for one in ids if one in by_id]


def articles_of(view: View, ordinals: Ordinals) -> list[Article]:
    """The records of articles, some at a time."""
    found: list[Article] = []
    for start in range(0, len(ordinals), _AT_ONCE):
        found += [one for one in view.articles(ordinals[start : start + _AT_ONCE]) if one is not None]
    return found


def _row(article: Article) -> dict[str, str]:
    published = "" if article.published is None else article.published.isoformat()
    return {
        "id": article.id,
        "title": article.title,
        "source": article.source,
        "published": published,
        "url": article.url,
    }

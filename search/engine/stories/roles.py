"""What a copy is in its story: the likely original, a reprint, a later version of one outlet, a correction."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from urllib.parse import urlsplit

import numpy as np

from search.engine import ranking
from search.engine.legs import Leg, Mask, Ordinals
from search.engine.stories.groups import Groups
from search.engine.stories.part import origin_of
from search.ingest.agencies import agency_name
from search.keyword.tree import Word, either
from search.query.fields import value_key
from search.records import Article, Role
from search.records.editions import Edition
from search.storage.columns import MISSING_INSTANT, Columns, instant
from search.text.copies.corrections import LABELS, says_correction

_DAY = 86_400_000_000  # microseconds
_LAST = np.iinfo(np.int64).max
_NO_ONE = -1
_TOLD = either([Word("title", word) for word in LABELS])
"""The titles that may tell a correction."""


def origins(columns: Columns, groups: Groups, words: Leg) -> Ordinals:
    """All articles that have copies, in the order in which they may be the original of their story, whose first one is:
    the agency's own, then by date. Of one day those with a time come first, and of one time those whose title tells no
    correction; articles without a date come last."""
    ordinals = groups.copied
    published = columns.published[ordinals]
    whole_days = (published % _DAY == 0) & (published != MISSING_INSTANT)
    time = np.where(published == MISSING_INSTANT, _LAST, np.where(whole_days, published + _DAY - 1, published))
    keys = (words.match(_TOLD)[ordinals], time, ~own_copies(columns, groups))
    order = np.lexsort(keys)
    new = np.zeros(len(order), np.bool_)
    for key in keys:
        sorted_key = key[order]
        new[1:] |= sorted_key[1:] != sorted_key[:-1]
    place = np.empty(len(order), np.float64)
    place[order] = np.cumsum(new)
    return ordinals[ranking.order(-place, np.zeros(len(order), np.int64), lambda tied: columns.ids(ordinals[tied]))]


def own_copies(columns: Columns, groups: Groups) -> Mask:
    """bool[c]: which of the articles that have copies are an agency's own: their source is the agency that a copy of
    their story names, or known to be one, and they name no other."""
    numbers: dict[str, int] = {}
    sources = columns.numbered("source", groups.copied, partial(_number, numbers))
    agencies = columns.numbered("agency", groups.copied, partial(_number, numbers))
    known = columns.numbered("source", groups.copied, lambda name: int(_known(name)))
    size = len(numbers) + 1
    story = groups.ids[groups.copied]
    named = np.unique((story * size + agencies)[agencies != _NO_ONE])
    credited = (sources != _NO_ONE) & np.isin(story * size + sources, named)
    own: Mask = (credited | (known == 1)) & ((agencies == _NO_ONE) | (agencies == sources))
    return own


def _number(numbers: dict[str, int], name: str) -> int:
    """The number of an agency's name, under all of its names; of several the first's."""
    first = (agency_name(name) or name).split(", ")[0]
    key = value_key(first)
    return numbers.setdefault(key, len(numbers)) if key else _NO_ONE


def _known(name: str) -> bool:
    return agency_name(name) not in (None, "Agencies")


def roles(articles: Sequence[Article], original: int | None) -> list[Role]:
    """The role of each copy of one story; ``original`` is the place of its likely original among them."""
    before = _earliest(articles)
    corrected = [_corrects(one) for one in articles]
    ids = {one.id for one in articles}
    same = original is not None and corrected[original]  # then its reprints say so, too
    found = []
    for place, one in enumerate(articles):
        time = instant(one.published)
        if place == original:
            found.append(Role.ORIGINAL)
        elif corrected[place] and not same:
            found.append(Role.CORRECTION)
        elif origin_of(one) in ids:
            found.append(Role.UPDATE)
        elif time == MISSING_INSTANT:
            found.append(Role.COPY)
        elif any(before[key] < time for key in _addresses(one)):
            found.append(Role.UPDATE)
        else:
            found.append(Role.REPRINT if original is not None else Role.COPY)
    return found


def _corrects(article: Article) -> bool:
    """Whether an article's agency calls it a correction, or it says so itself."""
    edition = Edition.of(article)
    return (edition is not None and edition.correction) or says_correction(article.title, article.text)


def _earliest(articles: Sequence[Article]) -> Mapping[tuple[str, str], int]:
    """When each outlet had a copy at each of its addresses first; _LAST for never."""
    found: dict[tuple[str, str], int] = {}
    for one in articles:
        time = instant(one.published)
        for key in _addresses(one):
            found[key] = min(found.get(key, _LAST), _LAST if time == MISSING_INSTANT else time)
    return found


def _addresses(article: Article) -> list[tuple[str, str]]:
    """What is the same of the versions of one article in one outlet: its address, and the words at the end of it or,
    without an address, of its title."""
    outlet = value_key(article.source)
    if not outlet:
        return []
    if not article.url:
        slug = article.title.casefold()
        return [(outlet, slug)] if slug.strip() else []
    try:
        parts = urlsplit(article.url)
    except ValueError:
        return []
    path = parts.path.rstrip("/")
    last = path.rpartition("/")[2].rpartition(".")
    words = [word for word in re.split(r"[\W_]+", (last[0] or last[2]).casefold()) if word and word.isalpha()]
    found = [(outlet, f"{parts.netloc}{path}?{parts.query}")] if path or parts.query else []
    return [*found, (outlet, " ".join(words))] if len(words) > 1 else found

"""What is told of stories: the copies of one article's text, and the most carried stories of a match set."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from search.deadline import check
from search.engine import ranking
from search.engine.legs import Mask, Ordinals
from search.engine.remarks import of_counts
from search.engine.request import Request
from search.engine.stories.groups import Groups
from search.engine.stories.roles import origins, own_copies, roles
from search.errors import ArticleNotFound, UsageError
from search.query.fields import value_key
from search.records import Article, CarriedStories, CarriedStory, Change, Copies, Role, Shown, Story, Version
from search.storage.columns import MISSING_DAY, MISSING_INSTANT
from search.text.copies.differences import differences

if TYPE_CHECKING:
    from datetime import datetime

    from search.engine.view import Scope, View
    from search.engine.watch import Watch
    from search.records import Carried

UNKNOWN = "this archive does not know which articles are copies; 'broadsheet regroup' finds out"


def story(view: View, article_id: str, as_of: str | datetime | None, limit: int) -> Story:
    """The copies of an article's text with their roles, as of an instant, and what each changed.

    Raises ArticleNotFound, also for an article that was not there by then, and UsageError.
    """
    _checked(limit)
    plan = view.plan(Request(query="*", as_of=as_of, copies=Copies.COLLAPSE))
    scope = view.match(plan)
    ordinal, asked = view.article(article_id)
    if not scope.visible[ordinal]:
        raise ArticleNotFound(f"{article_id!r} was not there by then: it came later, or has no date")
    members = np.array([ordinal]) if scope.groups is None else scope.groups.members(ordinal, scope.visible)
    original = _original(view, scope, members)
    in_order = _by_date(view, members, original)
    shown = in_order[:limit]
    if ordinal not in shown:
        shown[-1] = ordinal
    pairs = [(at, one) for at, one in zip(shown, view.articles(np.array(shown)), strict=True) if one is not None]
    articles = [one for _, one in pairs]
    place = next((number for number, (at, _) in enumerate(pairs) if at == original), None)
    compared = asked if place is None else articles[place]
    return Story(
        id=asked.id,
        original=None if place is None else articles[place].id,
        compared=compared.id,
        total=len(members),
        outlets=_outlets([view.columns.name("source", at) for at in members.tolist()]),
        copies=tuple(_version(one, role, compared) for one, role in zip(articles, roles(articles, place), strict=True)),
        notes=tuple(_notes(view, scope, ordinal, len(members))),
        took_ms=plan.took_ms(),
    )


def _original(view: View, scope: Scope, members: Ordinals) -> int | None:
    """The likely original among all copies of a text; None where nothing tells it."""
    groups, first = scope.groups, int(members[0])
    if groups is not None and len(members) > 1:
        (first,) = representatives(view, scope, groups, _only(view, members)).tolist()
        if own_copies(view.columns, groups)[np.flatnonzero(groups.copied == first)[0]]:
            return int(first)
    return int(first) if view.columns.published[first] != MISSING_INSTANT else None


def representatives(view: View, scope: Scope, groups: Groups, mask: Mask) -> Ordinals:
    """Of each story of several articles the likeliest original in a mask, by story."""
    return groups.first_of_each(
        mask, Shown.ORIGINAL, lambda _: origins(view.columns, groups, scope.words), whatever=False
    )


def _only(view: View, ordinals: Ordinals) -> Mask:
    mask = np.zeros(len(view.columns), np.bool_)
    mask[ordinals] = True
    return mask


def _by_date(view: View, members: Ordinals, original: int | None) -> list[int]:
    """The original, the others from the oldest, those without a date."""
    columns = view.columns
    published = dict(zip(members.tolist(), columns.published[members].tolist(), strict=True))
    names = dict(zip(members.tolist(), columns.ids(members.tolist()), strict=True))
    return sorted(
        published,
        key=lambda at: (at != original, published[at] == MISSING_INSTANT, published[at], names[at]),
    )


def _version(one: Article, role: Role, compared: Article) -> Version:
    check()
    found = differences(compared.text, one.text)
    return Version(
        id=one.id,
        role=role,
        source=one.source,
        published=one.published,
        title=one.title,
        agency=one.agency,
        url=one.url,
        common=found.common,
        kept=found.kept,
        changes=tuple(Change(before=before, after=after) for before, after in found.sentences),
    )


def _notes(view: View, scope: Scope, ordinal: int, count: int) -> list[str]:
    live = view.groups(view.snapshot.live)
    if live is None:
        return [UNKNOWN] if len(view.columns) else []
    hidden = len(live.members(ordinal, view.snapshot.live)) - count
    return [f"{hidden:,} of its copies came after that, or have no date"] if hidden > 0 else []


def carried(view: View, request: Request, sort: Carried, limit: int, watch: Watch) -> CarriedStories:
    """The stories that several articles of a match set tell: the most carried first, or those with the newest copy.

    Raises QueryError and UsageError as a search.
    """
    _checked(limit)
    with watch("plan"):
        plan = view.plan(request)
    with watch("match"):
        scope = view.match(plan)
    groups, several = scope.groups, np.empty(0, np.int64)
    hits: tuple[CarriedStory, ...] = ()
    if groups is not None:
        with watch("count"):
            sizes = groups.sizes(scope.matched)
            several = np.flatnonzero(sizes > 1)
            firsts = representatives(view, scope, groups, scope.matched)[np.cumsum(sizes > 0)[several] - 1]
            newest = np.full(len(sizes), MISSING_INSTANT, np.int64)
            matched = scope.matched[groups.copied]
            np.maximum.at(newest, groups.numbers[matched], view.columns.published[groups.copied[matched]])
            scores = sizes[several] if sort == "copies" else np.zeros(len(several))
            ids = lambda tied: view.columns.ids(firsts[tied].tolist())  # noqa: E731
            order = ranking.order(scores, newest[several], ids, limit)[:limit]
        with watch("present"):
            hits = tuple(map(partial(_carried, view, scope, groups), range(1, limit + 1), firsts[order].tolist()))
    notes = of_counts(view, plan, scope)
    return CarriedStories(
        query=request.query,
        total=scope.total,
        stories=scope.total if groups is None else groups.count(scope.matched),
        carried=len(several),
        hits=hits,
        notes=notes if groups is not None or not len(view.columns) else (*notes, UNKNOWN),
        took_ms=plan.took_ms(),
    )


def _carried(view: View, scope: Scope, groups: Groups, rank: int, first: int) -> CarriedStory:
    columns = view.columns
    (article,) = view.articles(np.array([first]))
    members = groups.members(first, scope.matched)
    in_order = _by_date(view, members, first)
    sources = [name for at in in_order if (name := columns.name("source", at))]
    days = [date.fromordinal(day) for day in columns.day[members].tolist() if day != MISSING_DAY]
    return CarriedStory(
        rank=rank,
        id=columns.ids([first])[0],
        title="" if article is None else article.title,
        source=columns.name("source", first),
        published=None if article is None else article.published,
        copies=len(members),
        outlets=_outlets(sources),
        first=min(days, default=None),
        last=max(days, default=None),
        sources=tuple(dict.fromkeys(sources)),
    )


def _outlets(sources: list[str]) -> int:
    """How many outlets these are, those without a name aside."""
    return len({value_key(name) or name for name in sources if name.strip()})


def _checked(limit: int) -> None:
    if limit < 1:
        raise UsageError(f"limit must be 1 or more, not {limit}")

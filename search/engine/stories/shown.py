"""Which copy stands for a story, where all copies of one text are one hit."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from search.engine.chronology import by_date
from search.engine.legs import Mask, Ordinals
from search.records import Copies, Filters, Shown, Sort

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from search.engine.plan import Plan
    from search.engine.stories.groups import Groups
    from search.engine.view import Scope, View
    from search.keyword.tree import Node

_ORDERS = {Shown.EARLIEST: Sort.OLDEST, Shown.LATEST: Sort.NEWEST, Shown.ORIGINAL: Shown.ORIGINAL}


def stand_ins(view: View, plan: Plan, scope: Scope, groups: Groups, mask: Mask) -> Ordinals:
    """Of each story of several articles that is in a mask the copy that is to be shown, by story. Where that is the
    best match, which only a ranking knows, it is the newest, or in a list that begins with the oldest that."""
    request = plan.request
    usual = Sort.OLDEST if request.sort is Sort.OLDEST else Sort.NEWEST
    order = _ORDERS.get(request.shown, usual)

    def ordered(every: Mask) -> Ordinals:
        if order == Shown.ORIGINAL:
            from search.engine.stories.roles import origins  # few searches ask

            return origins(view.columns, groups, scope.words)
        return by_date(view.columns, every, order == Sort.OLDEST)

    return groups.first_of_each(mask, order, ordered, standing(scope, request.prefer), order != Shown.ORIGINAL)


def standing(scope: Scope, prefer: Sequence[str] | None) -> NDArray[np.int64] | None:
    """int64[N]: which of the preferred sources each article is of, the first before the second; the rest come last."""
    if not prefer:
        return None
    found = np.full(len(scope.mask), len(prefer), np.int64)
    for place in range(len(prefer) - 1, -1, -1):
        found[scope.words.match(of_source(prefer[place]))] = place
    return found


def of_source(name: str) -> Node:
    """The condition that an article is of a source, as the filter has it."""
    from search.query.parser import filter_trees  # few searches ask

    (node,) = filter_trees(Filters(sources=[name]), datetime.now(UTC))
    return node


def shown(view: View, plan: Plan, scope: Scope, ordinals: Ordinals) -> Ordinals:
    """What is shown in the place of some best matches, each of another story: the copies that stand for them, of those
    with all the words where there are any, else of those under the conditions."""
    request, groups = plan.request, scope.groups
    if groups is None or (request.shown is Shown.BEST and not request.prefer) or not len(ordinals):
        return ordinals
    places = np.flatnonzero(np.isin(ordinals, groups.copied))
    mask = np.zeros(len(scope.mask), np.bool_)
    for ordinal in ordinals[places].tolist():
        members = groups.members(ordinal, scope.matched)
        mask[members if len(members) else groups.members(ordinal, scope.mask)] = True
    found = ordinals.copy()
    stands = stand_ins(view, plan, scope, groups, mask)
    by_story = dict(zip(groups.ids[stands].tolist(), stands.tolist(), strict=True))
    ranks = standing(scope, request.prefer)
    for place in places.tolist():
        best = int(ordinals[place])
        other = by_story[int(groups.ids[best])]
        same = request.shown is Shown.BEST and mask[best] and (ranks is None or ranks[best] == ranks[other])
        found[place] = best if same else other
    return found


def of_copies(view: View, plan: Plan, scope: Scope) -> list[str]:
    """What is to be said of copies in an answer."""
    request, notes = plan.request, []
    chosen = request.shown is not Shown.BEST or bool(request.prefer)
    if request.copies is Copies.SHOW:
        return ["each copy is a hit: shown and prefer choose among them where copies is collapse"] if chosen else []
    if scope.groups is None and len(view.columns):
        notes.append("this archive does not know which articles are copies; 'broadsheet regroup' finds out")
    for name in request.prefer or ():
        if not scope.words.match(of_source(name)).any():
            notes.append(f"nothing is of the source {name!r} that is preferred")
    return notes

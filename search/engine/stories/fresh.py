"""What is news of new articles where a story is told once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from search.engine.legs import Mask, Ordinals
from search.engine.stories.roles import origins, roles
from search.records import Role, Shown

if TYPE_CHECKING:
    from search.engine.stories.groups import Groups
    from search.engine.view import Scope, View


class Fresh(NamedTuple):
    """``told`` bool[N]: the articles that are news; ``copies``: those of them that stand for others, with these;
    ``known`` are the new copies of stories that were told before."""

    told: Mask
    copies: dict[int, list[int]]
    known: list[int]


def once(view: View, scope: Scope, fresh: Mask) -> Fresh:
    """Of the new articles of a match set what is news: of a story that no earlier article of the set tells the likely
    original, with its copies; of one that is known the newest update; and every correction."""
    groups = scope.groups
    if groups is None:
        return Fresh(fresh, {}, [])
    told = fresh.copy()
    told[groups.copied] = False
    found = Fresh(told, {}, [])
    for first in _likeliest(view, scope, groups, fresh).tolist():
        _story(view, scope, groups, fresh, first, found)
    return found


def _likeliest(view: View, scope: Scope, groups: Groups, mask: Mask) -> Ordinals:
    """The likely original of each story of several articles that is in a mask."""
    return groups.first_of_each(
        mask, Shown.ORIGINAL, lambda _: origins(view.columns, groups, scope.words), whatever=False
    )


def _story(view: View, scope: Scope, groups: Groups, fresh: Mask, first: int, found: Fresh) -> None:
    members = groups.members(first, scope.visible)
    new = members[fresh[members]].tolist()
    before = bool((scope.matched[members] & ~fresh[members]).any())
    if len(new) == 1 and not before:
        found.told[first] = True
        return
    everything = np.zeros(len(fresh), np.bool_)
    everything[members] = True
    (original,) = _likeliest(view, scope, groups, everything).tolist()
    of = _roles(view, members, original)
    rest = [one for one in new if of[one] is not Role.CORRECTION]
    for one in new:
        found.told[one] = of[one] is Role.CORRECTION
    if before:
        updates = [one for one in rest if of[one] is Role.UPDATE]
        found.known.extend(one for one in rest if of[one] is not Role.UPDATE)
        first = max(updates, key=lambda one: int(view.columns.published[one]), default=first)
        rest = updates
    elif first not in rest and rest:
        first = rest[0]
    if rest:
        found.told[first] = True
        others = [one for one in rest if one != first]
        if others:
            found.copies[first] = others


def _roles(view: View, members: Ordinals, first: int) -> dict[int, Role]:
    """The role of each copy of a story whose likely original is ``first``; one that was purged meanwhile is a copy."""
    pairs = [(at, one) for at, one in zip(members.tolist(), view.articles(members), strict=True) if one is not None]
    places = [at for at, _ in pairs]
    original = places.index(first) if first in places else None
    named = roles([one for _, one in pairs], original)
    found = dict.fromkeys(members.tolist(), Role.COPY)
    return found | dict(zip(places, named, strict=True))

"""One order of day and month for all dates of a file.

Nothing waits while every date can be read in one way. From the first that could be read in two, what follows is held
until one value decides, up to a bound; then the rest of the file is looked through for one, where it can be opened
again (a pipe and a member of an archive cannot). Of files with one article each, those beside it are looked through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from search.ingest.dates import Order, order_of
from search.ingest.fields import Draft
from search.ingest.formats import Record
from search.records import Rejection

HELD = 10_000  # drafts that wait for their order
HELD_CHARACTERS = 64_000_000
NEIGHBOURS = 200  # files with one article each, looked through for a date that decides


@dataclass(slots=True)
class Waiting:
    """A draft with what is needed to reject it: where it stood, and its start."""

    draft: Draft
    record: Record


Item = Waiting | Rejection


def ordered(
    items: Iterator[Item], given: Order | None, elsewhere: Callable[[], Iterator[object]]
) -> Iterator[tuple[Item, Order | None]]:
    """Each item with the order of its file, None where nothing decides. ``given``: the user has said it. ``elsewhere``
    gives the dates of what could not be held, or of files beside this one."""
    order = given
    held: list[Item] = []
    characters = 0
    for item in items:
        if order is None and isinstance(item, Waiting):
            proved, two_ways = order_of(item.draft.date)
            if proved is not None:
                order = proved
            elif two_ways or held:
                held.append(item)
                characters += len(item.record.excerpt) + item.draft.size
                if len(held) < HELD and characters < HELD_CHARACTERS:
                    continue
                order = decided(elsewhere())
                if order is None:  # and nothing in the whole file will: no use to wait again
                    yield from ((waiting, None) for waiting in held)
                    yield from ((rest, None) for rest in items)
                    return
        elif held:
            held.append(item)
            continue
        if held:
            whole = held if held[-1] is item else [*held, item]
            held = []
            yield from ((waiting, order) for waiting in whole)
        else:
            yield item, order
    if held:
        order = decided(elsewhere()) if len(held) == 1 else None
        yield from ((waiting, order) for waiting in held)


def decided(dates: Iterator[object]) -> Order | None:
    """The order that the first telling value proves."""
    return next((order for date in dates if (order := order_of(date)[0]) is not None), None)

"""The earliest articles that match, by story."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from search.engine.request import Request
from search.engine.search import answer
from search.engine.view import View
from search.engine.watch import Watch, unwatched
from search.keyword.tree import DayRange
from search.records import Copies, Results, Shown, Sort


def first(view: View, request: Request, watch: Watch = unwatched) -> Results:
    """The oldest articles of a match set, of each story its oldest in it. One without a date is not among them: how
    many there are is said with what any date leaves out."""
    with watch("plan"):
        asked = replace(request, sort=Sort.OLDEST, copies=Copies.COLLAPSE, shown=Shown.EARLIEST)
        plan = view.plan(asked).narrowed(DayRange(date.min, None))
    return replace(answer(view, plan, watch), cursor=None)

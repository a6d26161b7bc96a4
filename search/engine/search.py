"""The search: how a query travels through the house."""

from __future__ import annotations

from search.engine.plan import Plan
from search.engine.present import present
from search.engine.rank import rank
from search.engine.request import Request
from search.engine.view import View
from search.engine.watch import Watch, unwatched
from search.records import Results


def search(view: View, request: Request, watch: Watch = unwatched) -> Results:
    """Answer a request. Raises QueryError, ModeError and UsageError for what is wrong with it."""
    with watch("plan"):
        plan = view.plan(request)
    return answer(view, plan, watch)


def answer(view: View, plan: Plan, watch: Watch = unwatched) -> Results:
    """Carry out a plan: what matches, in which order, and how it is shown."""
    with watch("match"):
        scope = view.match(plan)
    with watch("rank"):
        ranked = rank(view, plan, scope, watch)
    if plan.request.rerank is not None:
        from search.engine.rerank import rerank

        with watch("rerank"):
            ranked = rerank(view, plan, scope, ranked)
    with watch("present"):
        return present(view, plan, scope, ranked, watch)

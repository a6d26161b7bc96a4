"""What belongs to an article: others of the same subject, and what to have read before it.

Both are searches, by an article's distinctive words in one leg and by the mean of its passages in the other, fused as
any other search; the article's story is never among them, and of any other story one article is. Background keeps to
the rules of the background linking task of TREC's News track: nothing that is not known to be older, no opinion.
"""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np

from search.engine.plan import Plan
from search.engine.request import Request
from search.engine.search import answer
from search.engine.subject import Subject
from search.engine.view import View
from search.engine.watch import Watch, unwatched
from search.keyword.readings import words_of
from search.keyword.tree import And, DayRange, Id, InstantRange, Node, Not, Nothing, Value, Word, either
from search.records import Copies, Detect, Hit, Mode, Results
from search.records.related import Related, RelatedHit
from search.text.stretches import Spans

EVERYTHING = "*"
DIVERSITY = 0.1
"""Of what to have read before: how much variety counts."""
_SECTIONS = """
    opinion opinions editorial editorials oped comment commentary commentaries column columns columnist columnists
    viewpoint viewpoints letters meinung meinungen kommentar kommentare leserbriefe leitartikel tribunes opiniones
    columnas cartas editoriales opinioni commenti lettere editoriali opiniao colunas opinie opinies brieven
"""
OPINION = frozenset(_SECTIONS.split())
"""Words of the names of sections that print what somebody thinks, folded."""


def similar(view: View, article_id: str, request: Request, watch: Watch = unwatched) -> Related:
    """Articles of the same subject. Raises ArticleNotFound, and what a search raises."""
    with watch("plan"):
        plan = view.plan(_about(request))
        subject = Subject.of(view, article_id, view.words(view.visible(plan.as_of)))
        plan = _sought(view, plan, subject)
    return _told(view, subject, answer(view, plan, watch), ())


def background(view: View, article_id: str, request: Request, watch: Watch = unwatched) -> Related:
    """Articles to have read before this one, of different sides of it. Raises as ``similar``."""
    with watch("plan"):
        plan = view.plan(replace(_about(request), diversity=DIVERSITY))
        subject = Subject.of(view, article_id, view.words(view.visible(plan.as_of)))
        plan = _sought(view, plan, subject)
        before = earlier(subject.article.published)
        plan, left_out = _without_opinion(view, plan.narrowed(*before))
    notes = []
    if not before:
        notes.append(f"{article_id} has no date: what was published after it cannot be told, and may be among these")
    if left_out:
        articles = "1 article" if left_out == 1 else f"{left_out:,} articles"
        notes.append(f"{articles} of opinion, letters and the like, by the section, left out")
    return _told(view, subject, answer(view, plan, watch), notes)


def earlier(published: date | None) -> list[Node]:
    """The condition that an article is known to be older: by the instant where both are known to the instant, else by
    the day. None for no date."""
    if published is None:
        return []
    day = date(published.year, published.month, published.day)
    if not isinstance(published, datetime):
        return [DayRange(None, day - timedelta(days=1)) if day > date.min else Nothing()]
    moment = published if published.tzinfo is not None else published.replace(tzinfo=UTC)
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)  # what a column has of an article of a day alone
    of_the_day = And([DayRange(day, day), InstantRange(midnight, midnight)])
    return [InstantRange(None, moment - timedelta(microseconds=1)), Not(of_the_day)]


def _without_opinion(view: View, plan: Plan) -> tuple[Plan, int]:
    """The plan without the articles of sections that print what somebody thinks, and how many it loses by that."""
    sections = view.columns.names("section")
    names = [one for one in sections if not OPINION.isdisjoint(words_of(one) + words_of(one.replace("-", "")))]
    constraint = plan.query.constraint
    if not names or constraint is None:
        return plan, 0
    opinion = either([Value("section", name, whole=True) for name in names])
    left_out = view.words(view.visible(plan.as_of)).match(And([constraint, opinion]))
    return plan.narrowed(Not(opinion)), int(np.count_nonzero(left_out))


def _about(request: Request) -> Request:
    return replace(request, query=EVERYTHING, copies=Copies.COLLAPSE, detect=Detect.OFF)


def _sought(view: View, plan: Plan, subject: Subject) -> Plan:
    """The plan of a search for what is like a subject, its own story left out. Where words alone answer, what has none
    of them is not like it."""
    groups = view.groups(view.snapshot.live)
    members = np.array([subject.ordinal]) if groups is None else groups.members(subject.ordinal, view.snapshot.live)
    conditions: list[Node] = [Not(Id(tuple(view.columns.ids(members.tolist()))))]
    vector = None if plan.mode is Mode.KEYWORD else subject.centre
    if vector is None:
        conditions.append(either([Word(None, word) for word in subject.words]) if subject.words else Nothing())
    query = replace(plan.query, scoring_words=subject.words, encoder_text=subject.article.title or subject.article.id)
    return replace(plan, query=query, vector=vector).narrowed(*conditions)


def _told(view: View, subject: Subject, results: Results, notes: tuple[str, ...] | list[str]) -> Related:
    """The hits with the reason of each, which no furniture is."""
    left_out = view.furniture_of([hit.article for hit in results])
    values = {one.name: getattr(results, one.name) for one in fields(Results)}
    hits = tuple(_reasoned(subject, hit, blocks) for hit, blocks in zip(results, left_out, strict=True))
    changed = {"query": subject.article.id, "hits": hits, "cursor": None, "notes": (*results.notes, *notes)}
    return Related(**values | changed, title=subject.article.title)


def _reasoned(subject: Subject, hit: Hit, left_out: Spans) -> RelatedHit:
    why = "; ".join(filter(None, (subject.shared(hit.article, left_out), subject.when(hit.article))))
    return RelatedHit(**{one.name: getattr(hit, one.name) for one in fields(Hit)}, why=why)

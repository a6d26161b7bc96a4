"""From the parts of a question to candidate stretches: what counts as a match, and what it is worth."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np

from search.encode import Floors, Reranker, floors
from search.encode.rerank import best_scores
from search.engine import lenient
from search.engine.legs import Mask
from search.engine.plan import Plan
from search.engine.ranking import PREFERENCE
from search.engine.request import Request
from search.engine.search import answer
from search.engine.view import View
from search.engine.watch import Watch, unwatched
from search.errors import QueryError
from search.keyword import highlight
from search.keyword.analysis import Analysis, analyze, shapes
from search.keyword.rank.scoring import scoring_tokens
from search.keyword.readings import in_pairs
from search.keyword.tree import DayRange
from search.rag.question import Condition, Part, Reading
from search.rag.select import Candidate, narrow, shingles_of
from search.rag.spans import sentences
from search.records import Article, Copies, Copy, Detect, Hit, Results
from search.storage.columns import MISSING_DAY
from search.text.stretches import without

DEPTH = 30  # articles looked at for each part
PASSAGES = 3  # passages of each
NARROW = 400  # characters of a stretch, where the passage is longer
SHARE, LOOSE_SHARE = 0.5, 0.3
"""A hit matches well where its best passage is as near to the question as its model's floor, or it holds this share of
its words. A part without such a hit is not answered; beside one, hits loosely near or with LOOSE_SHARE do too."""

WORTH = 0.35
"""What share of the best article's worth another must have: the rest is left out though there be room."""

_OPERATORS = re.compile(r"[^\w\s'’.,%-]|(?<!\w)-")


def find(
    view: View,
    plan: Plan,
    how: Detect,
    reading: Reading,
    reranker: Reranker | None = None,
    watch: Watch = unwatched,
) -> tuple[list[Candidate], list[str], Mapping[str, int]]:
    """The candidates of all parts of a question, the best first, what is to be said of them, and by source of how many
    articles at least the searches gave none.

    ``plan`` is the question's own: each part is searched for in the same way. ``how`` says what becomes of its
    conditions. Beside its parts the whole question is searched for: what that finds is never lost.
    """
    merged: dict[tuple[str, int], Candidate] = {}
    notes: list[str] = []
    unanswered, unmet = [], []
    passed_over: Counter[str] = Counter()
    pairs, seconds = 0, 0.0
    nearness = floors(view.queries.identity)
    for number, part in enumerate(reading.searched):
        with watch("search"):
            hits, remarks, passed = _search(view, plan.request, how, part, watch)
        notes += remarks
        passed_over |= Counter(passed)  # of each source the most: parts find the same articles
        if reranker is not None and hits:
            began = time.perf_counter()
            with watch("rerank"):
                hits, read = _reranked(reranker, part, hits)
            pairs += read
            seconds += time.perf_counter() - began
        with watch("stretches"):
            matching = _matching(part, hits, nearness)
            stretches = _stretches(view, part, number, matching)
        if part is not reading.whole:
            unmet += _unmet(view, plan, how, part, matching)
            if not matching:
                unanswered.append(part.shown)
        for stretch in stretches:
            known = merged.setdefault((stretch.article.id, stretch.whole[0]), stretch)
            if known is not stretch:
                known.worth |= stretch.worth
                known.words |= stretch.words
                known.story |= stretch.story
    if not merged:
        notes.append("nothing in the archive matches the question well")
    elif len(reading.parts) > 1:
        notes += [f"nothing in the archive matches this part well: {shown}" for shown in unanswered]
    notes += unmet
    if reranker is not None:
        notes.append(f"reranked {pairs:,} pairs with {reranker.name} in {seconds * 1000:,.0f} ms")
    by_worth = sorted(merged.values(), key=lambda stretch: (-stretch.most_worth, stretch.article.id, stretch.start))
    return by_worth, notes, passed_over


def _places(text: str, part: Part) -> list[tuple[int, int, str]]:
    """Start, end and stem of each word of a text that a part asks about."""
    found: set[tuple[int, int, str]] = set()
    for analysis in part.analysis.parts:
        stems = {stem: stem for stem in part.asked.values()}
        if len(part.analysis.parts) > 1:  # one stem stands for a word in all languages
            tokens = scoring_tokens(list(part.asked), analysis)
            stems = {one.term: part.asked[one.surface] for one in tokens if one.surface in part.asked}
        for start, end in highlight(text, list(part.asked), analysis):
            if (stem := stems.get(_term(text[start:end], analysis))) is not None:
                found.add((start, end, stem))
    return sorted(found)


def _term(written: str, analysis: Analysis) -> str:
    """The term of what is marked: of letters of a script without spaces, that of the first two."""
    tokens = in_pairs(analyze(written, analysis), analysis)
    return shapes(written, analysis)[2] if len(tokens) < 2 or written.isascii() else tokens[0].term


def _search(
    view: View, request: Request, how: Detect, part: Part, watch: Watch
) -> tuple[list[Hit], list[str], Mapping[str, int]]:
    """The articles for a part, what is to be said of them, and by source how many were passed over. Where it is no
    query, its words are searched, which a note says."""
    copies = Copies.SHOW if view.stories is None else Copies.COLLAPSE  # copies would take the places of other texts
    request = replace(request, literal=False, limit=DEPTH, passages=PASSAGES, snippets=False, copies=copies)
    plain = " ".join(_OPERATORS.sub(" ", part.searched).lower().split())
    said: list[str] = []
    for query in (part.searched, plain):
        try:
            results, hits = _answered(view, view.plan(replace(request, query=query)), how, part, watch)
        except QueryError as error:
            said.append(f"{lenient.PLAIN}{error}" if not said else f"not searched: {error}")
        else:
            notes = [note for note in results.notes if not note.startswith("no article has all")]
            return hits, said + notes, results.passed_over
    return [], said, {}


def _answered(view: View, plan: Plan, how: Detect, part: Part, watch: Watch) -> tuple[Results, list[Hit]]:
    """The answer to a plan, and its hits as the part's conditions would have them."""
    if part.conditions and how is Detect.FILTER:
        results = answer(view, plan.narrowed(*part.nodes), watch)
        return results, list(results)
    results = answer(view, plan, watch)
    if not part.conditions:
        return results, list(results)
    within = answer(view, plan.narrowed(*part.nodes), watch)
    return results, _preferring(view, part, results.hits, within.hits)


def _preferring(view: View, part: Part, hits: Sequence[Hit], within: Sequence[Hit]) -> list[Hit]:
    """Both lists in one ranking: PREFERENCE is added to a score for each of the part's conditions that the article
    meets, so that one that meets all is ahead of one that meets some by as much as that is of none. A hit that only the
    second list has starts from the last score of the first, or takes the place that its copy has there."""
    last = hits[-1].score if hits else 0.0
    meeting = {hit.article.id: hit for hit in within}
    together = [_copy_meeting(hit, meeting) for hit in hits]
    known = {hit.article.id for hit in together}
    together += [replace(hit, score=last) for hit in within if hit.article.id not in known]
    met = dict.fromkeys((hit.article.id for hit in within), len(part.conditions))
    if len(part.conditions) > 1:
        words = view.words(view.snapshot.live)
        masks = [words.match(node) for node in part.nodes]
        for hit in together:
            ordinal = view.ordinal(hit.article.id)
            met[hit.article.id] = 0 if ordinal is None else sum(bool(mask[ordinal]) for mask in masks)
    boosted = [replace(hit, score=hit.score + PREFERENCE * met.get(hit.article.id, 0)) for hit in together]
    return sorted(boosted, key=lambda hit: -hit.score)[:DEPTH]


def _copy_meeting(hit: Hit, meeting: Mapping[str, Hit]) -> Hit:
    """A hit, or in its place and with its score the copy of it that meets all conditions: the outlet that was named."""
    copy = next((meeting[copy.id] for copy in hit.copies if copy.id in meeting), None)
    if copy is None or hit.article.id in meeting:
        return hit
    others = [other for other in hit.copies if other.id != copy.article.id]
    return replace(copy, score=hit.score, copies=(*others, Copy.of(hit.article)))


def _unmet(view: View, plan: Plan, how: Detect, part: Part, matching: Sequence[tuple[Hit, float]]) -> list[str]:
    """What is to be said of the sources and dates that a part names and none of its matching hits has."""
    if not part.conditions:
        return []
    visible = view.visible(plan.as_of)
    words = view.words(visible)
    masks = [words.match(node) for node in part.nodes]
    ordinals = [ordinal for hit, _ in matching if (ordinal := view.ordinal(hit.article.id)) is not None]
    notes, others = [], "what is given is not"
    for condition, mask in zip(part.conditions, masks, strict=True):
        if not mask.any():
            notes.append(f"no article of the archive is {condition.shown}{_outside(view, visible, how, condition)}")
        elif matching and not mask[ordinals].any():
            notes.append(f"nothing {condition.shown} matches well; {others}")
    if notes or len(masks) < 2:
        return notes
    both = " and ".join(condition.shown for condition in part.conditions)
    together = np.logical_and.reduce(masks)
    if not together.any():
        return [f"no article of the archive is both {both}"]
    return [f"nothing both {both} matches well; {others}"] if matching and not together[ordinals].any() else []


def _outside(view: View, visible: Mask, how: Detect, condition: Condition) -> str:
    """Where the dates that there are end, if a condition lies outside them; a filter's own answer says that."""
    if how is Detect.FILTER:
        return ""
    periods = condition.node.children or (condition.node,)
    days = view.columns.day[visible & (view.columns.day != MISSING_DAY)]
    if not len(days) or not all(isinstance(period, DayRange) for period in periods):
        return ""
    starts = [period.start for period in periods if isinstance(period, DayRange)]
    ends = [period.end for period in periods if isinstance(period, DayRange)]
    oldest, newest = date.fromordinal(int(days.min())), date.fromordinal(int(days.max()))
    if all(start is not None and start > newest for start in starts):
        return f"; the newest is of {newest}"
    if all(end is not None and end < oldest for end in ends):
        return f"; the oldest is of {oldest}"
    return ""


def _reranked(reranker: Reranker, part: Part, hits: list[Hit]) -> tuple[list[Hit], int]:
    """The hits by their best passage's score; a passage is read with its title."""
    hits = [hit for hit in hits if hit.passages]
    texts = [[f"{hit.article.title}\n{passage.text}" for passage in hit.passages] for hit in hits]
    best = best_scores(reranker, part.searched, texts).tolist()
    rescored = [replace(hit, score=score) for hit, score in zip(hits, best, strict=True)]
    return sorted(rescored, key=lambda hit: -hit.score), sum(map(len, texts))


def _matching(part: Part, hits: Sequence[Hit], nearness: Floors) -> list[tuple[Hit, float]]:
    """The hits that match well, each with its worth, 0 to 1."""
    if not hits:
        return []
    top = hits[0].score
    low = min(0.0, hits[-1].score) if len(hits) < DEPTH else hits[-1].score  # what comes next is worth nothing
    matching = []
    answered = False
    for hit in hits:
        worth = (hit.score - low) / (top - low) if top > low else 1.0
        cosine = max((p.score for p in hit.passages if p.score is not None), default=None)
        answered = answered or (cosine is not None and cosine >= nearness.fits)
        if worth < WORTH and answered:
            continue  # its text is not read
        share = _share(hit.article, part)
        answered = answered or share >= SHARE
        if worth >= WORTH and (share >= LOOSE_SHARE or (cosine is not None and cosine >= nearness.loosely)):
            matching.append((hit, worth))
    return matching if answered else []


def _share(article: Article, part: Part) -> float:
    """What share of the words that a part asks about an article has."""
    stems = frozenset(part.asked.values())
    held = {stem for *_, stem in _places(f"{article.title}\n{article.text}", part)}
    return len(held) / len(stems) if stems else 0.0


def _stretches(view: View, part: Part, number: int, matching: Sequence[tuple[Hit, float]]) -> list[Candidate]:
    """The passages of hits without what their sources print under many articles: what stands between is a stretch."""
    stretches = []
    for (hit, worth), blocks in zip(matching, view.furniture_of([hit.article for hit, _ in matching]), strict=True):
        article = hit.article
        in_title = {stem for *_, stem in _places(article.title, part)}
        best = max((p.score or 0.0 for p in hit.passages), default=0.0)
        for place, passage in enumerate(hit.passages):
            if not passage.text.strip():
                continue
            near = 1.0 if place == 0 else (max(passage.score or 0.0, 0.0) / best if best > 0 else 1 / (1 + place))
            for first, last in without(article.text, passage.start, passage.end, blocks):
                text = article.text[first:last]
                places = [(first + start, stem) for start, _, stem in _places(text, part)]
                spans = sentences(article.text, first, last)
                start, end = narrow(spans, places, NARROW)
                stretches.append(
                    Candidate(
                        article=article,
                        start=start,
                        end=end,
                        whole=(spans[0][0], spans[-1][1]),
                        score=hit.score,
                        worth={number: worth * near},
                        words=frozenset(f"{number}:{stem}" for stem in in_title | {stem for _, stem in places}),
                        shingles=shingles_of(text),
                        story=frozenset(copy.id for copy in hit.copies),
                        left_out=blocks,
                    )
                )
    return stretches

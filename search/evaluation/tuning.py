"""What suits an archive: settings of its ranking, searched for on one half of some queries, held against the other.

Coordinate search: each setting in turn is moved up and down by a step, and what raises the mean of nDCG@10 over the
first half is kept; when nothing does, the step is made smaller. A trial that is clearly behind after the first queries
is given up (a race, after Maron and Moore, "Hoeffding races", 1993). What was found is then compared on the other half,
which nothing was chosen by: only there can a gain be told from noise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from search.engine.plan import Plan
from search.engine.rank import rank
from search.engine.request import Request
from search.engine.settings import RankingSettings
from search.engine.view import Scope, View
from search.errors import UsageError
from search.evaluation import Qrels, Query, Ranked, by_query
from search.evaluation.comparison import Comparison, compare
from search.evaluation.pairs import made
from search.records import Mode

if TYPE_CHECKING:
    from search.archive import Archive
    from search.engine.legs import Ordinals

MEASURE = "nDCG@10"
PAIRS = 400
"""Queries that are made of an archive's headlines where no others are given."""
LEAST = 20
"""Fewer queries say nothing."""
USUAL: dict[str, float] = asdict(RankingSettings())
"""What an archive ranks by that nobody has tuned; ``archive.tune(**USUAL)`` goes back to that."""
SEARCHED = 300  # queries that trials are ranked for at most: more cost time and hardly change what is chosen
_STEPS = (8.0, 2.0, 1.4, 1.15)  # the first one leaves plateaus
_GAIN = 0.0005  # less is not worth another setting
_RACED = 4  # a trial is looked at after a quarter of the queries
_HIGHEST = 64.0  # beyond, a weight leaves nothing but itself
_FIRST = 0.1  # what a setting that is 0 is moved to
_DEPTH = 10
_SEED = 20_261_127
_SHARES = ("b", "weight")  # from 0 to 1

Progress = Callable[[int, float], None]
"""Gets the number of trials so far and the best mean among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """What was found. ``before`` and ``after``: all settings; ``searched``: the names of those that were moved;
    ``seen``: means of nDCG@10 before and after over the ``queries_seen`` that they were chosen by; ``held_out``: the
    comparison over the others. ``interrupted``: the search was cut short. ``notes``: what is to be said of it."""

    mode: Mode
    before: dict[str, float]
    after: dict[str, float]
    searched: tuple[str, ...]
    seen: tuple[float, float]
    queries_seen: int
    held_out: Comparison
    trials: int
    interrupted: bool
    notes: tuple[str, ...]

    @property
    def changes(self) -> dict[str, float]:
        """What is another setting than before."""
        return {name: value for name, value in self.after.items() if value != self.before[name]}

    @property
    def gains(self) -> bool:
        """Whether the settings are better on the half that they were not chosen by, and by more than noise."""
        return bool(self.changes) and self.held_out.certain and self.held_out.difference > 0


def tune(
    archive: Archive,
    queries: Sequence[Query] | None = None,
    qrels: Qrels | None = None,
    *,
    mode: Mode | None = None,
    pairs: int = PAIRS,
    progress: Progress | None = None,
) -> Tuned:
    """Search for settings that suit some judged queries, or, without any, ``pairs`` of words of a headline and its
    article. ``mode`` None: hybrid where the archive has vectors; made pairs are ranked by words alone and without
    titles, since these and the vectors know the headlines.

    Nothing is changed: ``archive.tune(**found.changes)`` does that. An interrupt ends the search, and what was found by
    then is compared. Raises MissingExtraError without ir-measures, UsageError for too few queries, ModeError for a mode
    that the archive cannot serve, QueryError for a query with too many words.
    """
    notes: list[str] = []
    with archive._session.reading() as view:
        fixed: dict[str, float] = {}
        few = "{} queries with something relevant are too few to tune by; {} are needed"
        if queries is None or qrels is None:
            if mode not in (None, Mode.KEYWORD):
                raise UsageError(f"queries made of headlines are ranked by words alone, not in mode {mode}")
            queries, qrels = made(view, pairs)
            mode, fixed = Mode.KEYWORD, {"title": 0.0}
            few = "the archive's headlines make {} queries, and {} are needed to tune by; give queries and judgements"
            notes.append("queries are rarer words of headlines, which count in no title: the weight of titles stays")
            if view.vectors is not None:
                notes.append("passages' vectors know the headlines: only what words are ranked by is searched for")
        mode = view.mode(Mode.AUTO if mode is None else mode)
        judged = [query for query in queries if any(grade > 0 for grade in qrels.get(query.query_id, {}).values())]
        if len(judged) < LEAST:
            raise UsageError(few.format(len(judged), LEAST))
        judged = [judged[place] for place in np.random.default_rng(_SEED).permutation(len(judged)).tolist()]
        half = min(len(judged) // 2, SEARCHED)
        names = tuple(name for name in _searched(mode, view.subfields) if name not in fixed)
        search = _Search(_Trials(view, judged[:half], qrels, mode, fixed), view.ranking, names, progress)
        search.run()
        rest = _Trials(view, judged[half:], qrels, mode, fixed)
        before, after = rest.measured(view.ranking), rest.measured(search.best)
    return Tuned(
        mode=mode,
        before=asdict(search.start),
        after=asdict(search.best),
        searched=names,
        seen=(search.first, search.value),
        queries_seen=half,
        held_out=compare(before, after),
        trials=search.trials,
        interrupted=search.interrupted,
        notes=tuple(notes),
    )


def _searched(mode: Mode, subfields: frozenset[str]) -> Iterator[str]:
    """The settings that make a difference in a mode. The text's weight stays: the others are relative to it."""
    if mode is not Mode.VECTOR:
        yield from ("k1", "b")
        yield from (name for name in ("title", "caption", "dateline", "byline") if name in subfields)
        yield from ("near", "exact")
    if mode is not Mode.KEYWORD:
        yield "lead"
    if mode is Mode.HYBRID:
        yield "weight"


class _Trials:
    """Some queries, each read once, to be ranked by any settings; ``fixed`` ones take the place of theirs."""

    def __init__(
        self, view: View, queries: Sequence[Query], qrels: Qrels, mode: Mode, fixed: Mapping[str, float]
    ) -> None:
        self._view = view
        self._fixed = fixed
        self._qrels = {query.query_id: qrels[query.query_id] for query in queries}
        self._asked = {query.query_id: _Asked.of(view, query, mode) for query in queries if query.text.strip()}

    def __len__(self) -> int:
        return len(self._qrels)

    def measured(self, settings: RankingSettings, some: slice = slice(None)) -> dict[str, float]:
        """The measure of each query, or of some, under these settings: what ``evaluate`` gives."""
        view = self._view.ranked_by(settings.but(self._fixed))
        wanted = {query: self._qrels[query] for query in list(self._qrels)[some]}
        run = {query: self._asked[query].ranked(view) for query in wanted if query in self._asked}
        return by_query(run, wanted)[MEASURE]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A query as it was read: its plan, and ``matched`` int64, the articles with all its words."""

    plan: Plan
    scope: Scope
    matched: Ordinals

    @classmethod
    def of(cls, view: View, query: Query, mode: Mode) -> _Asked:
        plan = view.plan(Request(query=query.text, limit=_DEPTH, mode=mode, passages=0, literal=True))
        if mode is not Mode.KEYWORD and plan.query.encoder_text and not any(one.rest for one in plan.preferred):
            plan = replace(plan, vector=view.encoded(plan.query.encoder_text))
        scope = view.match(plan)
        # One mask a query would be the archive's size times the queries'.
        return cls(plan, scope._replace(matched=scope.visible), np.flatnonzero(scope.matched))

    def ranked(self, view: View) -> list[Ranked]:
        """The first places by the settings of a view."""
        matched = np.zeros(len(self.scope.visible), np.bool_)
        matched[self.matched] = True
        found = rank(view, self.plan, self.scope._replace(matched=matched, words=view.words(self.scope.visible)))
        ids = view.columns.ids(found.ordinals[:_DEPTH].tolist())
        return [Ranked(identifier, float(-place)) for place, identifier in enumerate(ids)]


@dataclass(slots=True)
class _Search:
    """A coordinate search from ``start``. ``best`` and its mean ``value`` are what it has found so far."""

    queries: _Trials
    start: RankingSettings
    names: Sequence[str]
    progress: Progress | None
    best: RankingSettings = field(init=False)
    first: float = field(init=False, default=0.0)
    value: float = field(init=False, default=0.0)
    trials: int = field(init=False, default=0)
    interrupted: bool = field(init=False, default=False)
    _held: dict[str, float] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.best = self.start

    def run(self) -> None:
        """Search to the end, or until an interrupt."""
        self._take(self.start, self.queries.measured(self.start))
        self.first = self.value
        try:
            for step in _STEPS:
                while sum(self._along(name, step) for name in self.names):  # each has its turn
                    pass
        except KeyboardInterrupt:
            self.interrupted = True

    def _along(self, name: str, step: float) -> bool:
        """Move one setting up, or down, as long as that is better. Whether it was."""
        for up in (True, False):
            moved = False
            while (other := _moved(self.best, name, step, up)) is not None and self._is_better(other):
                moved = True
            if moved:
                return True
        return False

    def _is_better(self, settings: RankingSettings) -> bool:
        """Rank by other settings, and keep them where the mean is higher."""
        self.trials += 1
        if self.progress is not None:
            self.progress(self.trials, self.value)
        some = slice(max(len(self.queries) // _RACED, 1))
        found = self.queries.measured(settings, some)
        behind = np.array([self._held[query] - value for query, value in found.items()])
        if behind.mean() > behind.std() / np.sqrt(len(behind)):
            return False
        found |= self.queries.measured(settings, slice(some.stop, None)) if some.stop < len(self.queries) else {}
        better = float(np.mean(list(found.values()))) > self.value + _GAIN
        if better:
            self._take(settings, found)
        return better

    def _take(self, settings: RankingSettings, measured: dict[str, float]) -> None:
        self.best, self._held, self.value = settings, measured, float(np.mean(list(measured.values())))


def _moved(settings: RankingSettings, name: str, step: float, up: bool) -> RankingSettings | None:
    """The settings with one moved by a step; None where it cannot be."""
    value: float = getattr(settings, name)
    if name in _SHARES:
        other = min(value + (step - 1) / 4, 1.0) if up else max(value - (step - 1) / 4, 0.0)
    elif value == 0:
        other = _FIRST if up else value
    else:
        other = min(value * step, max(_HIGHEST, value)) if up else value / step
    other = float(f"{other:.3g}")
    return None if other == value else settings.but({name: other})

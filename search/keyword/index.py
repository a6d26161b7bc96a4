"""The keyword leg of a snapshot: which articles match, how well, and why."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from search import deadline
from search.errors import ArchiveDamaged
from search.keyword.analysis import ENGLISH, GAP, SUBFIELDS, TEXT_SPACE, Analysis, analyze, term_of
from search.keyword.cache import Cache
from search.keyword.match import grid
from search.keyword.match.view import Columns, Mask, Ordinals
from search.keyword.part.layout import KeywordSegment
from search.keyword.rank import near
from search.keyword.rank.scoring import Bm25, says_something, spoken, wanted
from search.keyword.sentences import Sentences, sentences
from search.keyword.settings import Bm25Settings
from search.keyword.tally import Tally
from search.storage.container import Part

if TYPE_CHECKING:
    from search.keyword.tree import Expanded, Node
    from search.keyword.whoosh.codec import ViewSegment

_RARE = 2  # articles that may have a misspelling,
_FAR_MORE = 20  # and how many times as many have the right one
_P = ParamSpec("_P")
_T = TypeVar("_T")


def _sound(method: Callable[_P, _T]) -> Callable[_P, _T]:
    """A method that reads mapped arrays: numbers in them that point outside them mean damage, not a bug."""

    @functools.wraps(method)
    def guarded(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return method(*args, **kwargs)
        except IndexError as error:
            raise ArchiveDamaged("a keyword part points outside itself; run 'broadsheet doctor'") from error

    return guarded


class KeywordIndex:
    """The keyword parts of a snapshot, one for each segment, in the snapshot's order.

    Raises ArchiveMismatch for parts made by another analysis, ArchiveDamaged for parts that do not fit together.
    """

    def __init__(
        self, parts: Sequence[Part], columns: Columns, settings: Bm25Settings, analysis: Analysis = ENGLISH
    ) -> None:
        self.analysis = analysis
        self.segments = [KeywordSegment(part, analysis) for part in parts]
        self.bases = np.concatenate([[0], np.cumsum([len(s) for s in self.segments])]).astype(np.int64).tolist()
        self.columns = columns
        self._extents: dict[int, NDArray[np.int64]] = {}
        self._cache: grid.Kept = Cache(max(grid.LEAST_CACHE, sum(part.size for part in parts) // grid.CACHE_SHARE))
        self.settings = settings
        if len(columns.published) != len(self):
            raise ArchiveDamaged("the keyword parts and the columns differ in their articles; run 'broadsheet doctor'")

    def __len__(self) -> int:
        return int(self.bases[-1])

    def at(self, visible: Mask) -> KeywordView:
        """The index as a reader sees it who sees these articles; ``visible`` is bool[N]."""
        return KeywordView(self, visible)

    @cached_property
    def stride(self) -> int:
        """A power of two, more than twice any article's greatest position: see ``occurrences``."""
        longest = max((int(self.extents(i).max()) for i, s in enumerate(self.segments) if len(s)), default=0)
        return 1 << (2 * (longest + GAP)).bit_length()

    @cached_property
    def subfields(self) -> frozenset[str]:
        """Those in which any article has words, hidden ones included."""
        words = np.zeros(len(SUBFIELDS), np.int64)
        for segment in self.segments:
            words += segment.lengths.sum(axis=0, dtype=np.int64)
        return frozenset(name for name, count in zip(SUBFIELDS, words.tolist(), strict=True) if count)

    @cached_property
    def tally(self) -> Tally:
        """The terms of the text, numbered across segments, to be counted."""
        return Tally(self)

    @cached_property
    def grids(self) -> list[grid.Grid]:
        """The addresses of words, for each segment."""
        pairs = zip(self.segments, self.bases, strict=False)
        return [grid.Grid(segment, base, self.stride, self._cache) for segment, base in pairs]

    def having(self, term: str) -> Mask:
        """bool[N]: articles with a term of the text space, hidden ones included."""
        out = np.zeros(len(self), np.bool_)
        for segment, base in zip(self.segments, self.bases, strict=False):
            tid = segment.find(TEXT_SPACE, term)
            if tid >= 0:
                out[base : base + len(segment)][segment.docs(tid).astype(np.int64)] = True
        return out

    def extents(self, number: int) -> NDArray[np.int64]:
        """int64[n]: one past the greatest position of each row of a segment."""
        found = self._extents.get(number)
        if found is None:
            found = np.full(len(self.segments[number]), (len(SUBFIELDS) - 1) * GAP + 1, np.int64)
            for column in range(len(SUBFIELDS)):
                found += self.segments[number].lengths[:, column]
            self._extents[number] = found
        return found


class KeywordView:
    """Matching and scoring over the visible articles. Threads may share it. Ordinals are those of the snapshot."""

    def __init__(self, index: KeywordIndex, visible: Mask) -> None:
        self.index = index
        self.visible = visible

    @cached_property
    def bm25(self) -> Bm25:
        """The scorer, with its statistics over the visible articles."""
        index = self.index
        return Bm25(index.segments, index.bases[:-1], self.visible, index.settings, index.analysis)

    @cached_property
    def whoosh_segments(self) -> list[ViewSegment]:
        """The segments as Whoosh reads them, with what has been looked up in them."""
        from search.keyword import whoosh  # it takes a while to import and is seldom needed

        return whoosh.segments(self)

    @cached_property
    def searcher(self) -> Any:
        """A stock Whoosh searcher over the visible articles; its document numbers are ordinals."""
        from search.keyword import whoosh

        return whoosh.searcher(self)

    @_sound
    def match(self, tree: Node) -> Mask:
        """bool[N]: the visible articles that satisfy a constraint tree.

        Raises QueryError for a tree that cannot be answered, or only at unreasonable cost.
        """
        from search.keyword.match.matcher import Matcher  # words alone don't need it

        return Matcher(self).match(tree)

    @_sound
    def match_words(self, words: Sequence[str]) -> Mask:
        """bool[N]: the visible articles that contain all the words as stems; stop words are not asked for unless there
        is nothing else, and a word of several tokens asks for each of them, or for a reading of them."""
        each = (wanted(words, part, stop_words) for part, stop_words in spoken(words, self.index.analysis))
        return functools.reduce(np.logical_or, map(self._having_all, each))

    def _having_all(self, wanted: Sequence[list[list[str]]]) -> Mask:
        """bool[N]: visible articles with all terms of one of the rows of each word."""
        found = self.visible
        asked: list[list[list[str]]] = []
        for rows in wanted:
            if rows in asked:
                continue
            asked.append(rows)
            deadline.check()
            found = found & self._having(rows)
            if not found.any():
                break
        return found

    def _having(self, rows: Sequence[Sequence[str]]) -> Mask:
        """bool[N]: articles with all terms of one of these rows, of which there is one at least."""
        each = [functools.reduce(np.logical_and, map(self.index.having, dict.fromkeys(row))) for row in rows]
        return functools.reduce(np.logical_or, each)

    @_sound
    def rank(
        self, words: Sequence[str | Expanded], mask: Mask | None, groups: Ordinals | None, depth: int
    ) -> tuple[Ordinals, NDArray[np.float32]]:
        """(ordinals int64, scores float32) of the best articles: scores above 0, descending, ties by ordinal.

        A score is BM25F, what words in the form that is asked for add, and what words near each other add: the articles
        that BM25F ranks best are put in order by it.
        ``mask`` is bool[N] (None: all visible articles). With ``groups``, int64[N], only the best article of each group
        is returned. ``depth`` is how many articles, or groups, are wanted. Raises QueryError for too many words.
        """
        return near.rank(self.bm25, words, None if mask is self.visible else mask, groups, depth)

    @_sound
    def score(self, words: Sequence[str | Expanded], ordinals: Ordinals) -> NDArray[np.float32]:
        """float32: the score of each of the articles, bit for bit what ``rank`` says; 0 without any word."""
        return near.score(self.bm25, words, ordinals)

    @_sound
    def most_beyond(self, words: Sequence[str | Expanded], last: float) -> float:
        """The most that an article can score that is not in a ranking whose last has the score ``last``."""
        return near.most_beyond(self.bm25, words, last)

    @_sound
    def explain(self, words: Sequence[str | Expanded], ordinal: int) -> dict[str, list[dict[str, Any]]]:
        """The parts of an article's score, in the order of addition: ``terms``, one for each of the query's that it
        has, ``exact``, one for each word that it has in the form that is asked for, and ``near``, one for each two
        terms that stand near each other in it."""
        model = self.bm25
        exact = model.forms.explain(model.terms(words), ordinal) if model.exact > 0 else []
        return {
            "terms": model.explain(words, ordinal),
            "exact": exact,
            "near": near.explain(model, words, ordinal),
        }

    @_sound
    def sentences(self, words: Sequence[str], ordinals: Ordinals) -> list[Sentences | None]:
        """The sentences of each of some articles, and where the words stand in them; None where that is not known."""
        return sentences(self.bm25, words, ordinals)

    @_sound
    def frequencies(self, terms: Sequence[str]) -> Ordinals:
        """int64: how many visible articles have each of some terms."""
        found = np.zeros(len(terms), np.int64)
        for place, term in enumerate(terms):
            deadline.check()
            found[place] = self.bm25.frequency(term)
        return found

    @_sound
    def shares(self, words: Sequence[str], ordinals: Ordinals) -> NDArray[np.float32]:
        """float32[len(ordinals), t]: what each of the words' terms that some article has adds to each article's
        score, pairs of near words aside; the rarest term first."""
        terms = self.bm25.terms(words)
        order = np.argsort(ordinals, kind="stable")
        shares = np.zeros((len(ordinals), len(terms)), np.float32)
        for column, term in enumerate(terms):
            deadline.check()
            shares[order, column] = term.of(ordinals[order])
        return shares

    @_sound
    def suggest(self, word: str) -> str | None:
        """A likelier spelling of a word that no visible article has; None for a known word, or without a good one."""
        deadline.check()
        tokens = analyze(word, self.index.analysis)
        if len(tokens) != 1 or self._frequency(tokens[0].word):
            return None
        from search.keyword.match import expand

        return expand.suggest(self.index.segments, tokens[0].word)

    def _frequency(self, word: str) -> int:
        """How many visible articles have a folded word, whatever language they read it in."""
        terms = {term_of(word, part) for part in self.index.analysis.parts}
        return sum(map(self.bm25.frequency, terms))

    @_sound
    def lacks(self, word: str) -> bool:
        """Whether no visible article has a word of a query, in any way to read it; stop words are in any."""
        analysis = self.index.analysis
        if not any(says_something(token, analysis) for token in analyze(word, analysis)):
            return False
        rows = [row for part in analysis.parts for each in wanted([word], part) for row in each]
        return not any(all(map(self.bm25.frequency, row)) for row in rows)

    @_sound
    def usual(self, word: str) -> tuple[int, str, int] | None:
        """Of a word that hardly any visible article has: how many have it, a likelier spelling, and how many have that,
        far more; None for any other word."""
        tokens = analyze(word, self.index.analysis)
        own = self._frequency(tokens[0].word) if len(tokens) == 1 else 0
        if not 0 < own <= _RARE:
            return None
        from search.keyword.match import expand

        better = expand.suggest(self.index.segments, tokens[0].word, known=True)
        others = analyze(better, self.index.analysis) if better is not None else []
        if better is None or len(others) != 1 or others[0].term == tokens[0].term:
            return None
        count = self._frequency(others[0].word)
        return (own, better, count) if count >= _FAR_MORE * own else None

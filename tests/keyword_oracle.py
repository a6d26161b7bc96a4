"""What the keyword room must find, by plain Python over token lists: trees, spans and BM25F, one article at a time."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from search.keyword import Bm25Settings, KeywordIndex, tree
from search.keyword.analysis import GAP, SUBFIELDS, analyze, fold
from search.keyword.part.layout import KIND
from search.keyword.part.write import build_part
from search.keyword.rank.scoring import scoring_terms, scoring_tokens
from search.keyword.readings import is_joined, readings, spelled, value_ways, value_words, ways, words_of
from search.records import Article
from search.storage.columns import MISSING_INSTANT, instant
from search.storage.container import Part, open_part, write_part
from search.text.passages import lay_out


@dataclass(frozen=True)
class At:
    """One token or reading of an article. ``parts``: the terms of a reading of several tokens."""

    position: int
    surface: str
    word: str
    term: str
    field: int
    sentence: int
    paragraph: int
    parts: tuple[str, ...] = ()


def tokens_of(article: Article) -> tuple[list[At], list[int]]:
    """The tokens of the text space, and the length of each sub-field."""
    found: list[At] = []
    lengths = []
    start = unit = paragraph = 0
    byline = " ".join((*article.authors, article.agency))
    for field, name in enumerate(SUBFIELDS):
        text = {"byline": byline}.get(name) if name == "byline" else getattr(article, name)
        layout = lay_out(text)
        spans = list(zip(layout.starts, layout.ends, layout.paragraphs, strict=True))
        if name != "text":
            spans = [(0, len(text), 0)]
        position, last = start, None
        for low, high, number in spans:
            if number != last:
                paragraph, last = paragraph + 1, number
            unit += 1
            other = readings(text[low:high])
            tokens = analyze(text[low:high])
            for number, token in enumerate(tokens):
                found.append(At(position, token.surface, token.word, token.term, field, unit, paragraph))
                for one in other:
                    if one.first == number:
                        parts = tuple(part.term for part in tokens[number : number + one.width])
                        own = one.token
                        where = field, unit, paragraph, parts if one.width > 1 else ()
                        found.append(At(position, own.surface, own.word, own.term, *where))
                position += 1
        lengths.append(position - start)
        start = position + GAP
    return found, lengths


def distance(a: str, b: str) -> int:
    """Levenshtein."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row = row, [i]
        for j, y in enumerate(b, 1):
            row.append(min(previous[j] + 1, row[-1] + 1, previous[j - 1] + (x != y)))
    return row[-1]


def same(wanted: str, pattern: str) -> bool:
    """Whether a word matches a wildcard pattern."""
    return re.fullmatch("".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern), wanted, re.S) is not None


class Oracle:
    """Articles in ordinal order and which of them are visible."""

    def __init__(self, articles: Sequence[Article], visible: Sequence[bool] | None = None) -> None:
        self.articles = list(articles)
        self.visible = [True] * len(articles) if visible is None else [bool(v) for v in visible]
        self.tokens, self.lengths = zip(*map(tokens_of, articles), strict=True) if articles else ((), ())

    def match(self, node: tree.Node) -> set[int]:
        return {i for i, seen in enumerate(self.visible) if seen and self.holds(node, i)}

    def holds(self, node: tree.Node, i: int) -> bool:
        article = self.articles[i]
        match node:
            case tree.Nothing():
                return False
            case tree.And():
                return bool(node.children) and all(self.holds(child, i) for child in node.children)
            case tree.Or():
                return any(self.holds(child, i) for child in node.children)
            case tree.Not():
                return not self.holds(node.item, i)
            case tree.Every():
                return True
            case tree.DayRange():
                day = article.published
                day = day.date() if isinstance(day, datetime) else day
                return (
                    day is not None
                    and (node.start is None or day >= node.start)
                    and (node.end is None or day <= node.end)
                )
            case tree.InstantRange():
                when = instant(article.published)
                bounds = [None if b is None else instant(b) for b in (node.start, node.end)]
                return (
                    when != MISSING_INSTANT
                    and (bounds[0] is None or when >= bounds[0])
                    and (bounds[1] is None or when <= bounds[1])
                )
            case tree.Length():
                return (node.minimum or 0) <= self.lengths[i][-1] and (
                    node.maximum is None or self.lengths[i][-1] <= node.maximum
                )
            case tree.Id():
                return article.id in node.ids
            case tree.Value():
                return self.has_value(node, article)
            case tree.AtLeast():
                return len(self.spans(node.child, i)[0]) >= node.count
            case _:
                return bool(self.spans(node, i)[0])

    @staticmethod
    def has_value(node: tree.Value, article: Article) -> bool:
        wanted, *more = value_ways(node.text)
        for name in ("authors", "agency") if node.field == "by" else (node.field,):
            values = getattr(article, name)
            for value in (values,) if isinstance(values, str) else values:
                words = words_of(value)
                if wanted and node.whole and words == wanted:
                    return True
                at = [{word} for word in words]
                for word, place in value_words(value)[1]:
                    at[place].add(word)
                for row in [] if node.whole else [wanted, *more]:
                    for k in range(len(at) - len(row) + 1):
                        if row and all(word in here for word, here in zip(row, at[k:], strict=False)):
                            return True
        return False

    def spans(self, node: tree.Node, i: int) -> tuple[set[tuple[int, int]], bool]:
        """(start, end) of each span, and whether they are solid."""
        if isinstance(node, tree.Nothing):
            return set(), True
        if isinstance(node, tree.Or):
            parts = [self.spans(child, i) for child in node.children]
            return set().union(*(spans for spans, _ in parts)), all(solid for _, solid in parts)
        if isinstance(node, tree.Pair):
            (left, left_solid), (right, right_solid) = self.spans(node.left, i), self.spans(node.right, i)
            found = set()
            for (a, b), (c, d) in itertools.product(left, right):
                overlap = a <= d and c <= b
                allowed = not (left_solid and right_solid) and not {a, b} & {c, d}
                if isinstance(node, tree.Near):
                    if node.ordered:
                        good = 1 <= c - b <= node.distance
                    else:
                        good = allowed if overlap else min(abs(c - b), abs(a - d)) <= node.distance
                else:
                    kind = "sentence" if isinstance(node, tree.SameSentence) else "paragraph"
                    unit = {at.position: getattr(at, kind) for at in self.tokens[i]}
                    good = len({unit[p] for p in (a, b, c, d)}) == 1 and (allowed or not overlap)
                if good:
                    found.add((min(a, c), max(b, d)))
            return found, False
        return self.word_spans(node, i), True

    def word_spans(self, node: tree.Node, i: int) -> set[tuple[int, int]]:
        field = None if node.field is None else SUBFIELDS.index(node.field)
        at: dict[int, list[At]] = {}
        for one in self.tokens[i]:
            if field is None or one.field == field:
                at.setdefault(one.position, []).append(one)
        match node:
            case tree.Word():
                return {span for number, row in enumerate(ways(node.text)) for span in self.word_rows(at, row, number)}
            case tree.Exact():
                tests = [lambda at, w=w: exactly(at, w) for w in spelled(node.text)]
            case tree.Wildcard():
                patterns = [fold_pattern(part) for part in node.pattern.split("-")]
                tests = [lambda at, p=p: same(at.word, p) for p in patterns if p]
            case tree.Fuzzy():
                wanted = [token.word for token in analyze(node.text)]
                tests = [lambda at, w=w: distance(at.word, w) <= node.distance for w in wanted]
            case _:
                raise NotImplementedError(node)
        return {
            (first, first + len(tests) - 1)
            for first in at
            if tests and all(any(map(test, at.get(first + k, ()))) for k, test in enumerate(tests))
        }

    @staticmethod
    def word_rows(at: dict[int, list[At]], row: list, number: int) -> set[tuple[int, int]]:
        """Where words stand one after the other; up to two of them, the last aside, in parts where the text has them
        so. A query's own reading is not the parts that it reads: these are another row."""
        ends = {(first, first, 0) for first in at}  # start, where the next word has to stand, how many in parts
        for k, token in enumerate(row):
            own = tuple(part.term for part in analyze(token.surface)) if number and is_joined(token.surface) else None
            last = k + 1 == len(row)
            after = set()
            for start, place, count in ends:
                for one in at.get(place, ()):
                    if one.term != token.term or (own is not None and one.parts == own):
                        continue
                    after.add((start, place + 1, count))
                    if one.parts and not last and count < 2:
                        after.add((start, place + len(one.parts), count + 1))
            ends = after
        return {(start, place - 1) for start, place, _ in ends} if row else set()

    def bm25f(self, asked: Sequence[str | tree.Expanded], settings: Bm25Settings | None = None) -> dict[int, float]:
        """Scores of the visible articles with any of the words, in float64 and from the formula; what stands for
        several words is one term, whose frequency is the sum of theirs, a quarter for each edit."""
        settings = settings or Bm25Settings()
        weights = settings.weights()
        seen = [i for i, visible in enumerate(self.visible) if visible]
        length = {i: sum(w * n for w, n in zip(weights, self.lengths[i], strict=True)) for i in seen}
        average = sum(length.values()) / len(seen) if any(length.values()) else 1.0
        scores: dict[int, float] = {}
        terms = [
            lambda at, term=token.term: float(at.term == term)
            for token in scoring_tokens([word for word in asked if isinstance(word, str)])
        ]
        terms += [weigh for node in asked if not isinstance(node, str) for weigh in self.weighing(node)]
        for weigh in terms:
            having = [i for i in seen if any(weigh(at) for at in self.tokens[i])]
            idf = math.log(1 + (len(seen) - len(having) + 0.5) / (len(having) + 0.5))
            for i in having:
                tf = sum(weights[at.field] * weigh(at) for at in self.tokens[i])
                if tf:
                    norm = settings.k1 * (1 - settings.b + settings.b * length[i] / average)
                    scores[i] = scores.get(i, 0.0) + idf * tf / (tf + norm)
        return scores

    def scores(
        self, words: Sequence[str | tree.Expanded], settings: Bm25Settings | None = None, pool: int = 1000
    ) -> dict[int, float]:
        """BM25F, what words in the form that is asked for add, and what pairs of words near each other add, in float64
        and from the formulas."""
        settings = settings or Bm25Settings()
        base = self.bm25f(words, settings)
        seen = [i for i, visible in enumerate(self.visible) if visible]
        frequency = {
            term: sum(any(at.term == term for at in self.tokens[i]) for i in seen)
            for term in scoring_terms(words)
            if isinstance(term, str)
        }
        terms = sorted((term for term in frequency if frequency[term]), key=lambda term: (frequency[term], term))[:14]
        best = sorted(base, key=lambda i: (-round(base[i], 5), i))[:pool]
        weights = settings.weights()
        length = {i: sum(w * n for w, n in zip(weights, self.lengths[i], strict=True)) for i in seen}
        average = sum(length.values()) / len(seen) if any(length.values()) else 1.0
        scores = dict(base)
        norms = {i: settings.k1 * (1 - settings.b + settings.b * length[i] / average) for i in seen}
        for token in scoring_tokens([word for word in words if isinstance(word, str)]):
            frequencies = {
                i: sum(weights[at.field] for at in self.tokens[i] if at.term == token.term and at.word == token.word)
                for i in seen
            }
            df = sum(any(at.term == token.term and at.word == token.word for at in self.tokens[i]) for i in seen)
            idf = math.log(1 + (len(seen) - df + 0.5) / (df + 0.5))
            for i, tf in frequencies.items():
                if tf and i in scores:
                    scores[i] += settings.exact * idf * tf / (tf + norms[i])
        for rarer, other in itertools.combinations(terms, 2):
            counts = {i: self.near(i, rarer, other, weights) for i in base}
            df = sum(counts[i] > 0 for i in best)
            if not df:
                continue
            idf = math.log(1 + (len(best) - df + 0.5) / (df + 0.5))
            for i, count in counts.items():
                norm = settings.k1 * (1 - settings.b + settings.b * length[i] / average)
                scores[i] += settings.near / math.sqrt(len(terms) - 1) * idf * count / (count + norm) if count else 0.0
        return scores

    def near(self, i: int, rarer: str, other: str, weights: Sequence[float]) -> int:
        """How many occurrences of the rarer term, where these count anything, have the other within 16 words."""
        others = [at.position for at in self.tokens[i] if at.term == other]
        own = [at.position for at in self.tokens[i] if at.term == rarer and weights[at.field]]
        return sum(any(abs(place - near) <= 16 for near in others) for place in own)

    @staticmethod
    def weighing(node: tree.Expanded) -> list[Callable[[At], float]]:
        """What an occurrence of a token weighs in the terms of a node."""
        match node:
            case tree.Wildcard():
                return [lambda at: float(same(at.word, fold_pattern(node.pattern)))]
            case tree.Fuzzy():
                word = fold(node.text)

                def near(at: At) -> float:
                    edits = distance(at.word, word)
                    return 0.25**edits if edits <= node.distance else 0.0

                return [near]
            case tree.Exact():
                return [lambda at, w=w: float(exactly(at, w)) for w in spelled(node.text)]
        raise NotImplementedError(node)


def exactly(at: At, surface: str) -> bool:
    """Whether a token is written so, a sign beside it aside."""
    return at.surface in {surface, surface + "%", *(sign + surface for sign in "#@$€£¥₹.")}


def fold_pattern(pattern: str) -> str:
    """A pattern's letters as words are folded."""
    return re.sub(r"[^*?]+", lambda letters: fold(letters[0]), pattern)


def columns(articles: Sequence[Article]) -> SimpleNamespace:
    """What KeywordIndex reads of a snapshot's columns."""

    def find(ids: Sequence[str]) -> np.ndarray:
        return np.array([i for i, article in enumerate(articles) if article.id in ids], np.int64)

    def texts(name: str, start: int, stop: int) -> list[str]:
        return [getattr(article, name) for article in articles[start:stop]]

    return SimpleNamespace(
        published=np.array([instant(a.published) for a in articles], np.int64),
        day=np.array([0 if a.published is None else a.published.toordinal() for a in articles], np.int32),
        find=find,
        texts=texts,
    )


def make_part(folder: Path, articles: Sequence[Article]) -> Part:
    """A keyword part of these articles."""
    return save(folder, *build_part(articles, [lay_out(article.text) for article in articles]))


_numbers = itertools.count()


def save(folder: Path, arrays: dict, meta: dict) -> Part:
    """A part on disk, mapped."""
    path = folder / f"part-{next(_numbers)}"
    write_part(path, KIND, arrays, meta)
    return open_part(path, KIND)


def make_index(
    folder: Path, batches: Sequence[Sequence[Article]], settings: Bm25Settings | None = None
) -> KeywordIndex:
    """An index with one segment for each batch."""
    parts = [make_part(folder, batch) for batch in batches]
    return KeywordIndex(parts, columns([a for batch in batches for a in batch]), settings or Bm25Settings())


def utc(*parts: int) -> datetime:
    """An instant in UTC."""
    return datetime(*parts, tzinfo=UTC)

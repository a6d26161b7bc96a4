"""What is shown of an article: passages, snippets and highlights. Offsets always count the article's own text."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from search.keyword.analysis import ENGLISH, Analysis
from search.keyword.highlight import highlight, occurrences
from search.query import ParsedQuery
from search.records import Article, Highlight, Passage
from search.text.stretches import Spans, without

if TYPE_CHECKING:
    from search.keyword.sentences import Sentences
    from search.keyword.stretch import Place
    from search.keyword.tree import Node

SNIPPET = 280  # characters
_GAP = 4  # characters between sentences, at most
_KEYWORD_PASSAGE = 1000  # characters of a passage where no model's tokenizer cut it
# A full stop and what belongs to it, or the end of a line. A set of characters comes first: so it is looked for fast.
_SENTENCE_END = re.compile(r"[.!?…\n。！？](?:(?<=[。！？])[」』”’）]*\s*|(?<!\n)[\"'”’)\]]*\s+|(?<=\n)\n*)(?=\S)")
_ENDING = re.compile(r"[.!?…。！？][\"'”’)\]」』）]*\Z")
_ROOM = 40  # characters behind what meets a condition, where its sentence is cut
_LONGEST_WORD = 40  # characters between spaces, in scripts that have any
_CUT = " … "


def plain_spans(text: str, starts: Sequence[int] | None = None, left_out: Spans = ()) -> list[tuple[int, int]]:
    """Passages of an article that has none in the archive: whole lines of 1,000 characters together or, where a line is
    longer, whole sentences. ``starts`` is where sentences begin, if that is known. What is ``left_out``, whole
    sentences in order, is in none of them, where there is anything else."""
    if starts is None:
        from search.text.passages import lay_out  # its tables are seldom needed

        starts = lay_out(text).starts
    spans: list[tuple[int, int]] = []
    for first, last in _runs(starts, left_out):
        at = first
        while at < last:
            stop = bisect_right(starts, starts[at] + _KEYWORD_PASSAGE, at + 1, last)
            if stop > at + 1 and _end(text, starts, stop) > starts[at] + _KEYWORD_PASSAGE:
                stop -= 1
            whole = (number for number in range(stop, at, -1) if number == last or text[starts[number] - 1] == "\n")
            stop = next(whole, stop)
            spans.append((starts[at], _end(text, starts, stop)))
            at = stop
    if left_out and not spans:
        return plain_spans(text, starts)
    return spans or [(0, 0)]


def _runs(starts: Sequence[int], left_out: Spans) -> Iterator[tuple[int, int]]:
    """The numbers of sentences between those that are left out: where each run begins, and where it ends."""
    at = 0
    for start, end in left_out:
        yield at, bisect_left(starts, start, at)
        at = bisect_left(starts, end, at)
    yield at, len(starts)


def _end(text: str, starts: Sequence[int], number: int) -> int:
    """Where the sentence before the one of this number ends."""
    end = starts[number] if number < len(starts) else len(text)
    while end and text[end - 1].isspace():
        end -= 1
    return end


class Sought:
    """What a query looks for in texts: single words, and conditions that are met at places (``keyword.met``).
    ``every`` are all its words, for a text in which no condition is met. Each text is read once for the conditions."""

    def __init__(
        self, words: Sequence[str], conditions: Sequence[Node], every: Sequence[str], analysis: Analysis = ENGLISH
    ) -> None:
        self.words, self.conditions, self.every, self.analysis = words, conditions, every, analysis
        self._places: dict[tuple[str, str], list[list[Place]]] = {}
        self._others: dict[Analysis, Sought] = {}

    def within(self, article: Article) -> Sought:
        """The same in the language of an article."""
        analysis = self.analysis.of(article)
        if analysis is self.analysis:
            return self
        if analysis not in self._others:
            self._others[analysis] = Sought(self.words, self.conditions, self.every, analysis)
        return self._others[analysis]

    def read(self, known: Sentences | None) -> Sentences | None:
        """What an index knows of an article, to be read in its language."""
        return known if known is None or known.analysis is self.analysis else known._replace(analysis=self.analysis)

    @classmethod
    def of(cls, query: ParsedQuery, analysis: Analysis) -> Sought:
        """What to show of a query."""
        if query.constraint is None:
            return cls(query.scoring_words, (), query.scoring_words, analysis)
        from search.keyword import met  # which words alone do not need

        words, conditions = met.sought(query.constraint, analysis)
        return cls((*query.words, *words), conditions, query.scoring_words, analysis)

    def places(self, text: str, field: str, sentences: Sequence[int] | None = None) -> list[list[Place]]:
        """For each condition that is met in a text, where. ``sentences`` is where the text's begin, if it is known."""
        if not self.conditions or not text:
            return []
        if (text, field) not in self._places:
            from search.keyword import met

            every = (met.places(node, text, field, sentences, self.analysis) for node in self.conditions)
            self._places[text, field] = [places for places in every if places]
        return self._places[text, field]

    def weighed(self, text: str, places: Sequence[Sequence[Place]]) -> list[tuple[int, int]]:
        """What weighs in a long text: ``marks``, but of words that stand there as they are, where any do."""
        if self.conditions:
            return self.marks(text, "text", places)
        return occurrences(text, self.words, self.analysis) or self.marks(text, "text", places)

    def marks(self, text: str, field: str, places: Sequence[Sequence[Place]] | None = None) -> list[tuple[int, int]]:
        """What to mark in a text: the words, and where the conditions are met; if they are nowhere, all words."""
        met = self.places(text, field) if places is None else places
        if self.conditions and not met and field == "text":
            return highlight(text, self.every, self.analysis)
        marks = highlight(text, self.words, self.analysis) if self.words else []
        inside = {mark for one in met for place in one for mark in place.marks}
        return _apart(sorted({*marks, *inside})) if inside else marks


def _apart(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order without those that begin inside another."""
    kept: list[tuple[int, int]] = []
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return kept


def passages_by_words(
    article: Article, spans: Sequence[tuple[int, int]], sought: Sought, count: int, known: Sentences | None = None
) -> tuple[Passage, ...]:
    """The passages in which most conditions are met, then those that hold most of the distinct query words, then most
    of their occurrences, then the first. ``known``: in which sentences the words stand, if the archive knows."""
    chosen: Sequence[tuple[int, int]] = spans
    sought = sought.within(article)
    if (sought.every or sought.conditions) and len(spans) > 1:
        chosen = _best(article.text, spans, sought, count, sought.read(known))
    return tuple(Passage(article_id=article.id, start=s, end=e, text=article.text[s:e]) for s, e in chosen[:count])


def _best(
    text: str, spans: Sequence[tuple[int, int]], sought: Sought, count: int, known: Sentences | None
) -> Sequence[tuple[int, int]]:
    """The passages in that order. Where one is wanted, and the one with most of the words meets all conditions, the
    rest of the article is not searched for them."""
    by_sentences = None if known is None else _by_sentences(spans, known)
    if by_sentences is not None and not sought.conditions:
        return by_sentences
    if sought.conditions and sought.every and count == 1:
        start, end = (by_sentences or _ordered(text, spans, occurrences(text, sought.every, sought.analysis), ()))[0]
        inside = None if by_sentences is None or known is None else known.starts_between(start, end)
        if len(sought.places(text[start:end], "text", inside)) == len(sought.conditions):
            return [(start, end)]
    places = sought.places(text, "text", None if known is None else known.starts)
    return _ordered(text, spans, sought.weighed(text, places), places)


def _by_sentences(spans: Sequence[tuple[int, int]], known: Sentences) -> list[tuple[int, int]] | None:
    """Passages in that order, without a look at the text; None where one begins inside a sentence."""
    inside = known.between([start for start, _ in spans]) if known.each else None
    if inside is None:
        return None
    worth = [(-len(set(terms)), -len(terms), place) for place, terms in enumerate(inside)]
    worth.sort()
    return [spans[place] for _, _, place in worth]


def _ordered(
    text: str, spans: Sequence[tuple[int, int]], marks: Sequence[tuple[int, int]], places: Sequence[Sequence[Place]]
) -> list[tuple[int, int]]:
    starts, words = [start for start, _ in marks], [text[start:end].casefold() for start, end in marks]

    def worth(span: tuple[int, int]) -> tuple[int, int, int, int]:
        inside = words[bisect_left(starts, span[0]) : bisect_left(starts, span[1])]
        met = sum(_met(each, *span) for each in places) if places else 0
        return -met, -len(set(inside)), -len(inside), span[0]

    return sorted(spans, key=worth)


def _met(places: Sequence[Place], start: int, end: int) -> bool:
    """Is a condition that is met at these places, which are in order, met between two others?"""
    at = bisect_left(places, (start,))
    while at < len(places) and places[at].start < end:
        if places[at].end <= end:
            return True
        at += 1
    return False


def passages_by_meaning(article: Article, spans: Sequence[tuple[int, int, float]]) -> tuple[Passage, ...]:
    """The passages nearest to the query, with their cosines."""
    return tuple(
        Passage(article_id=article.id, start=s, end=e, text=article.text[s:e], score=round(float(c), 6))
        for s, e, c in spans
    )


def snippet(
    article: Article,
    passage: Passage | None,
    sought: Sought,
    known: Sentences | None = None,
    left_out: Spans = (),
) -> tuple[str, tuple[Highlight, ...]]:
    """A stretch of the passage of about 280 characters, whole sentences where they fit and "…" where it is cut, in
    which the query's conditions are met and its words stand closest; and what to mark in it and in the title. Where
    only the rest of the article meets a condition, the stretch is of that. A passage without any of the words was found
    by its meaning and is marked as a whole. ``known``: in which sentences the words stand, if the archive knows. What
    is ``left_out`` of the article, in order, is shown only where nothing else meets a condition, or where the passage
    has nothing else."""
    sought = sought.within(article)
    known = sought.read(known)
    starts = None if known is None else known.starts
    if sought.conditions:
        known = None
    title = sought.marks(article.title, "title") if known is None else known.title_marks(article.title)
    marks = [Highlight(field="title", start=s, end=e, kind="word") for s, e in title]
    if passage is None or not passage.text:
        return "", tuple(marks)
    text = passage.text
    if any(s < passage.end and e > passage.start for s, e in left_out):
        kept = without(article.text, passage.start, passage.end, left_out)
        text = _CUT.join(article.text[s:e] for s, e in kept) or text
    places = sought.places(text, "text")
    if sought.conditions and not places and (elsewhere := sought.places(article.text, "text", starts)):
        text, places = article.text, elsewhere
    if known is not None and text is passage.text and known.begins(passage.start):
        marked = known.marks(article.text, passage.start, passage.end)
        spans = [(s - passage.start, e - passage.start) for (s, e), _ in marked]
        words = [term for _, term in marked]
        sentences = known.starts_between(passage.start, passage.end)
    else:
        spans = sought.marks(text, "text", places)
        words = [text[s:e].casefold() for s, e in spans]
        # A rough look at where sentences start will do: a snippet is no citation.
        sentences = [0, *(end.end() for end in _SENTENCE_END.finditer(text))]
    pieces = _pieces(text, sentences, spans, words, places)
    shown, moved = _cut(text, spans, pieces)
    if moved:
        marks += [Highlight(field="snippet", start=s, end=e, kind="word") for s, e in moved]
    elif passage.score is not None:
        marks.append(Highlight(field="snippet", start=0, end=len(shown), kind="meaning"))
    return shown, tuple(marks)


def marked(article: Article, sought: Sought) -> tuple[Highlight, ...]:
    """What a query has to be marked in the title and the whole text of an article."""
    sought = sought.within(article)
    texts: tuple[tuple[Literal["title", "text"], str], ...] = (("title", article.title), ("text", article.text))
    return tuple(
        Highlight(field=field, start=start, end=end, kind="word")
        for field, text in texts
        for start, end in sought.marks(text, field)
    )


def _cut(
    text: str, spans: Sequence[tuple[int, int]], pieces: Sequence[tuple[int, int]]
) -> tuple[str, list[tuple[int, int]]]:
    """The pieces of a text in a row, with "…" where a sentence is cut, and the spans inside them."""
    shown, moved = "", []
    for start, end in pieces:
        if shown:
            shown += _CUT
        elif start and not _begins(text, start):
            shown += "…"
        moved += [(s - start + len(shown), e - start + len(shown)) for s, e in spans if s >= start and e <= end]
        shown += text[start:end]
    last = pieces[-1][1]
    if last < len(text) and not _ends(text, last):
        shown += "…"
    return shown, moved


def _begins(text: str, start: int) -> bool:
    return any(match.end() == start for match in _SENTENCE_END.finditer(text, max(start - 40, 0), start + 1))


def _ends(text: str, end: int) -> bool:
    return text[end] == "\n" or _ENDING.search(text, max(end - 20, 0), end) is not None


def _pieces(
    text: str,
    sentences: Sequence[int],
    spans: Sequence[tuple[int, int]],
    words: Sequence[str],
    places: Sequence[Sequence[Place]],
) -> list[tuple[int, int]]:
    """Start and end of what is shown: from a sentence's beginning to a sentence's end where it can be, never inside a
    word; two pieces where a condition is met over a longer stretch."""
    if len(text) <= SNIPPET:
        return [(0, len(text))]
    starts, ends = [s for s, _ in spans], [e for _, e in spans]
    short = [[place for place in each if place.end - place.start <= SNIPPET] for each in places]
    best, most = 0, (0, 0, 0)
    for number, sentence in enumerate(sentences) if spans else ():
        stop = sentence + SNIPPET
        met = sum(_met(each, sentence, stop) for each in short) if short else 0
        if places and not met:
            continue
        end = stop if places else _last(text, sentences, number) or stop
        distinct = len(set(words[bisect_left(starts, sentence) : bisect_right(ends, end)]))
        whole = max(stop - _ROOM, (_last(text, sentences, number) or 0)) if met else stop
        roomy = sum(_met(each, sentence, whole) for each in short) if met else 0
        if (met, roomy, distinct) > most:
            best, most = number, (met, roomy, distinct)
    if most > (0, 0, 0):
        start, stop = sentences[best], sentences[best] + SNIPPET
        inside = [[one.end for one in each if start <= one.start and one.end <= stop] for each in short]
        return [_stretch(text, sentences, best, max((min(own) for own in inside if own), default=start))]
    if not spans:
        return [_stretch(text, sentences, 0, 0)]
    first = min((place for each in places for place in each), default=None)
    start, end = spans[0] if first is None else (first.start, first.end)
    if end - start <= SNIPPET:  # in one sentence that is longer than a snippet
        return [_around(text, max(start - (SNIPPET - (end - start)) // 3, 0), SNIPPET)]
    half = SNIPPET // 2
    return [_around(text, max(start - half // 4, 0), half), _around(text, max(end - half * 3 // 4, 0), half)]


def _stretch(text: str, sentences: Sequence[int], number: int, least: int) -> tuple[int, int]:
    """From a sentence on: as many as fit, else up to a word; at least to ``least``."""
    start, end = sentences[number], _last(text, sentences, number)
    return _around(text, start, SNIPPET) if end is None or end < least else (start, end)


def _last(text: str, sentences: Sequence[int], number: int) -> int | None:
    """Where the last sentence ends that fits into a snippet which begins with a sentence; None if that one does not."""
    stop = sentences[number] + SNIPPET
    for after in range(bisect_right(sentences, stop + _GAP, number + 1), number, -1):
        end = _end(text, sentences, after)
        if end <= stop:
            return end
    return None


def _around(text: str, start: int, size: int) -> tuple[int, int]:
    """About so many characters from a place on, with no word cut."""
    if start:
        space = text.rfind(" ", max(0, start - _LONGEST_WORD), start)
        start = space + 1 if space >= 0 or start <= _LONGEST_WORD else start
    end = min(len(text), start + size)
    if end < len(text):
        cut = text.rfind(" ", start + size // 2, end)
        end = cut if cut > start else end
    return start, len(text[:end].rstrip())

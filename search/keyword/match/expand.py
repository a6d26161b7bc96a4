"""From what is written in a query to words of the dictionary: wildcards, prefixes, fuzzy words, exact letters, and
likelier spellings.

Patterns are compared with folded words (no case, accents or apostrophes), which the dictionary keeps beside the
stems; a word leads to its forms and they to a term. An expansion is bounded over all segments together, so that
merging them changes no answer.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from search import deadline
from search.errors import QueryError
from search.keyword.analysis import TEXT_SPACE, Analysis, analyze_token, fold, surface_of
from search.keyword.match.automata import Automaton, Levenshtein, Wildcard, accepted
from search.keyword.part.layout import KeywordSegment
from search.keyword.part.packing import Array, letter_bits, ranges
from search.keyword.readings import SPELLED_OUT

MOST_WORDS = 2000
MOST_EDITS = 2
_NO_LIMIT = 1 << 62
_SIGNS = re.compile(r"[*?]")
_SIGNS_BEFORE = "#@$€£¥₹."

# Term id -> which of its forms qualify, as codes (uint16, ascending); None for all of them.
Selection = dict[int, NDArray[np.uint16] | None]

# For suggestions, in natural logarithms of frequency: a second edit must be worth a factor of 400, for "Beyonse" is
# not "beyond", and another first letter one of 7.
_EDIT_PENALTY = 6.0
_FIRST_LETTER_PENALTY = 2.0
# Shorter words have too many neighbours for two edits, or for any.
_SHORTEST_ONE_EDIT, _SHORTEST_TWO_EDITS = 3, 8
# A word is suggested in lower case if at least this share of its occurrences is.
_PLAIN_SHARE = 0.1


def expand_wildcard(segments: Sequence[KeywordSegment], pattern: str, *, limit: int = MOST_WORDS) -> list[Selection]:
    """What the folded words that match ``pattern`` select in each segment: ``*`` is any run of characters, ``?`` one.

    Raises QueryError past ``limit`` words.
    """
    return expand(segments, Wildcard(_folded(pattern)), limit=limit)


def _folded(pattern: str) -> str:
    """A pattern as words are: its stretches between the signs folded."""
    parts = re.split(r"([*?])", pattern)
    return "".join(fold(surface_of(part)) if part and part not in "*?" else part for part in parts)


def expand_fuzzy(
    segments: Sequence[KeywordSegment], word: str, distance: int, *, limit: int = MOST_WORDS
) -> list[Selection]:
    """What the folded words within ``distance`` <= 2 insertions, deletions and replacements of ``word`` select in each
    segment.

    Raises QueryError past ``limit`` words.
    """
    if not 0 <= distance <= MOST_EDITS:
        raise QueryError(f"a fuzzy word may differ by 0 to {MOST_EDITS} letters, not {distance}")
    return expand(segments, Levenshtein(fold(surface_of(word)), distance), limit=limit)


def by_edits(segments: Sequence[KeywordSegment], word: str, distance: int) -> list[list[Selection]]:
    """``expand_fuzzy`` by nearness: for each segment what the words at 0, 1 and so on edits select."""
    written = fold(surface_of(word))
    key = written.encode("utf-8", "replace")
    within = [_bounded(segments, Levenshtein(written, distance), MOST_WORDS)]
    for edits in range(distance - 1, 0, -1):
        within.insert(0, _near(segments, Levenshtein(written, edits), within[0]))
    if distance:
        found = [segment.words.find(key) for segment in segments]
        within.insert(0, [np.array([number] if number >= 0 else [], np.int64) for number in found])
    levels: list[list[Selection]] = []
    for segment, *nested in zip(segments, *within, strict=True):
        apart = (np.setdiff1d(own, nearer, assume_unique=True) for nearer, own in pairwise(([], *nested)))
        levels.append([_forms_of(segment, own) for own in apart])
    return levels


def expand(segments: Sequence[KeywordSegment], automaton: Automaton, *, limit: int = MOST_WORDS) -> list[Selection]:
    """What the folded words that ``automaton`` accepts select in each segment.

    Raises QueryError past ``limit`` words.
    """
    found = _bounded(segments, automaton, limit)
    return [_forms_of(segment, numbers) for segment, numbers in zip(segments, found, strict=True)]


def _bounded(segments: Sequence[KeywordSegment], automaton: Automaton, limit: int) -> list[NDArray[np.int64]]:
    """The numbers of the folded words that ``automaton`` accepts in each segment, not more than ``limit`` words."""
    found: list[NDArray[np.int64]] = []
    words: set[bytes] = set()
    every = _nearest(segments, automaton) if isinstance(automaton, Levenshtein) else None
    for place, segment in enumerate(segments):
        deadline.check()
        numbers = matching_words(segment, automaton, limit) if every is None else every[place]
        if len(numbers) <= limit and len(segments) > 1:
            words.update(segment.words[number] for number in numbers.tolist())
        if len(numbers) > limit or len(words) > limit:
            raise QueryError(f"'{automaton.text}' stands for more than {limit:,} different words; add letters")
        found.append(numbers)
    return found


def matching_words(segment: KeywordSegment, automaton: Automaton, most: int = _NO_LIMIT) -> NDArray[np.int64]:
    """The numbers of the folded words that an automaton accepts. Of more than ``most``, some may be left out."""
    all_ends = segment.part["words_ends"]
    numbers = segment.words.prefix_range(automaton.prefix.encode("utf-8", "replace"))
    if automaton.prefix_only:
        return np.arange(numbers.start, numbers.stop)
    ends = all_ends[numbers.start : numbers.stop].astype(np.int64)
    first = int(all_ends[numbers.start - 1]) if numbers.start else 0
    starts = np.concatenate(([first], ends[:-1])) if len(ends) else ends
    return accepted(automaton, segment.part["words_blob"], starts, ends, most) + numbers.start


def _nearest(segments: Sequence[KeywordSegment], automaton: Levenshtein) -> list[NDArray[np.int64]]:
    """The numbers of the folded words of each segment that so many edits make of another."""
    return _near(segments, automaton, [_alike(one, automaton.word, automaton.distance) for one in segments])


def _near(
    segments: Sequence[KeywordSegment], automaton: Levenshtein, numbers: Sequence[NDArray[np.int64]]
) -> list[NDArray[np.int64]]:
    """Those of some folded words of each segment. All are read in one pass: each costs as much as many words."""
    blobs, sizes = [np.empty(0, np.uint8)], [np.empty(0, np.int64)]
    for segment, own in zip(segments, numbers, strict=True):
        deadline.check()
        all_ends = segment.part["words_ends"]
        ends = all_ends[own].astype(np.int64)
        lengths = ends - np.where(own > 0, all_ends[own - 1], 0).astype(np.int64)
        blobs.append(segment.part["words_blob"][ranges(ends - lengths, lengths)])
        sizes.append(lengths)
    lengths = np.concatenate(sizes)
    ends = np.cumsum(lengths)
    near = np.zeros(len(ends), np.bool_)
    near[accepted(automaton, np.concatenate(blobs), ends - lengths, ends, _NO_LIMIT)] = True
    masks = np.split(near, np.cumsum([len(own) for own in numbers], dtype=np.int64))
    return [own[mask] for own, mask in zip(numbers, masks, strict=False)]  # behind the last one nothing is left


def _alike(segment: KeywordSegment, word: str, edits: int) -> NDArray[np.int64]:
    """The numbers of the folded words that so many edits may make of another, by the letters that they have."""
    key = np.frombuffer(word.encode("utf-8", "replace"), np.uint8)
    if not len(key):
        return np.arange(len(segment.words))
    changed = segment.word_letters ^ letter_bits(key, np.array([len(key)]))[0]
    return np.flatnonzero(np.bitwise_count(changed) <= 2 * edits)


def _runs(starts: Array, numbers: Array) -> NDArray[np.int64]:
    """The items of the given runs of a CSR, one run after another."""
    counts = starts[numbers + 1].astype(np.int64) - starts[numbers]
    offsets = np.cumsum(counts) - counts
    return np.repeat(starts[numbers].astype(np.int64) - offsets, counts) + np.arange(int(counts.sum()))


def _forms_of(segment: KeywordSegment, words: NDArray[np.int64]) -> Selection:
    starts = segment.form_starts
    forms = np.sort(segment.word_forms[_runs(segment.word_form_starts, words)].astype(starts.dtype))
    tids = starts.searchsorted(forms, "right") - 1
    heads = np.flatnonzero(np.diff(tids, prepend=-1))
    own = tids[heads]
    selection: Selection = dict.fromkeys(own.tolist())
    counts = np.diff(heads, append=len(tids))
    for i in np.flatnonzero(counts < starts[own + 1] - starts[own]).tolist():
        tid = int(own[i])
        selection[tid] = (forms[heads[i] : heads[i] + counts[i]] - starts[tid]).astype(np.uint16)
    return selection


def exact(segment: KeywordSegment, surface: str, analysis: Analysis) -> tuple[int, list[int]] | None:
    """(term id, codes) of one token of a language in the letters and signs as written, also where a sign of another
    kind stands by it: "100" is in "$100" and "100%", but "C" is not in "C++". None where no article has it."""
    surface, _, term = analyze_token(surface, analysis)
    tid = segment.find(TEXT_SPACE, term)
    if tid < 0:
        return None
    first, last = int(segment.form_starts[tid]), int(segment.form_starts[tid + 1])
    found = []
    for spelling in (surface, *(sign + surface for sign in _SIGNS_BEFORE), surface + "%"):
        form = segment.surfaces.find(spelling.encode("utf-8", "replace"), first, last)
        if form >= 0:
            found.append(form - first)
    return (tid, sorted(found)) if found else None


def suggest(segments: Sequence[KeywordSegment], word: str, *, known: bool = False) -> str | None:
    """A likelier spelling of a folded word, as most often written; None for a word that exists (unless ``known``) or
    without a neighbour.

    Weighs how often a word occurs against how far it is: up to 2 edits, 1 for words of 3 to 7 letters; two letters
    swapped count as one edit.
    """
    key = word.encode("utf-8", "replace")
    if len(word) < _SHORTEST_ONE_EDIT or word.isdigit():
        return None
    if not known and any(segment.words.find(key) >= 0 for segment in segments):
        return None
    most = 2 if len(word) >= _SHORTEST_TWO_EDITS else 1
    counts: Counter[bytes] = Counter()
    near: set[bytes] = {_swapped(word, i).encode("utf-8", "replace") for i in range(len(word) - 1)}
    for segment in segments:
        for other in near:
            number = segment.words.find(other)
            if number >= 0:
                counts[other] += int(segment.word_counts[number])
    swaps = set(counts)
    every = _nearest(segments, Levenshtein(word, most))
    within_one = _near(segments, Levenshtein(word, 1), every) if most > 1 else every
    for segment, numbers, nearer in zip(segments, every, within_one, strict=True):
        deadline.check()
        close = set(nearer.tolist())
        for number in numbers.tolist():
            other = segment.words[number]
            if other not in swaps:
                counts[other] += int(segment.word_counts[number])
            if number in close:
                near.add(other)

    def worth(other: bytes) -> float:
        edits = 1 if other in near else 2
        first_letter = 0.0 if other[:1] == key[:1] else _FIRST_LETTER_PENALTY
        return float(np.log(counts[other])) - _EDIT_PENALTY * edits - first_letter

    counts.pop(key, None)
    best = min(counts, key=lambda other: (-worth(other), other), default=None)
    return None if best is None else _as_written(segments, best)


def _swapped(word: str, at: int) -> str:
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _spellings(segments: Sequence[KeywordSegment], word: bytes) -> Iterator[tuple[str, int]]:
    for segment in segments:
        number = segment.words.find(word)
        if number < 0:
            continue
        for tid, own in _forms_of(segment, np.array([number])).items():  # several, where languages have the word
            forms, codes = segment.forms(tid), segment.codes(tid)
            counts = np.bincount(codes, minlength=len(forms)) if codes is not None else [segment.frequency(tid)]
            for code in range(len(forms)) if own is None else own.tolist():
                yield forms[code].removeprefix(SPELLED_OUT), int(counts[code])


def _as_written(segments: Sequence[KeywordSegment], word: bytes) -> str:
    """The most frequent spelling of a word, less possessives; its plain lower case if that is at all usual."""
    spelled: Counter[str] = Counter()
    for surface, count in _spellings(segments, word):
        spelled[surface[:-2] if surface.endswith(("'s", "'S")) else surface] += count
    plain = word.decode("utf-8", "replace")
    if spelled[plain] >= _PLAIN_SHARE * spelled.total():
        return plain
    return min(spelled, key=lambda surface: (-spelled[surface], surface))

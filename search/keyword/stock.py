"""The nodes of stock Whoosh that ``match`` leaves out: terms and what expands to terms, ranges, every, and spans.

What has no method here is left to Whoosh's matchers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from whoosh import query as whoosh

from search.errors import QueryError
from search.keyword import expand
from search.keyword.analysis import VALUE_MARK
from search.keyword.automata import Automaton, Levenshtein, Wildcard
from search.keyword.layout import KeywordSegment
from search.keyword.lookup import FIELDS, docs_in, text_of
from search.keyword.packing import term_key
from search.keyword.regex import Regex
from search.keyword.stock_spans import has_spans, spans
from search.storage.columns import MISSING_INSTANT, instant

if TYPE_CHECKING:
    from search.keyword.match import Mask, Matcher, Walk

MOST_TERMS = 20_000


def fill(matcher: Matcher, node: whoosh.Query, within: Mask, out: Mask) -> Walk:
    """As ``Matcher.fill``, for stock nodes."""
    if node is whoosh.NullQuery:
        return
    if isinstance(node, whoosh.Otherwise):
        # Whether the first has any match is asked of all articles, not only of those in question.
        first = matcher.nothing()
        yield matcher.fill(node.a, matcher.view.visible, first)
        first &= matcher.view.visible
        if first.any():
            out |= first
        else:
            yield matcher.fill(node.b, within, out)
    elif isinstance(node, whoosh.Every) or (isinstance(node, whoosh.Prefix) and not node.text):
        _every(matcher, node.fieldname, out)
    elif isinstance(node, whoosh.DateRange):
        _dates(matcher, node, out)
    elif isinstance(node, whoosh.NumericRange):
        _numbers(matcher, node, out)
    elif isinstance(node, (whoosh.Term, whoosh.MultiTerm)):
        _terms(matcher, node, out)
    elif has_spans(node):
        for segment, base in matcher.segments:
            for block in matcher.proximity.blocks(segment, base, within):
                out[spans(node, block).starts // block.stride] = True
    else:
        by_whoosh(matcher, node, out)


def by_whoosh(matcher: Matcher, node: whoosh.Query, out: Mask) -> None:
    """Ask Whoosh's own matchers, segment by segment."""
    try:
        for leaf, offset in matcher.view.searcher.leaf_searchers():
            for row in node.docs(leaf):
                out[row + offset] = True
    except RecursionError:
        raise QueryError("the query is nested too deep") from None
    except QueryError:
        raise
    except Exception as error:  # Whoosh raises plain exceptions, KeyErrors and errors of its own
        raise QueryError(f"cannot evaluate {type(node).__name__}: {error}") from error


def _every(matcher: Matcher, name: str | None, out: Mask) -> None:
    if name is None:
        out |= matcher.view.visible
        return
    field = FIELDS.get(name)
    if field is None:
        return
    for segment, base in matcher.segments:
        own = out[base : base + len(segment)]
        if field[1] is not None:
            own |= segment.lengths[:, field[1]] > 0
        else:
            for tid in segment.prefix_range(field[0], ""):
                own[segment.docs(tid)] = True


def _dates(matcher: Matcher, node: Any, out: Mask) -> None:
    if node.fieldname != "published":
        raise QueryError(f"dates are those of 'published', not of {node.fieldname!r}")
    published = matcher.index.columns.published
    found = published != MISSING_INSTANT
    for moment, excluded, below in ((node.startdate, node.startexcl, True), (node.enddate, node.endexcl, False)):
        if moment is not None:
            value = instant(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
            found &= _compare(published, value, excluded, below)
    out |= found


def _numbers(matcher: Matcher, node: Any, out: Mask) -> None:
    if node.fieldname != "length":
        raise QueryError(f"the field with numbers is 'length', not {node.fieldname!r}")
    for segment, base in matcher.segments:
        lengths = segment.lengths[:, -1].astype(np.int64)
        found = np.ones(len(segment), bool)
        for value, excluded, below in ((node.start, node.startexcl, True), (node.end, node.endexcl, False)):
            if value is not None:
                found &= _compare(lengths, value, excluded, below)
        out[base : base + len(segment)] |= found


def _compare(values: NDArray[Any], bound: float, excluded: bool, below: bool) -> Mask:
    if below:
        return values > bound if excluded else values >= bound
    return values < bound if excluded else values <= bound


def _terms(matcher: Matcher, node: Any, out: Mask) -> None:
    field = FIELDS.get(node.field())
    if field is None:
        return
    for segment, base in matcher.segments:
        for tid in tids(node, segment, field[0]):
            out[docs_in(segment, tid, field[1]) + base] = True


def tids(node: Any, segment: KeywordSegment, space: int) -> Iterable[int]:
    """The ids of the terms of a space that a Term, or a node that expands to terms, stands for.

    Raises QueryError where there are more than MOST_TERMS.
    """
    found: Iterable[int]
    if isinstance(node, whoosh.Term):
        found = [segment.find(space, text_of(node.text))]
    elif isinstance(node, whoosh.Prefix):
        found = _words_from(segment, space, text_of(node.text))
    elif isinstance(node, whoosh.TermRange):
        found = _between(node, segment, space)
    elif isinstance(node, whoosh.FuzzyTerm):
        found = _fuzzy(node, segment, space)
    elif isinstance(node, whoosh.Variations):
        found = sorted({segment.find(space, form) for form in whoosh.terms.variations(node.text)})
    elif isinstance(node, (whoosh.Wildcard, whoosh.Regex)):
        found = _pattern(node, segment, space)
    else:
        raise QueryError(f"cannot expand {type(node).__name__}")
    found = [tid for tid in found if tid >= 0]
    if len(found) > MOST_TERMS:
        raise QueryError(f"{node!r} stands for {len(found):,} words; at most {MOST_TERMS:,} are looked up")
    return found


def _words_from(segment: KeywordSegment, space: int, prefix: str) -> range:
    """The terms that start with a prefix, whole values aside."""
    found = segment.prefix_range(space, prefix)
    return range(max(found.start, segment.prefix_range(space, VALUE_MARK).stop), found.stop) if not prefix else found


def _between(node: Any, segment: KeywordSegment, space: int) -> range:
    everything = _words_from(segment, space, "")
    start, stop = everything.start, everything.stop
    if node.start is not None:
        key = term_key(space, text_of(node.start)) + (b"\0" if node.startexcl else b"")
        start = max(start, segment.terms.lower_bound(key))
    if node.end is not None:
        key = term_key(space, text_of(node.end)) + (b"" if node.endexcl else b"\0")
        stop = min(stop, segment.terms.lower_bound(key))
    return range(start, max(start, stop))


def _fuzzy(node: Any, segment: KeywordSegment, space: int) -> Iterable[int]:
    found = expand.matching_terms(segment, space, Levenshtein(node.text, int(node.maxdist)))
    shared = segment.prefix_range(space, node.text[: node.prefixlength])
    return [tid for tid in found.tolist() if tid in shared]


def _pattern(node: Any, segment: KeywordSegment, space: int) -> Iterable[int]:
    automaton: Automaton
    if isinstance(node, whoosh.Regex):
        # As Whoosh matches: the beginning of a word is enough, unless the expression says where it ends.
        pattern = node.text.removeprefix("^").removeprefix("\\A")
        ended = pattern.endswith("$") and not pattern.endswith("\\$")
        automaton = Regex(f"(?:{pattern.removesuffix('$')})" if ended else f"(?:{pattern}).*")
    elif "[" in node.text:
        automaton = Regex(_globbed(node.text))
    else:
        automaton = Wildcard(node.text)
    return [int(tid) for tid in expand.matching_terms(segment, space, automaton)]


def _globbed(pattern: str) -> str:
    """A glob with sets as a regular expression."""

    def piece(found: re.Match[str]) -> str:
        part = found[0]
        if len(part) > 1:
            return "[" + ("^" + part[2:] if part[1] == "!" else part[1:]).replace("\\", "\\\\")
        return {"*": ".*", "?": "."}.get(part, part if part.isalnum() else "\\" + part)

    return re.sub(r"\[!?\]?[^\]]*\]|.", piece, pattern, flags=re.DOTALL)

"""Which articles satisfy a leaf of Whoosh's, by Whoosh's own expansion and matchers, at a cost that is bounded."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from whoosh import query as whoosh
from whoosh.searching import SearchContext

from search import deadline
from search.errors import QueryError, SearchError
from search.keyword.match.view import View
from search.keyword.tree import Foreign
from search.keyword.whoosh.patterns import Bounded, bounded

MOST_TERMS = 20_000  # that one query may stand for
MOST_POSTINGS = 200_000  # of the words of one query that Whoosh's matchers walk through, one by one: seconds
# No scores; Or as a tree of unions: the arrays that Whoosh prefers in small indexes forget documents.
_CONTEXT = SearchContext(needs_current=True, weighting=None)


def match(view: View, query: whoosh.Query) -> NDArray[np.bool_]:
    """bool[N]: the articles that satisfy a leaf; hidden ones may be among them.

    Raises QueryError for one that Whoosh cannot evaluate, or only at unreasonable cost.
    """
    try:
        return _match(view, query)
    except RecursionError:
        raise QueryError("the query is nested too deep") from None
    except SearchError:
        raise
    except Exception as error:  # Whoosh raises plain exceptions, KeyErrors and errors of its own
        reason = str(error) or type(error).__name__
        raise QueryError(f"Whoosh cannot evaluate {type(query).__name__}: {reason}") from error


def _match(view: View, query: whoosh.Query) -> NDArray[np.bool_]:
    query = bounded(query)
    if isinstance(query, whoosh.Otherwise):
        # Whether the first has any match is asked of all articles, not of each segment.
        preferred = view.match(Foreign(query.a))
        return preferred if preferred.any() else view.match(Foreign(query.b))
    mask = np.zeros(len(view.index), bool)
    leaves = view.searcher.leaf_searchers()
    if isinstance(query, whoosh.Every):
        for leaf, offset in leaves:
            rows = leaf.reader().segment().rows_with(query.fieldname)
            mask[rows + offset] = True
    elif _is_terms(query):
        seen: set[bytes] = set()
        for leaf, offset in leaves:
            reader = leaf.reader()
            terms = list(islice(_terms(query, reader), MOST_TERMS + 1))
            seen.update(terms)
            if len(seen) > MOST_TERMS:
                raise QueryError(f"{query!r} stands for more than {MOST_TERMS:,} words; make it more specific")
            for term in terms:
                deadline.check()
                mask[reader.segment().rows(query.field(), term) + offset] = True
    else:
        _check_cost(view, query)
        for leaf, offset in leaves:
            matcher = query.matcher(leaf, _CONTEXT)
            for row in matcher.all_ids():
                deadline.check()
                mask[row + offset] = True
    return mask


def _is_terms(query: whoosh.Query) -> bool:
    """Whether a query is a union of terms and nothing else: a class that is not Whoosh's own may match otherwise."""
    known = type(query).__module__.startswith("whoosh.query") or isinstance(query, Bounded)
    return known and isinstance(query, whoosh.Term | whoosh.MultiTerm)


def _terms(query: Any, reader: Any) -> Iterator[bytes]:
    if query.field() not in reader.schema:
        return iter(())
    if isinstance(query, whoosh.Term):
        try:
            return iter([reader.schema[query.fieldname].to_bytes(query.text)])
        except ValueError:  # no number, where the field has numbers
            return iter(())
    return map(reader.schema[query.field()].to_bytes, query._btexts(reader))  # FuzzyTerm gives texts


def _check_cost(view: View, query: whoosh.Query) -> None:
    reader = view.searcher.reader()
    postings = 0
    for terms, (field, text) in enumerate(query.iter_all_terms(), 1):
        if field in reader.schema:
            postings += reader.doc_frequency(field, text)
        if terms > MOST_TERMS or postings > MOST_POSTINGS:
            raise QueryError(
                f"the words of {type(query).__name__} occur too often: Whoosh would walk through more than "
                f"{MOST_POSTINGS:,} postings; ask for rarer words, or in the query language, which has no such bound"
            )

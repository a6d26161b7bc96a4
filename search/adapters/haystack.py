"""A Haystack component over an archive."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from search.adapters.passages import Found, Retrieval, Source
from search.archive import Archive
from search.errors import MissingExtraError, UsageError
from search.query.comparisons import node
from search.records import All, Any_, Compare, Condition, Not

try:
    from haystack import Document, component, default_from_dict, default_to_dict
except ImportError as error:
    raise MissingExtraError("haystack-ai", "haystack") from error

_OPERATORS = {
    "==": "eq",
    "!=": "ne",
    ">": "gt",
    ">=": "gte",
    "<": "lt",
    "<=": "lte",
    "in": "in",
    "not in": "nin",
}
_FIELDS = {"article_id": "id", "authors": "author"}
_DEEPEST = 20


@component
class BroadsheetRetriever:
    """The best ``top_k`` passages of an archive as documents.

    ``archive`` is a path, opened by ``warm_up`` or at the first question, or an open ``Archive``; only its path is
    serialised. ``settings`` are those of ``Archive.search``. ``filters`` are Haystack's, over meta.source, author(s),
    section, language, agency, title, article_id, published and length; those of a call replace those of the component.
    To load a pipeline that holds it:
    ``Pipeline.loads(text, allowed_modules=["search.adapters.*"])``.
    """

    def __init__(
        self,
        archive: Archive | str | Path,
        top_k: int = 10,
        filters: dict[str, Any] | None = None,
        model: str | None = None,
        **settings: Any,
    ) -> None:
        self.filters = filters
        self._retrieval = Retrieval(limit=top_k, filters=comparisons(filters), settings=settings)
        self._source = Source(archive, model)

    def warm_up(self) -> None:
        """Open the archive."""
        self._source.archive()

    def to_dict(self) -> dict[str, Any]:
        """The component as Haystack serialises it."""
        found: dict[str, Any] = default_to_dict(
            self,
            archive=self._source.path,
            top_k=self._retrieval.limit,
            filters=self.filters,
            model=self._source.model,
            **{
                name: str(value) if isinstance(value, str) else value
                for name, value in self._retrieval.settings.items()
            },
        )
        return found

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> BroadsheetRetriever:
        """A component from ``to_dict``."""
        found: BroadsheetRetriever = default_from_dict(cls, data)
        return found

    @component.output_types(documents=list[Document])
    def run(self, query: str, filters: dict[str, Any] | None = None, top_k: int | None = None) -> dict[str, Any]:
        """``{"documents": [...]}``, best first. Raises QueryError for a query that does not parse, UsageError for
        filters that cannot be served."""
        found = self._source.find(query, self._asked(filters, top_k))
        return {"documents": [_document(one) for one in found]}

    @component.output_types(documents=list[Document])
    async def run_async(
        self, query: str, filters: dict[str, Any] | None = None, top_k: int | None = None
    ) -> dict[str, Any]:
        """``run`` without blocking the event loop."""
        found = await self._source.afind(query, self._asked(filters, top_k))
        return {"documents": [_document(one) for one in found]}

    def _asked(self, filters: dict[str, Any] | None, top_k: int | None) -> Retrieval:
        return self._retrieval.override(top_k, comparisons(filters), {})


def comparisons(filters: Mapping[str, Any] | None) -> Condition | None:
    """Haystack's filters as a tree of comparisons; None and {} are no condition. Raises UsageError for what has no
    place in an archive."""
    if not filters:
        return None
    tree = _tree(filters, 0)
    node(tree, datetime.now(UTC))  # what cannot be served is told when it is set
    return tree


def _tree(filters: Any, depth: int) -> Condition:
    if not isinstance(filters, Mapping) or "operator" not in filters:
        raise UsageError("a Haystack filter has an operator, and a field and a value or conditions")
    if depth > _DEEPEST:
        raise UsageError(f"filters are nested more than {_DEEPEST} deep; flatten them")
    operator = filters["operator"]
    if "field" in filters:
        if operator not in _OPERATORS:
            raise UsageError(f"{operator!r} is not a comparison; use one of {', '.join(_OPERATORS)}")
        if "value" not in filters:
            raise UsageError(f"the filter on {filters['field']!r} has no value")
        name = str(filters["field"]).removeprefix("meta.")
        return Compare(_FIELDS.get(name, name), _OPERATORS[operator], filters["value"])
    conditions = filters.get("conditions")
    if operator not in ("AND", "OR", "NOT") or not isinstance(conditions, list):
        raise UsageError("conditions is a list, joined by the operator AND, OR or NOT")
    trees = [_tree(one, depth + 1) for one in conditions]
    return Any_(trees) if operator == "OR" else Not(All(trees)) if operator == "NOT" else All(trees)


def _document(found: Found) -> Document:
    return Document(id=found.id, content=found.passage.text, meta=found.metadata(), score=found.hit.score)

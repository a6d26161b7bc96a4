"""A LangChain retriever over an archive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from search.adapters.passages import SETTINGS, Conditions, Found, Retrieval, Source
from search.archive import Archive
from search.declarations import Setting
from search.errors import MissingExtraError

try:
    from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
    from langchain_core.documents import Document
    from langchain_core.retrievers import BaseRetriever
    from pydantic import Field, PrivateAttr, create_model
except ImportError as error:
    raise MissingExtraError("langchain-core", "langchain") from error


def _field(setting: Setting) -> Any:
    """A setting as pydantic has it."""
    if setting.many:
        return list[str] | None, Field(setting.default, description=setting.help)
    if issubclass(setting.kind, str):
        return str | None, Field(setting.default and str(setting.default), description=setting.help)
    return setting.kind, Field(setting.default, description=setting.help)


_columns: dict[str, Any] = {one.name: _field(one) for one in SETTINGS}
_Settings: Any = create_model("_Settings", __base__=BaseRetriever, **_columns)


class BroadsheetRetriever(_Settings):  # type: ignore[misc]
    """The best ``k`` passages of an archive as documents, with ids, scores and offsets in their metadata.

    ``archive`` is a path, opened at the first question, or an open ``Archive``. ``filters`` are ``Filters`` or a tree
    of comparisons; the other fields are settings of ``Archive.search``, ``passages`` being how many one article may
    give. Every setting but the archive can be given for one call: ``retriever.invoke("ceasefire", k=3,
    filters=Filters(sources=["IANS"]))``. Raises QueryError for a query that does not parse (``literal=True`` takes
    every sign as it stands), UsageError for a setting out of range.
    """

    archive: Any = Field(exclude=True)
    model: str | None = None
    k: int = 4
    filters: Any = None
    _source: Source = PrivateAttr()

    def __init__(self, archive: Archive | str | Path, **settings: Any) -> None:
        settings["archive"] = archive
        super().__init__(**settings)
        self._source = Source(archive, self.model)
        self.archive = self._source.path

    def _retrieval(self, k: int | None, filters: Conditions | None, given: dict[str, Any]) -> Retrieval:
        own = {one.name: getattr(self, one.name) for one in SETTINGS}
        return Retrieval(limit=self.k, filters=self.filters, settings=own).override(k, filters, given)

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
        k: int | None = None,
        filters: Conditions | None = None,
        **given: Any,
    ) -> list[Document]:
        found = self._source.find(query, self._retrieval(k, filters, given))
        return [_document(one) for one in found]

    async def _aget_relevant_documents(
        self,
        query: str,
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun,
        k: int | None = None,
        filters: Conditions | None = None,
        **given: Any,
    ) -> list[Document]:
        found = await self._source.afind(query, self._retrieval(k, filters, given))
        return [_document(one) for one in found]


def _document(found: Found) -> Document:
    return Document(id=found.id, page_content=found.passage.text, metadata=found.metadata())

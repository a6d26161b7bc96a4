"""A LangChain retriever over an archive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from search.adapters.passages import Conditions, Found, Retrieval, Source
from search.archive import Archive
from search.errors import MissingExtraError
from search.records import Mode

try:
    from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
    from langchain_core.documents import Document
    from langchain_core.retrievers import BaseRetriever
    from pydantic import Field, PrivateAttr
except ImportError as error:
    raise MissingExtraError("langchain-core", "langchain") from error


class BroadsheetRetriever(BaseRetriever):
    """The best ``k`` passages of an archive as documents, with ids, scores and offsets in their metadata.

    ``archive`` is a path, opened at the first question, or an open ``Archive``. ``filters`` are ``Filters`` or a tree
    of comparisons; ``passages`` is how many one article may give. Every setting but the archive can be given for one
    call: ``retriever.invoke("ceasefire", k=3, filters=Filters(sources=["IANS"]))``. Raises QueryError for a query that
    does not parse (``literal=True`` takes every sign as it stands), UsageError for a setting out of range.
    """

    archive: Any = Field(exclude=True)
    model: str | None = None
    k: int = 4
    mode: str = str(Mode.AUTO)
    filters: Any = None
    as_of: str | None = None
    recency: str | None = None
    passages: int = 1
    literal: bool = False
    _source: Source = PrivateAttr()

    def __init__(self, archive: Archive | str | Path, **settings: Any) -> None:
        settings["archive"] = archive
        super().__init__(**settings)
        self._source = Source(archive, self.model)
        self.archive = self._source.path

    def _retrieval(self, **given: Any) -> Retrieval:
        own = Retrieval(
            limit=self.k,
            mode=self.mode,
            filters=self.filters,
            as_of=self.as_of,
            recency=self.recency,
            passages=self.passages,
            literal=self.literal,
        )
        return own.override(given)

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
        k: int | None = None,
        mode: str | None = None,
        filters: Conditions | None = None,
        as_of: str | None = None,
        recency: str | None = None,
        passages: int | None = None,
        literal: bool | None = None,
    ) -> list[Document]:
        retrieval = self._retrieval(
            limit=k, mode=mode, filters=filters, as_of=as_of, recency=recency, passages=passages, literal=literal
        )
        return [_document(found) for found in self._source.find(query, retrieval)]

    async def _aget_relevant_documents(
        self,
        query: str,
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun,
        k: int | None = None,
        mode: str | None = None,
        filters: Conditions | None = None,
        as_of: str | None = None,
        recency: str | None = None,
        passages: int | None = None,
        literal: bool | None = None,
    ) -> list[Document]:
        retrieval = self._retrieval(
            limit=k, mode=mode, filters=filters, as_of=as_of, recency=recency, passages=passages, literal=literal
        )
        return [_document(found) for found in await self._source.afind(query, retrieval)]


def _document(found: Found) -> Document:
    return Document(id=found.id, page_content=found.passage.text, metadata=found.metadata())

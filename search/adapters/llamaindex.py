"""A LlamaIndex retriever over an archive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from search.adapters.passages import SETTINGS, Conditions, Found, Retrieval, Source
from search.archive import Archive
from search.errors import MissingExtraError

try:
    from llama_index.core.base.base_retriever import BaseRetriever
    from llama_index.core.schema import NodeRelationship, NodeWithScore, QueryBundle, RelatedNodeInfo, TextNode
except ImportError as error:
    raise MissingExtraError("llama-index-core", "llamaindex") from error

_SHOWN = ("title", "source", "published", "authors", "url")


class BroadsheetRetriever(BaseRetriever):
    """The best ``top_k`` passages of an archive as nodes: offsets in the node, the article as its source.

    ``archive`` is a path, opened at the first question, or an open ``Archive``; ``settings`` are those of
    ``Archive.search`` (``passages``: how many one article may give), and LlamaIndex's own. The score is the article's
    in the ranking. A model is shown title, source, date, authors and url of the metadata. Raises QueryError for a query
    that does not parse (``literal=True`` takes every sign as it stands), UsageError for a setting out of range.
    """

    def __init__(
        self,
        archive: Archive | str | Path,
        *,
        top_k: int = 4,
        filters: Conditions | None = None,
        model: str | None = None,
        **settings: Any,
    ) -> None:
        asked = {one.name: settings.pop(one.name) for one in SETTINGS if one.name in settings}
        self._source = Source(archive, model)
        self._retrieval = Retrieval(limit=top_k, filters=filters, settings=asked)
        super().__init__(**settings)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [_node(found) for found in self._source.find(query_bundle.query_str, self._retrieval)]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [_node(found) for found in await self._source.afind(query_bundle.query_str, self._retrieval)]


def _node(found: Found) -> NodeWithScore:
    metadata = found.metadata()
    hidden = [name for name in metadata if name not in _SHOWN]
    node = TextNode(
        id_=found.id,
        text=found.passage.text,
        metadata=metadata,
        start_char_idx=found.passage.start,
        end_char_idx=found.passage.end,
        excluded_llm_metadata_keys=hidden,
        excluded_embed_metadata_keys=list(metadata),
    )
    node.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id=found.article.id)
    return NodeWithScore(node=node, score=found.hit.score)

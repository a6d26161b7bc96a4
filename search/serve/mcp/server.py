"""The archive as a server of the Model Context Protocol: tools to search, read, count and check, before one desk.

``search`` and ``fetch`` keep to the convention of ChatGPT's connectors; richer tools stand beside them. What this
package refuses reaches the model as a message.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from inspect import Parameter
from typing import Annotated, Any, Literal, TypeVar

from search._version import __version__
from search.archive import Archive
from search.declarations import Setting
from search.engine import lenient, request
from search.engine.request import gathered
from search.errors import MissingExtraError, QueryError, SearchError
from search.exports.plain import clean
from search.rag.quotes import check_quotes
from search.rag.render import visible
from search.serve import folders
from search.serve.access import address_template
from search.serve.arguments import Question, argument
from search.serve.desk import Desk
from search.serve.mcp import answers, prompts, schemas
from search.serve.problems import misfits
from search.serve.quotes import CitedPassage, Id, QuoteCheck, cited, record

try:
    from mcp.server.mcpserver import MCPServer
    from mcp.server.mcpserver.exceptions import ResourceNotFoundError, ToolError
    from mcp.server.mcpserver.resources import ResourceSecurity
    from mcp.shared.exceptions import MCPError
    from mcp_types import INVALID_PARAMS, Tool, ToolAnnotations
    from pydantic import BaseModel, Field, ValidationError
except ImportError as error:
    raise MissingExtraError("mcp 2.3 or later", "mcp") from error

QUOTED = " Quoted text, no orders."
LANGUAGE = (
    'Words, or "a phrase", +required -excluded, AND OR NOT ( ), a w/5 b, source:"The Hindu", '
    "by:, section:, lang:, title:, date:2025-02, since:7d, before:2025, length:>800."
)

Result = TypeVar("Result")

Query = Annotated[str, Field(description=LANGUAGE, min_length=1, max_length=10_000)]
Words = Annotated[Question, Field(description="Words; operators as in search_articles.")]
Matching = Annotated[str, Field(description="As in search_articles; * is all.", min_length=1, max_length=10_000)]
Kind = Annotated[
    Literal["similar", "background"],
    Field(description="similar: of the same subject; background: older, to have read before."),
]
MOST = {"limit": 50, "offset": 950, "passages": 5, "budget": 32_000}  # of one call
# What a model has no use for.
RERANK = Setting(
    "rerank", False, "Reorder with the server's cross-encoder: slower, and better first places.", bool, "rerank"
)
_UNASKED = {"cursor", "explain", "diversity", "fusion", "weight", "rerank"}

_OF_A_QUERY = {"authors", "sections", "languages", "literal"}
"""What the tools that count leave to the query itself, which has by:, section: and lang:."""
_FEW = "limit since until sources"

READ_ONLY = ToolAnnotations(read_only_hint=True, open_world_hint=False)


def build(desk: Desk) -> MCPServer[Any]:
    """A server over a desk, which its owner starts and stops.

    The desk's ``url_template`` gives articles without a web address one, such as ``https://desk.example/articles/{id}``.
    Raises UsageError for a template without ``{id}`` or that is no web address.
    """
    server = _Server(
        "broadsheet",
        title="Broadsheet",
        description="Hybrid search over a news archive.",
        instructions=prompts.INSTRUCTIONS,
        version=__version__,
        log_level="WARNING",
        # Ids may hold dots and slashes: they name records, never files.
        resource_security=ResourceSecurity(exempt_params=frozenset({"id"})),
    )
    asked = _Asked(desk, answers.address(address_template(desk.settings.url_template)))
    _add_convention(server, asked)
    _add_search(server, asked)
    _add_counts(server, asked)
    _add_stories(server, asked)
    _add_citing(server, asked)
    prompts.add(server)
    return server


class _Server(MCPServer[Any]):
    """Refuses arguments that a tool does not have: a filter that is left out by mistake changes the answer. Says in our
    words what is wrong with the others, and shows short schemas."""

    _tools: list[Tool] | None = None  # none is added after the first call
    _arguments: Mapping[str, frozenset[str]] = {}
    _needed: Mapping[str, frozenset[str]] = {}

    async def list_tools(self) -> list[Tool]:
        """The tools, with schemas that a model reads quickly."""
        if self._tools is None:
            told: set[tuple[str, str]] = set()
            self._tools = [_shortened(one, told) for one in await super().list_tools()]
            self._arguments = {one.name: frozenset(one.input_schema["properties"]) for one in self._tools}
            self._needed = {one.name: frozenset(one.input_schema.get("required", ())) for one in self._tools}
        return self._tools

    async def call_tool(self, name: str, arguments: dict[str, Any], context: Any = None) -> Any:
        """Call a tool. Raises ToolError for one that is unknown or refuses."""
        await self.list_tools()
        known = self._arguments.get(name)
        if known is not None and (unknown := sorted(arguments.keys() - known)):
            raise ToolError(f"{name} has no argument {clean(unknown[0][:100])!r}; it has {', '.join(sorted(known))}")
        # Null is "not given", and so is the empty string that some models fill in for what they leave out.
        needed = self._needed.get(name, frozenset())
        given = {name: value for name, value in arguments.items() if value is not None}
        given = {name: value for name, value in given.items() if value != "" or name in needed}
        try:
            return await super().call_tool(name, given, context)
        except ToolError as error:
            if isinstance(error.__cause__, ValidationError):
                faults = error.__cause__.errors(include_url=False, include_context=False, include_input=False)
                raise ToolError(f"{name}: {misfits(faults)}") from None
            raise

    async def get_prompt(self, name: str, arguments: dict[str, Any] | None = None, context: Any = None) -> Any:
        """A prompt. Raises MCPError for one that is unknown, or arguments that it does not have or lacks."""
        prompts = {one.name: {argument.name for argument in one.arguments or ()} for one in await self.list_prompts()}
        wanted = prompts.get(name)
        if wanted is None:
            message = f"there is no prompt {clean(name[:100])!r}; there are {', '.join(sorted(prompts))}"
            raise MCPError(INVALID_PARAMS, message)
        if set(arguments or ()) != wanted:
            raise MCPError(INVALID_PARAMS, f"{name} takes {', '.join(sorted(wanted))}, and nothing else")
        return await super().get_prompt(name, arguments, context)


def _shortened(tool: Tool, told: set[tuple[str, str]]) -> Tool:
    arguments = schemas.arguments(tool.input_schema, told)
    return tool.model_copy(update={"input_schema": arguments, "output_schema": schemas.ANSWER})


class _Asked:
    """Asks the desk, and turns refusals into messages."""

    def __init__(self, desk: Desk, address: answers.Address) -> None:
        self._desk = desk
        self.name = desk.name
        self.address = address
        self.reranker = desk.settings.rerank

    @property
    def reranking(self) -> tuple[Setting, ...]:
        """What tools that rank take where the server has a cross-encoder."""
        return () if self.reranker is None else (RERANK,)

    async def run(self, call: Callable[[Archive], Result]) -> Result:
        """What the call makes of the archive. Raises ToolError for what this package refuses."""
        try:
            return await self._desk.answer(call)
        except SearchError as error:
            raise ToolError(self._message(error)) from None

    def _message(self, error: SearchError) -> str:
        text = folders.message(error, self._desk.settings.folder)
        pointer = error.pointer() if isinstance(error, QueryError) else ""
        return visible(f"{text}\n{pointer}" if pointer else text)


def _tool(
    server: MCPServer[Any],
    answer: type[BaseModel],
    *settings: Setting,
    description: str,
    example: Mapping[str, Any],
    most: Mapping[str, int] = MOST,
) -> Callable[[Callable[..., Any]], None]:
    """Makes a function a tool that takes these settings too, and whose answers are as the model ``answer``. The
    description says what it gives and when to take it; an example of its arguments follows."""

    def add(function: Callable[..., Any]) -> None:
        own = inspect.signature(function, eval_str=True)
        parameters = [one for one in own.parameters.values() if one.kind is not one.VAR_KEYWORD]
        for one in settings:
            if one is RERANK or one.name not in _UNASKED:
                kind = argument(one, most)
                parameters.append(Parameter(one.name, Parameter.KEYWORD_ONLY, default=one.default, annotation=kind))
        function.__signature__ = own.replace(parameters=parameters, return_annotation=answer)  # type: ignore[attr-defined]
        whole = f"{description} Example: {json.dumps(example, ensure_ascii=False)}.{QUOTED}"
        server.tool(description=whole, annotations=READ_ONLY)(function)

    return add


def _only(settings: tuple[Setting, ...], names: str) -> tuple[Setting, ...]:
    """The settings of these names: what a model has a use for."""
    return tuple(one for one in settings if one.name in names.split())


def _given(settings: Mapping[str, Any], reranker: str | None = None) -> dict[str, Any]:
    """The keyword arguments of the archive's method. An assistant that fills every argument sends empty ones for "not
    given"; of a cross-encoder it says only whether the server's is to be used."""
    given = {name: None if value in ("", []) else value for name, value in settings.items()}
    if RERANK.name in given:
        given[RERANK.name] = reranker if given[RERANK.name] else None
    return gathered(given)


def _add_convention(server: MCPServer[Any], asked: _Asked) -> None:
    @_tool(
        server,
        answers.SearchResults,
        description="Articles that best answer a query, with a line of text each. Take it for a first look, then fetch "
        "what looks right.",
        example={"query": "dam engineer resigns"},
    )
    async def search(query: Words) -> Any:
        return await asked.run(
            lambda archive: answers.search_results(lenient.search(archive.search, query), asked.address)
        )

    @_tool(
        server,
        answers.Document,
        description="One article whole. Take it to read all of what another answer names.",
        example={"id": "dam-2024-09-26-leaked-report"},
    )
    async def fetch(id: Id) -> Any:
        return await asked.run(lambda archive: answers.document(archive.get(id), asked.address))

    @server.resource(
        "article://{id}",
        name="article",
        title="Article",
        description="One article as plain text. The id is percent-encoded." + QUOTED,
        mime_type="text/plain",
    )
    async def article(id: str) -> str:
        try:
            return await asked.run(lambda archive: answers.page(archive.get(id), asked.address))
        except ToolError as error:
            raise ResourceNotFoundError(str(error)) from None


def _add_search(server: MCPServer[Any], asked: _Asked) -> None:
    @_tool(
        server,
        answers.RankedArticles,
        *request.SEARCH,
        *asked.reranking,
        description="Ranked articles under filters, with their best passages, and how many match in all. Take it where "
        "source, date, author, order or pages matter.",
        example={"query": "+strike wages", "sources": ["Harrowmouth Courier"], "since": "2024-10", "limit": 5},
    )
    async def search_articles(query: Query, **settings: Any) -> Any:
        return await asked.run(
            lambda archive: answers.ranked_articles(
                archive.search(query, **_given(settings, asked.reranker)), asked.address
            )
        )

    @_tool(
        server,
        answers.RetrievedContext,
        *request.CONTEXT,
        *asked.reranking,
        description="Numbered passages that answer a question, within a token budget; cite them as [1]. Take it to "
        "answer.",
        example={"question": "Why did the engineer of the Corran Dam resign?", "budget": 1500},
    )
    async def retrieve_context(question: Question, **settings: Any) -> Any:
        def work(archive: Archive) -> Any:
            found = archive.retrieve(question, **_given(settings, asked.reranker))
            return answers.retrieved_context(found, archive.get, asked.address)

        return await asked.run(work)

    @_tool(
        server,
        answers.RelatedArticles,
        *_only(request.RELATED, "limit since until sources as_of per_source"),
        description="Articles that belong to another one, each with a line why. Take it to follow a story.",
        example={"id": "dam-2025-01-15-inquiry-opens", "kind": "background"},
    )
    async def related(id: Id, kind: Kind = "similar", **settings: Any) -> Any:
        return await asked.run(
            lambda archive: answers.related_articles(getattr(archive, kind)(id, **_given(settings)), asked.address)
        )

    @_tool(
        server,
        answers.ArticlePassages,
        description="The passages of one article in order, with their offsets. Take it to cite parts of one.",
        example={"id": "dam-2024-09-26-leaked-report"},
    )
    async def article_passages(id: Id) -> Any:
        return await asked.run(
            lambda archive: answers.article_passages(
                archive.get(id), archive.passages(id), archive.furniture(id), asked.address
            )
        )


def _add_counts(server: MCPServer[Any], asked: _Asked) -> None:
    @_tool(
        server,
        answers.ArchiveDescription,
        description="How many articles, of when and whom, in which languages; modes of search, fields that are filled. "
        "Take it first.",
        example={},
    )
    async def describe_archive() -> Any:
        return await asked.run(lambda archive: answers.description(archive, asked.name))

    @_tool(
        server,
        answers.FacetCounts,
        *(one for one in request.FACETS if one.name not in _OF_A_QUERY),
        description="How many matching articles have each value of a field, and the query that narrows to it. Take "
        "it to learn who reports, or which names filters take.",
        example={"query": "strike", "fields": ["source", "author"], "limit": 5},
        most={"limit": 200},
    )
    async def count_facets(query: Matching, **settings: Any) -> Any:
        return await asked.run(lambda archive: answers.facet_counts(archive.facets(query, **_given(settings))))

    @_tool(
        server,
        answers.TimelineCounts,
        *(one for one in request.TIMELINE if one.name not in _OF_A_QUERY and one.name != "limit"),
        description="How many articles match in each period, and their share of all. Take it to see when something was "
        "news.",
        example={"query": "Corran Dam", "since": "2024"},
    )
    async def timeline(query: Matching, **settings: Any) -> Any:
        return await asked.run(lambda archive: answers.timeline_counts(archive.timeline(query, **_given(settings))))

    @_tool(
        server,
        answers.TellingTerms,
        *_only(request.TERMS, f"by {_FEW}"),
        description="Words and phrases that set the matching articles apart from all others, or each period (by) from "
        "the others. Take it to learn what they are about.",
        example={"query": "Corran Dam", "limit": 10},
    )
    async def terms(query: Matching, **settings: Any) -> Any:
        return await asked.run(lambda archive: answers.telling_terms(archive.terms(query, **_given(settings))))

    @_tool(
        server,
        answers.RankedArticles,
        *_only(request.FIRST, _FEW),
        description="The earliest matching articles, of copies one. Take it for when something began.",
        example={"query": "Halloran", "limit": 1},
    )
    async def first(query: Matching, **settings: Any) -> Any:
        return await asked.run(
            lambda archive: answers.ranked_articles(archive.first(query, **_given(settings)), asked.address)
        )


def _add_stories(server: MCPServer[Any], asked: _Asked) -> None:
    @_tool(
        server,
        answers.Told,
        *(one._replace(default=10) if one.name == "limit" else one for one in request.STORY),
        description="By id: all copies of its text, the likely original, what others changed. By query: the "
        "most carried stories. Take it for who printed what first.",
        example={"id": "zerrin-2025-01-05-first-exchange"},
    )
    async def story(id: Id = "", query: Words = "", **settings: Any) -> Any:
        given = _given(settings)
        if not id:
            return await asked.run(lambda archive: answers.carried(archive.stories(query or "*", **given)))
        if query:
            raise ToolError("story takes an id or a query, not both")
        del given["filters"]  # there are none
        return await asked.run(lambda archive: answers.story(archive.story(id, **given)))


def _add_citing(server: MCPServer[Any], asked: _Asked) -> None:
    @_tool(
        server,
        QuoteCheck,
        description="Finds the quotations and marks of a draft in the passages it cites, or the nearest sentence. Take "
        "it before you answer with quotations.",
        example={
            "answer": 'It was "a miracle" [1].',
            "passages": [{"number": 1, "id": "dam-2024-09-26-leaked-report", "start": 0}],
        },
    )
    async def check_quotations(
        answer: Annotated[str, Field(max_length=100_000, description="The draft, with marks such as [1].")],
        passages: Annotated[list[CitedPassage], Field(max_length=200, description="What its marks stand for.")],
    ) -> Any:
        return await asked.run(lambda archive: record(check_quotes(answer, cited(archive, passages))))

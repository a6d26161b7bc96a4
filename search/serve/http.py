"""The archive over HTTP: everything the command line reads, as JSON with an OpenAPI document."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from search import shapes
from search._version import __version__
from search.archive import Archive
from search.errors import ArticleNotFound, MissingExtraError, SearchError, ServerError, UsageError
from search.exports import formats, references
from search.query.comparisons import narrowed
from search.query.help import help_text
from search.rag.quotes import check_quotes
from search.records import Filters
from search.serve import problems
from search.serve.guard import Guard, Rules
from search.serve.pool import QueryPool

try:
    from fastapi import APIRouter, Body, FastAPI, Query, Request
    from fastapi.exceptions import RequestValidationError
    from fastapi.middleware.cors import CORSMiddleware
    from fastapi.responses import PlainTextResponse, Response
    from starlette.exceptions import HTTPException

    from search.serve import mcp_answers, quotes, requests, responses, vector_stores
except ImportError as error:
    raise MissingExtraError("fastapi", "server") from error

_EXPORTS = {
    "csv": ("text/csv; charset=utf-8", "hits.csv"),
    "bibtex": ("application/x-bibtex; charset=utf-8", "hits.bib"),
    "ris": ("application/x-research-info-systems; charset=utf-8", "hits.ris"),
}
_FAULTS = {
    400: "The request, or the query in it, cannot be served as asked.",
    401: "The token is missing or wrong.",
    404: "There is no such thing.",
    408: "The request took too long to arrive.",
    413: "The request is too large.",
    421: "The server does not go by that name.",
    431: "The address and the headers are too long.",
    503: "The archive cannot be used, or the server is busy.",
    504: "The answer took too long.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to serve. ``hosts`` None: by any name. ``timeout`` is in seconds, ``largest_body`` in bytes; ``rerank`` names
    the cross-encoder that clients may ask for."""

    folder: Path
    hosts: Sequence[str] | None
    token: str | None = None
    origins: Sequence[str] = ()
    threads: int = 2
    waiting: int = 64
    timeout: float = 10.0
    largest_body: int = 1 << 20
    rerank: str | None = None


class Desk:
    """An open archive and the pool that asks it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.name = settings.folder.resolve().name
        self._archive: Archive | None = None
        self._pool: QueryPool | None = None

    @property
    def archive(self) -> Archive:
        """The archive. Raises ServerError before the start and after the end."""
        if self._archive is None:
            raise ServerError("the server has not started")
        return self._archive

    def start(self) -> None:
        """Open the archive and load what the first query needs. Raises what opening and searching raise."""
        archive = Archive.open(self.settings.folder)
        try:
            archive.search("start", limit=1)
        except BaseException:
            archive.close()
            raise
        self._archive = archive
        self._pool = QueryPool(self.settings.threads, self.settings.waiting, self.settings.timeout)

    def stop(self) -> None:
        """Close the archive, unless a query that nobody waits for is still at work in it."""
        archive, pool = self._archive, self._pool
        self._archive = self._pool = None
        if pool is not None:
            pool.close()
        if archive is not None and (pool is None or pool.idle):
            archive.close()

    async def answer(self, call: Callable[[Archive], Response]) -> Response:
        """What the call makes of the archive, in a thread of the pool."""
        archive = self.archive
        assert self._pool is not None
        return await self._pool.run(lambda: call(archive))


def create_app(settings: Settings) -> Guard:
    """The ASGI application. It opens the archive when it starts, and closes it when it stops."""
    desk = Desk(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        desk.start()
        try:
            yield
        finally:
            desk.stop()

    app = FastAPI(
        title="Broadsheet",
        version=__version__,
        summary="Hybrid search over a news archive",
        docs_url=None,  # these pages load their scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.include_router(_health(desk))
    known: dict[int | str, dict[str, Any]] = {
        code: {"model": responses.Problem, "description": text} for code, text in _FAULTS.items()
    }
    for router in (_searching(desk), _counting(desk), _articles(desk), _assistants(desk)):
        app.include_router(router, prefix="/v1", responses=known)
    _describe(app, secured=settings.token is not None)
    _add_errors(app)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.origins),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type"],
        )
    rules = Rules(
        hosts=settings.hosts,
        token=settings.token,
        largest_body=settings.largest_body,
        body_timeout=settings.timeout,
    )
    return Guard(app, rules)


def _json(value: Any) -> Response:
    return Response(formats.dumps(value), media_type="application/json")


def _health(desk: Desk) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/healthz", response_model=responses.State)
    async def healthz() -> Response:
        """Whether the process answers."""
        return _json({"status": "ok"})

    @router.get("/readyz", response_model=responses.State, responses={503: {"model": responses.Problem}})
    async def readyz() -> Response:
        """Whether the archive can be read and there is room for a query."""

        def ready(archive: Archive) -> Response:
            len(archive)
            return _json({"status": "ready"})

        return await desk.answer(ready)

    return router


def _searching(desk: Desk) -> APIRouter:
    router = APIRouter(tags=["search"])
    others: dict[int | str, dict[str, Any]] = {
        200: {"content": {kind.partition(";")[0]: {"schema": {"type": "string"}} for kind, _ in _EXPORTS.values()}}
    }

    async def search(asked: requests.SearchRequest) -> Response:
        return await desk.answer(lambda archive: _hits(archive, asked))

    @router.get("/search", response_model=responses.Hits | responses.Blocks, responses=others)
    async def get_search(asked: Annotated[requests.SearchRequest, Query()]) -> Response:
        """Ranked hits for a query."""
        return await search(asked)

    @router.post("/search", response_model=responses.Hits | responses.Blocks, responses=others)
    async def post_search(asked: Annotated[requests.SearchBody, Body()]) -> Response:
        """Ranked hits for a query, also under a tree of filters."""
        return await search(asked)

    @router.get("/describe", response_model=responses.Description)
    async def describe(asked: Annotated[requests.DescribeRequest, Query()]) -> Response:
        """What a query means, in words."""
        return await desk.answer(
            lambda archive: _json({"query": asked.q, "description": archive.describe(asked.q, **asked.matching())})
        )

    @router.get("/query-language", response_class=PlainTextResponse)
    async def query_language() -> Response:
        """How to write a query."""
        return PlainTextResponse(help_text())

    return router


def _hits(archive: Archive, asked: requests.SearchRequest) -> Response:
    settings = asked.settings()
    query = asked.q
    filter = asked.filter if isinstance(asked, requests.SearchBody) else None
    if filter is not None:
        query = narrowed(query, requests.tree(filter), literal=asked.literal and bool(query.strip()))
        settings["literal"] = False
    if not query.strip() and asked.filters() == Filters():
        raise UsageError("give q, or a filter such as source or from")
    results = archive.search(query, **settings)
    if asked.format == "json":
        return _json(shapes.results_record(results) | {"notes": list(results.notes)})
    if asked.format == "search_results":
        return _json({"content": shapes.hit_blocks(results)})
    lines = {"csv": lambda hits: [formats.csv_header(), *formats.csv_lines(hits)]} | {
        "bibtex": references.bibtex,
        "ris": references.ris,
    }
    kind, name = _EXPORTS[asked.format]
    text = "".join(f"{line}\n" for line in lines[asked.format](results))
    return Response(text, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _counting(desk: Desk) -> APIRouter:
    router = APIRouter(tags=["counts"])

    async def facets(asked: requests.FacetsRequest) -> Response:
        def call(archive: Archive) -> Response:
            found = archive.facets(
                asked.query_or_everything(), fields=asked.field, limit=asked.limit, **asked.matching()
            )
            return _json(shapes.facets_record(found))

        return await desk.answer(call)

    async def timeline(asked: requests.TimelineRequest) -> Response:
        return await desk.answer(
            lambda archive: _json(
                shapes.timeline_record(archive.timeline(asked.query_or_everything(), by=asked.by, **asked.matching()))
            )
        )

    @router.get("/facets", response_model=responses.Facets)
    async def get_facets(asked: Annotated[requests.FacetsRequest, Query()]) -> Response:
        """Counts of all that matches by source, author, section, agency, language, year and month."""
        return await facets(asked)

    @router.post("/facets", response_model=responses.Facets)
    async def post_facets(asked: Annotated[requests.FacetsRequest, Body()]) -> Response:
        """The same, asked in JSON."""
        return await facets(asked)

    @router.get("/timeline", response_model=responses.Timeline)
    async def get_timeline(asked: Annotated[requests.TimelineRequest, Query()]) -> Response:
        """Counts of all that matches by day, week, month or year."""
        return await timeline(asked)

    @router.post("/timeline", response_model=responses.Timeline)
    async def post_timeline(asked: Annotated[requests.TimelineRequest, Body()]) -> Response:
        """The same, asked in JSON."""
        return await timeline(asked)

    @router.get("/stats")
    async def stats() -> dict[str, Any]:
        """What the archive holds."""

        def call(archive: Archive) -> Response:
            found = archive.stats()
            del found["path"]  # of no use to others, and not theirs to know
            return _json({"name": desk.name, **found})

        return await desk.answer(call)  # type: ignore[return-value]

    return router


def _articles(desk: Desk) -> APIRouter:
    router = APIRouter(tags=["articles"])

    @router.get("/articles", response_model=responses.Articles)
    async def articles(asked: Annotated[requests.ArticlesRequest, Query()]) -> Response:
        """Articles by id; for ids that do not fit into a path."""

        def call(archive: Archive) -> Response:
            found, missing = [], []
            for one in dict.fromkeys(asked.id):
                try:
                    found.append(_article(archive, one, asked.passages))
                except ArticleNotFound:
                    missing.append(one)
            return _json({"articles": found, "missing": missing})

        return await desk.answer(call)

    @router.get("/articles/{id:path}", response_model=responses.Article, response_model_exclude_unset=True)
    async def article(id: str, passages: bool = False) -> Response:
        """One article, with its passages on request."""
        return await desk.answer(lambda archive: _json(_article(archive, id, passages)))

    @router.get("/alerts", response_model=responses.Alerts)
    async def alerts() -> Response:
        """The saved queries."""
        return await desk.answer(
            lambda archive: _json({"alerts": [shapes.alert_record(one) for one in archive.alerts()]})
        )

    @router.get("/alerts/news", response_model=responses.News)
    async def news(asked: Annotated[requests.NewsRequest, Query()]) -> Response:
        """What is new to saved queries since their last run. It stays new: reading records nothing."""

        def call(archive: Archive) -> Response:
            records = [shapes.news_record(one) for one in archive.run_alerts(asked.name, peek=True)]
            for one in records:
                one["articles"] = one["articles"][: asked.limit]
            return _json({"alerts": records})

        return await desk.answer(call)

    return router


def _article(archive: Archive, article_id: str, passages: bool) -> dict[str, Any]:
    found = shapes.article_record(archive.get(article_id))
    if passages:
        found["passages"] = [{"text": p.text, "start": p.start, "end": p.end} for p in archive.passages(article_id)]
    return found


def _assistants(desk: Desk) -> APIRouter:
    router = APIRouter(tags=["assistants"])
    forms = responses.Context | responses.Messages | responses.Blocks
    plain: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}

    async def context(asked: requests.ContextRequest) -> Response:
        if asked.rerank and desk.settings.rerank is None:
            raise UsageError("this server has no cross-encoder; broadsheet serve --rerank MODEL gives it one")
        return await desk.answer(lambda archive: _context(archive, asked, desk.settings.rerank))

    @router.get("/context", response_model=forms, responses=plain)
    async def get_context(asked: Annotated[requests.ContextRequest, Query()]) -> Response:
        """Passages for a model's prompt, within a budget of tokens."""
        return await context(asked)

    @router.post("/context", response_model=forms, responses=plain)
    async def post_context(asked: Annotated[requests.ContextRequest, Body()]) -> Response:
        """The same, asked in JSON."""
        return await context(asked)

    @router.post("/check-quotes", response_model=mcp_answers.QuoteCheck)
    async def check(asked: Annotated[requests.QuotesBody, Body()]) -> Response:
        """Whether each quotation and citation mark of an answer stands in the passages that it cites."""
        return await desk.answer(
            lambda archive: _json(
                mcp_answers.quote_check(check_quotes(asked.answer, quotes.cited(archive, asked.passages))).model_dump()
            )
        )

    @router.post("/vector_stores/{id}/search", response_model=responses.StorePage)
    async def vector_store(id: str, asked: Annotated[vector_stores.StoreSearch, Body()]) -> Response:
        """The archive as OpenAI's clients search a vector store; its id is the archive's name."""
        if id != desk.name:
            return _problem(404, "ArticleNotFound", f"there is no vector store of this id; use {desk.name}")
        return await desk.answer(lambda archive: _json(vector_stores.search(archive, asked)))

    return router


def _context(archive: Archive, asked: requests.ContextRequest, rerank: str | None) -> Response:
    found = archive.retrieve(asked.q, rerank=rerank if asked.rerank else None, **asked.settings())
    if asked.format == "text":
        return PlainTextResponse(found.text())
    if asked.format == "messages":
        return _json({"messages": found.messages()})
    if asked.format == "search_results":
        return _json({"content": shapes.search_result_blocks(found)})
    return _json(shapes.context_record(found))


def _describe(app: FastAPI, *, secured: bool) -> None:
    """Make the OpenAPI document say what is: 400 where FastAPI says 422, and the token where one is asked for."""
    original = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = original()
            for operations in document["paths"].values():
                for operation in operations.values():
                    operation["responses"].pop("422", None)
                    for code, response in operation["responses"].items():
                        if code != "200" and (content := response.get("content")):  # errors are JSON on every path
                            response["content"] = {"application/json": next(iter(content.values()))}
            for name in ("HTTPValidationError", "ValidationError"):
                document.get("components", {}).get("schemas", {}).pop(name, None)
            if secured:
                document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
                document["security"] = [{"token": []}]
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _problem(status: int, kind: str, message: str) -> Response:
    return Response(problems.body(kind, message), status, media_type="application/json")


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(SearchError)
    async def refused(_: Request, error: SearchError) -> Response:
        code = problems.status(error)
        headers = {"Retry-After": str(problems.RETRY_AFTER)} if code in (409, 503, 504) else None
        return Response(problems.of(error), code, media_type="application/json", headers=headers)

    @app.exception_handler(RequestValidationError)
    async def unfit(_: Request, error: RequestValidationError) -> Response:
        return Response(problems.of_validation(error.errors()), 400, media_type="application/json")

    @app.exception_handler(HTTPException)
    async def unserved(_: Request, error: HTTPException) -> Response:
        kind = {404: "PathNotFound", 405: "MethodRefused"}.get(error.status_code, "UsageError")
        found = _problem(error.status_code, kind, str(error.detail))
        found.headers.update(error.headers or {})
        return found

    @app.exception_handler(Exception)
    async def failed(_: Request, error: Exception) -> Response:
        """What nobody expected: the server logs it and does not tell it."""
        return _problem(500, "InternalError", "internal error; the server's log has it. Please report it.")

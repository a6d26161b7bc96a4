"""The paths of the HTTP server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

from search.archive import Archive
from search.declarations import values
from search.errors import ArticleNotFound, MissingExtraError, UsageError
from search.exports import blocks
from search.exports.files import FORMS
from search.query.help import help_text
from search.rag.quotes import check_quotes
from search.records import Answer, Filters, Results
from search.serve import folders, problems
from search.serve.desk import Desk, in_agreement

try:
    from fastapi import APIRouter, Body, Path, Query
    from fastapi.responses import PlainTextResponse, Response

    from search.serve import quotes
    from search.serve.arguments import LONGEST_QUERY
    from search.serve.http import docs, plainly, requests, responses, vector_stores
    from search.serve.http.addresses import described, in_address
except ImportError as error:
    raise MissingExtraError("fastapi", "server") from error


def problem(status: int, kind: str, message: str) -> Response:
    """A fault in the one shape."""
    return Response(problems.body(kind, message), status, media_type="application/json")


def _json(value: Any) -> Response:
    return Response(plainly.dumps(value), media_type="application/json")


def health(desk: Desk) -> APIRouter:
    """Whether the server is there, and whether it can answer."""
    router = APIRouter(tags=["health"])

    @router.head("/healthz", include_in_schema=False)
    @router.get("/healthz", response_model=responses.State)
    async def healthz() -> Response:
        """Whether the process answers."""
        return _json({"status": "ok"})

    @router.head("/readyz", include_in_schema=False)
    @router.get("/readyz", response_model=responses.Ready, responses={503: {"model": responses.Problem}})
    async def readyz() -> Response:
        """Whether the archive can be read, catalog and legs hold as many articles, and there is room for a query."""

        def ready(archive: Archive) -> Response:
            return _json({"status": "ready", "counts": values(in_agreement(archive))})

        return await desk.answer(ready)

    return router


def documentation(document: Callable[[], dict[str, Any]], *, secured: bool) -> APIRouter:
    """The page of the OpenAPI document, and what it loads."""
    router = APIRouter(include_in_schema=False)
    policy = {"Content-Security-Policy": docs.POLICY}

    @router.get(docs.PAGE)
    async def page() -> Response:
        return Response(docs.page(document(), secured=secured), media_type="text/html; charset=utf-8", headers=policy)

    def add(name: str, media: str) -> None:
        @router.get(f"{docs.PAGE}/{name}")
        async def file() -> Response:
            return Response(docs.file(name), media_type=media, headers=policy)

    for name, media in docs.FILES.items():
        add(name, media)
    return router


def searching(desk: Desk) -> APIRouter:
    """Ranked hits, and what a query means."""
    router = APIRouter(tags=["search"])
    others: dict[int | str, dict[str, Any]] = {
        200: {"content": {form.media.partition(";")[0]: {"schema": {"type": "string"}} for form in FORMS.values()}}
    }

    async def search(asked: requests.SearchRequest) -> Response:
        reranker = asked.reranker(desk.settings.rerank)
        return await desk.answer(lambda archive: _hits(archive, asked, reranker))

    @router.get(
        "/search",
        response_model=responses.Hits | responses.Blocks | responses.Receipted,
        responses=others,
        openapi_extra=described(requests.SearchRequest),
    )
    async def get_search(asked: Annotated[requests.SearchRequest, in_address(requests.SearchRequest)]) -> Response:
        """Ranked hits for a query."""
        return await search(asked)

    @router.post("/search", response_model=responses.Hits | responses.Blocks | responses.Receipted, responses=others)
    async def post_search(asked: Annotated[requests.SearchBody, Body()]) -> Response:
        """Ranked hits for a query, also under a tree of filters."""
        return await search(asked)

    @router.get("/describe", response_model=responses.Description, openapi_extra=described(requests.DescribeRequest))
    async def describe(asked: Annotated[requests.DescribeRequest, in_address(requests.DescribeRequest)]) -> Response:
        """What a query means, in words."""
        return await desk.answer(
            lambda archive: _json(
                {"query": asked.q, "description": archive.describe(**asked.matching() | {"query": asked.q})}
            )
        )

    @router.get("/query-language", response_class=PlainTextResponse)
    async def query_language() -> Response:
        """How to write a query."""
        return PlainTextResponse(help_text())

    def related(name: str, about: str) -> None:
        @router.get(
            f"/{name}",
            name=name,
            description=about,
            response_model=responses.Related,
            openapi_extra=described(requests.RelatedRequest),
        )
        async def answer(asked: Annotated[requests.RelatedRequest, in_address(requests.RelatedRequest)]) -> Response:
            return await desk.answer(lambda archive: _listed(getattr(archive, name)(asked.id, **asked.settings())))

    @router.get("/first", response_model=responses.Hits, openapi_extra=described(requests.FirstRequest))
    async def first(asked: Annotated[requests.FirstRequest, in_address(requests.FirstRequest)]) -> Response:
        """The earliest articles that match, of the copies of one text the earliest alone."""
        return await desk.answer(lambda archive: _listed(archive.first(**asked.matching())))

    related("similar", "Articles of the same subject as another one, one of each story; each hit says why.")
    related("background", "What to have read before an article: older ones of its subject; each hit says why.")
    return router


def _listed(results: Results) -> Response:
    """Hits as JSON."""
    return _json(_record(results))


def _record(results: Results) -> dict[str, Any]:
    record = values(results)
    for hit in record["hits"]:
        hit["file"] = folders.name(hit["file"])
    record["notes"] = record.pop("notes")  # last
    return record


def _receipted(archive: Archive, of: Answer, query: str, settings: dict[str, Any]) -> Response:
    """An answer and its receipt, of one commit."""
    receipt = archive.receipt(of, query, **{name: value for name, value in settings.items() if name != "query"})
    answer = _record(receipt.answer) if of is Answer.SEARCH else values(receipt.answer)
    return _json({"answer": answer, "receipt": receipt.to_dict()})


def _hits(archive: Archive, asked: requests.SearchRequest, reranker: str | None) -> Response:
    settings = asked.settings() | {"rerank": reranker}
    if isinstance(asked, requests.SearchBody) and asked.filter is not None:
        settings["filters"] = replace(settings["filters"], conditions=requests.tree(asked.filter))
    if not asked.q.strip() and settings["filters"] == Filters():
        raise UsageError("give q, or a filter such as source or from").about("q")
    if asked.receipt:
        asked.alone()
        del settings["rerank"]
        return _receipted(archive, Answer.SEARCH, asked.q, settings)
    results = archive.search(asked.q, **settings)
    if asked.format == "json":
        return _listed(results)
    if asked.format == "search_results":
        return _json({"content": blocks.of_hits(results)})
    form = FORMS[asked.format]
    text = "".join(f"{line}\n" for line in form.lines(folders.named_all(results)))
    headers = {"Content-Disposition": f'attachment; filename="hits.{form.suffix}"'}
    return Response(text, media_type=form.media, headers=headers)


def counting(desk: Desk) -> APIRouter:
    """Counts of all that matches."""
    router = APIRouter(tags=["counts"])

    async def facets(asked: requests.FacetsRequest) -> Response:
        def call(archive: Archive) -> Response:
            settings = asked.matching()
            if asked.receipt:
                return _receipted(archive, Answer.FACETS, settings["query"], settings)
            return _json(values(archive.facets(**settings)))

        return await desk.answer(call)

    async def timeline(asked: requests.TimelineRequest) -> Response:
        def call(archive: Archive) -> Response:
            settings = asked.matching()
            if asked.receipt:
                return _receipted(archive, Answer.TIMELINE, settings["query"], settings)
            return _json(values(archive.timeline(**settings)))

        return await desk.answer(call)

    async def stories(asked: requests.StoriesRequest) -> Response:
        return await desk.answer(lambda archive: _json(values(archive.stories(**asked.matching()))))

    @router.get(
        "/facets",
        response_model=responses.Facets | responses.Receipted,
        openapi_extra=described(requests.FacetsRequest),
    )
    async def get_facets(asked: Annotated[requests.FacetsRequest, in_address(requests.FacetsRequest)]) -> Response:
        """Counts of all that matches by source, author, section, agency, language, year and month."""
        return await facets(asked)

    @router.post("/facets", response_model=responses.Facets | responses.Receipted)
    async def post_facets(asked: Annotated[requests.FacetsRequest, Body()]) -> Response:
        """The same, asked in JSON."""
        return await facets(asked)

    @router.get(
        "/timeline",
        response_model=responses.Timeline | responses.Receipted,
        openapi_extra=described(requests.TimelineRequest),
    )
    async def get_timeline(
        asked: Annotated[requests.TimelineRequest, in_address(requests.TimelineRequest)],
    ) -> Response:
        """Counts of all that matches by day, week, month or year."""
        return await timeline(asked)

    @router.post("/timeline", response_model=responses.Timeline | responses.Receipted)
    async def post_timeline(asked: Annotated[requests.TimelineRequest, Body()]) -> Response:
        """The same, asked in JSON."""
        return await timeline(asked)

    @router.get("/stories", response_model=responses.Stories, openapi_extra=described(requests.StoriesRequest))
    async def get_stories(asked: Annotated[requests.StoriesRequest, in_address(requests.StoriesRequest)]) -> Response:
        """The most carried stories among all that matches."""
        return await stories(asked)

    @router.post("/stories", response_model=responses.Stories)
    async def post_stories(asked: Annotated[requests.StoriesRequest, Body()]) -> Response:
        """The same, asked in JSON."""
        return await stories(asked)

    @router.get("/terms", response_model=responses.Terms, openapi_extra=described(requests.TermsRequest))
    async def terms(asked: Annotated[requests.TermsRequest, in_address(requests.TermsRequest)]) -> Response:
        """The words and phrases that set all that matches apart from the archive, and each period from the others."""
        return await desk.answer(lambda archive: _json(values(archive.terms(**asked.matching()))))

    @router.post("/receipts/verify", response_model=responses.Verification)
    async def verify(receipt: Annotated[dict[str, Any], Body(description="A receipt, as it was given.")]) -> Response:
        """Whether the archive gives the answer of a receipt, and what changed if not, by id."""
        return await desk.answer(lambda archive: _json(values(archive.verify(plainly.dumps(receipt)))))

    @router.get("/stats", response_model=dict[str, Any])
    async def stats() -> Response:
        """What the archive holds."""

        def call(archive: Archive) -> Response:
            found = archive.stats()
            del found["path"]  # of no use to others, and not theirs to know
            return _json({"name": desk.name, **found})

        return await desk.answer(call)

    return router


def articles(desk: Desk) -> APIRouter:
    """Articles and saved queries."""
    router = APIRouter(tags=["articles"])

    @router.get("/articles", response_model=responses.Articles, openapi_extra=described(requests.ArticlesRequest))
    async def articles(asked: Annotated[requests.ArticlesRequest, in_address(requests.ArticlesRequest)]) -> Response:
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
    async def article(
        id: Annotated[str, Path(description="An article's id, as a search gave it.")],
        passages: Annotated[bool, Query(description="With the offsets of its passages.")] = False,
        q: Annotated[str, Query(max_length=LONGEST_QUERY, description="With the marks of this query.")] = "",
    ) -> Response:
        """One article, with its passages and a query's marks on request."""

        def call(archive: Archive) -> Response:
            found = _article(archive, id, passages)
            if q.strip():
                found["highlights"] = [values(mark) for mark in archive.marks(id, q)]
            return _json(found)

        return await desk.answer(call)

    @router.get("/story", response_model=responses.Story, openapi_extra=described(requests.StoryRequest))
    async def story(asked: Annotated[requests.StoryRequest, in_address(requests.StoryRequest)]) -> Response:
        """The copies of an article's text, what each likely is and what it changed."""

        def call(archive: Archive) -> Response:
            return _json(values(archive.story(asked.id, as_of=asked.as_of, limit=asked.limit)))

        return await desk.answer(call)

    @router.get("/alerts", response_model=responses.Alerts)
    async def alerts() -> Response:
        """The saved queries."""
        return await desk.answer(lambda archive: _json({"alerts": [values(one) for one in archive.alerts()]}))

    @router.get("/alerts/news", response_model=responses.News, openapi_extra=described(requests.NewsRequest))
    async def news(asked: Annotated[requests.NewsRequest, in_address(requests.NewsRequest)]) -> Response:
        """What is new to saved queries since their last run. It stays new: reading records nothing."""

        def call(archive: Archive) -> Response:
            records = [values(one) for one in archive.run_alerts(asked.name, peek=True, copies=asked.copies)]
            for one in records:
                one["articles"] = one["articles"][: asked.limit]
            return _json({"alerts": records})

        return await desk.answer(call)

    return router


def _article(archive: Archive, article_id: str, passages: bool) -> dict[str, Any]:
    found = values(folders.named(archive.get(article_id)))
    found["furniture"] = [values(block, ("score",)) for block in archive.furniture(article_id)]
    if passages:
        found["passages"] = [values(passage, ("score",)) for passage in archive.passages(article_id)]
    return found


def assistants(desk: Desk) -> APIRouter:
    """Contexts, checks of quotations, and OpenAI's search of a vector store."""
    router = APIRouter(tags=["assistants"])
    forms = responses.Context | responses.Messages | responses.Blocks | responses.Receipted
    plain: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}

    async def context(asked: requests.ContextRequest) -> Response:
        reranker = asked.reranker(desk.settings.rerank)
        return await desk.answer(lambda archive: _context(archive, asked, reranker))

    @router.get("/context", response_model=forms, responses=plain, openapi_extra=described(requests.ContextRequest))
    async def get_context(asked: Annotated[requests.ContextRequest, in_address(requests.ContextRequest)]) -> Response:
        """Passages for a model's prompt, within a budget of tokens."""
        return await context(asked)

    @router.post("/context", response_model=forms, responses=plain)
    async def post_context(asked: Annotated[requests.ContextRequest, Body()]) -> Response:
        """The same, asked in JSON."""
        return await context(asked)

    @router.post("/check-quotes", response_model=quotes.QuoteCheck)
    async def check(asked: Annotated[requests.QuotesBody, Body()]) -> Response:
        """Whether each quotation and citation mark of an answer stands in the passages that it cites."""
        return await desk.answer(
            lambda archive: _json(quotes.record(check_quotes(asked.answer, quotes.cited(archive, asked.passages))))
        )

    @router.post("/vector_stores/{id}/search", response_model=responses.StorePage)
    async def vector_store(
        id: Annotated[str, Path(description="The archive's name.")],
        asked: Annotated[vector_stores.StoreSearch, Body()],
    ) -> Response:
        """The archive as OpenAI's clients search a vector store; its id is the archive's name."""
        if id != desk.name:
            return problem(404, "ArticleNotFound", f"there is no vector store of this id; use {desk.name}")
        return await desk.answer(lambda archive: _json(vector_stores.search(archive, asked)))

    return router


def _context(archive: Archive, asked: requests.ContextRequest, reranker: str | None) -> Response:
    if asked.receipt:
        asked.alone()
        return _receipted(archive, Answer.CONTEXT, asked.q, asked.settings())
    found = archive.retrieve(asked.q, rerank=reranker, **asked.settings())
    if asked.format == "text":
        return PlainTextResponse(found.text())
    if asked.format == "messages":
        return _json({"messages": found.messages()})
    if asked.format == "search_results":
        return _json({"content": blocks.of_context(found)})
    return _json(values(found))

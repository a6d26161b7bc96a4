"""The paths of the page."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup
from pydantic import ValidationError
from starlette.datastructures import QueryParams

from search._version import __version__
from search.archive import Archive
from search.errors import QueryError, SearchError
from search.exports import tables, workbook
from search.exports.collected import COLLECTED, WORKBOOK, written
from search.exports.files import FORMS
from search.exports.receipts import json_text, markdown
from search.records import Hit, Receipt
from search.serve import folders, problems
from search.serve.arguments import takes_lists
from search.serve.desk import Desk
from search.serve.web import doors, pages, text
from search.serve.web.address import Asked, address

ASSETS = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
CITED = ("bibtex", "ris", "csl")
_HEADERS = {"Content-Security-Policy": doors.POLICY}
_KEPT = {**_HEADERS, "Cache-Control": "private, max-age=3600"}
_LONGEST_FORM = 4_096  # bytes of the login form
_LONGEST_NOTE = 100_000  # bytes of the form that keeps an article


def create(desk: Desk) -> APIRouter:
    """The page over a desk."""
    router = APIRouter(include_in_schema=False)
    draw = _drawing(desk)

    def fault(message: str, status: int, asked: Asked | None = None, position: int | None = None) -> Response:
        return draw("fault.html", status, message=message, position=position, asked=asked or Asked())

    def refused(error: SearchError, asked: Asked | None = None) -> Response:
        pointed = isinstance(error, QueryError) and asked is not None and error.query == asked.q
        position = error.position if isinstance(error, QueryError) and pointed else None
        return fault(folders.message(error, desk.settings.folder), problems.status(error), asked, position)

    @router.get(doors.HOME)
    async def home(request: Request) -> Response:
        try:
            asked = _asked(request)
        except ValidationError as error:
            return fault(problems.misfits(error.errors(include_url=False)), 400)
        try:
            template = "hits.html" if asked.part == "hits" else "search.html"
            return await desk.answer(lambda archive: draw(template, page=pages.page(archive, asked)))
        except SearchError as error:
            return refused(error, asked)

    @router.get(doors.CITE)
    async def cite(id: str = "", format: str = "") -> Response:
        """An article for a reference manager."""
        if format not in CITED:
            return fault(f"format is one of {', '.join(CITED)}", 400)
        try:
            article = await desk.answer(lambda archive: archive.get(id))
        except SearchError as error:
            return refused(error)
        form = FORMS[format]
        lines = form.lines([Hit(rank=1, article=article, score=0.0, matched=True)])
        headers = {**_HEADERS, "Content-Disposition": f'attachment; filename="article.{form.suffix}"'}
        return Response("".join(f"{line}\n" for line in lines), media_type=form.media, headers=headers)

    def receipts(path: str, media: str, write: Callable[[Receipt], str]) -> None:
        @router.get(path)
        async def receipt(request: Request) -> Response:
            """A receipt of the search that an address asks."""
            try:
                asked = _asked(request)
            except ValidationError as error:
                return fault(problems.misfits(error.errors(include_url=False)), 400)
            try:
                made = await desk.answer(lambda archive: archive.receipt("search", **asked.searching()))
            except SearchError as error:
                return refused(error, asked)
            suffix = path.rpartition(".")[2]
            return _attached(write(made).encode(), media, f"receipt-{made.id}.{suffix}")

    receipts(doors.RECEIPTS[0], "application/json", json_text)
    receipts(doors.RECEIPTS[1], "text/markdown; charset=utf-8", markdown)

    def counts(path: str) -> None:
        name, _, form = path.removeprefix("/").partition(".")

        @router.get(path)
        async def table(request: Request) -> Response:
            """The counts that an address shows, as a file for a spreadsheet."""
            try:
                asked = _asked(request)
            except ValidationError as error:
                return fault(problems.misfits(error.errors(include_url=False)), 400)

            def call(archive: Archive) -> Response:
                rows = pages.table(archive, asked, name)
                if form == "csv":
                    return _attached(f"{tables.text(rows)}\n".encode(), "text/csv; charset=utf-8", f"{name}.csv")
                return _attached(workbook.of_table(name, rows).data, WORKBOOK, f"{name}.xlsx")

            try:
                return await desk.answer(call)
            except SearchError as error:
                return refused(error, asked)

    for path in doors.TABLES:
        counts(path)

    @router.get(doors.COLLECTIONS)
    async def collections(name: str = "", back: str = doors.HOME) -> Response:
        """The collections, or what is in one."""

        def call(archive: Archive) -> Response:
            shown: dict[str, Any] = {"opened": name, "back": doors.safe_next(back), "forms": COLLECTED}
            members = archive.collection(name) if name else ()
            return draw("collections.html", members=members, collections=archive.collections(), **shown)

        try:
            return await desk.answer(call)
        except SearchError as error:
            return refused(error)

    @router.get(doors.COLLECTED)
    async def collected(name: str = "", format: str = "") -> Response:
        """A collection as a file."""
        if format not in COLLECTED:
            return fault(f"format is one of {', '.join(COLLECTED)}", 400)
        try:
            file = await desk.answer(lambda archive: written(archive.dossier(name), format))
        except SearchError as error:
            return refused(error)
        return _attached(file.data, file.media, f"collection.{file.suffix}")

    @router.post(doors.COLLECT)
    async def collect(request: Request) -> Response:
        """Keep an article, or all that matches, in a collection."""
        body = await request.body()
        if len(body) > _LONGEST_NOTE:
            return fault("this is more than a form of this page sends", 413)
        form = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
        back, name, tag = doors.safe_next(form.get("back", doors.HOME)), form.get("name", ""), form.get("tag", "")
        try:
            chosen: dict[str, Any] = {"ids": [form["id"]]} if "id" in form else _address(back).matching()
        except ValidationError as error:
            return fault(problems.misfits(error.errors(include_url=False)), 400)
        chosen |= {"tags": [tag] if tag.strip() else [], "note": form.get("note") or None}
        try:
            done = await desk.answer(lambda archive: archive.collect(name, **chosen))
        except SearchError as error:
            return refused(error)
        if done.unknown:
            return fault("no article has this id", 404)
        return RedirectResponse(address({"name": done.name, "back": back}, doors.COLLECTIONS), 303, headers=_HEADERS)

    @router.get(doors.HELP)
    async def contents() -> Response:
        return draw("help.html", topic=None, body=None, topics=_topics())

    @router.get(f"{doors.HELP}/{{topic}}")
    async def topic(topic: str) -> Response:
        if topic not in _topics():
            return fault("there is no such page of the help", 404)
        return draw("help.html", topic=topic, body=_help(topic), topics=_topics())

    @router.get(doors.LOGIN)
    async def login(next: str = doors.HOME) -> Response:
        return draw("login.html", next=doors.safe_next(next), wrong=False)

    @router.post(doors.LOGIN)
    async def enter(request: Request) -> Response:
        """Let a browser in that knows the token."""
        body = await request.body()
        form = parse_qs(body[:_LONGEST_FORM].decode("utf-8", "replace"))
        target = doors.safe_next(form.get("next", [doors.HOME])[0])
        token = (desk.settings.token or "").encode()
        if token and not hmac.compare_digest(form.get("token", [""])[0].strip().encode(), token):
            return draw("login.html", 403, next=target, wrong=True)
        answer = RedirectResponse(target, 303, headers=_HEADERS)
        if token:
            secure = request.url.scheme == "https"
            answer.set_cookie(doors.COOKIE, doors.stamp(token), httponly=True, samesite="strict", secure=secure)
        return answer

    @router.post(doors.LOGOUT)
    async def leave() -> Response:
        answer = RedirectResponse(doors.LOGIN, 303, headers=_HEADERS)
        answer.delete_cookie(doors.COOKIE)
        return answer

    def add(name: str, media: str) -> None:
        @router.get(f"{doors.ASSETS}{name}")
        async def asset() -> Response:
            return Response(_asset(name), media_type=media, headers=_KEPT)

    for name, media in ASSETS.items():
        add(name, media)
    return router


def _attached(data: bytes, media: str, name: str) -> Response:
    """A file that a browser keeps and does not show."""
    headers = {**_HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type=media, headers=headers)


def _asked(request: Request) -> Asked:
    """What an address asks."""
    return _read(request.query_params)


def _address(target: str) -> Asked:
    """What an address of this page asks."""
    return _read(QueryParams(target.partition("?")[2]))


def _read(given: QueryParams) -> Asked:
    """The fields of an address. A form sends its empty ones too: they ask for nothing."""
    lists = takes_lists(Asked)
    values = {name: list(filter(None, given.getlist(name))) if lists.get(name) else given[name] for name in given}
    asked: Asked = Asked.model_validate(
        {name: value for name, value in values.items() if value not in ("", []) or name == "q"}
    )
    return asked


def _drawing(desk: Desk) -> Callable[..., Response]:
    """What makes answers of templates."""
    environment = Environment(
        loader=PackageLoader("search.serve.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "code": text.code,
        "marked": text.marked,
        "day": text.day,
        "iso": text.iso,
        "line": text.plain,
    }
    environment.filters["number"] = lambda value: f"{value:,}"
    environment.globals |= {
        "address": address,
        "archive": text.plain(desk.name),
        "cited": CITED,
        "on_the_web": text.on_the_web,
        "secured": desk.settings.token is not None,
        "version": __version__,
    }

    def draw(name: str, status: int = 200, **shown: Any) -> Response:
        html = environment.get_template(name).render(**shown)
        return Response(html, status, media_type="text/html; charset=utf-8", headers=_HEADERS)

    return draw


@cache
def _asset(name: str) -> str:
    return files("search.serve.web").joinpath("assets", name).read_text("utf-8")


@cache
def _topics() -> dict[str, str]:
    """The title of each page of the help, by its name."""
    found = {}
    for file in sorted(files("search").joinpath("help").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".md"):
            found[file.name.removesuffix(".md")] = file.read_text("utf-8").partition("\n")[0].lstrip("# ")
    return found


@cache
def _help(topic: str) -> Markup:
    """A page of the help as HTML."""
    source = files("search").joinpath("help", f"{topic}.md").read_text("utf-8")
    drawn: str = MarkdownIt("commonmark", {"html": False}).enable("table").render(_without_comments(source))
    for scrolls in ("pre", "table"):  # by keys, too
        drawn = drawn.replace(f"<{scrolls}>", f'<{scrolls} tabindex="0">')
    return Markup(drawn)  # noqa: S704 - our own pages, and HTML in them is escaped


def _without_comments(source: str) -> str:
    return "\n".join(line for line in source.splitlines() if not line.startswith("<!-- "))

"""What stands before the application: host, origin and token, size and time of the request, safe headers, a log line.

Health checks pass without a token, and by any name: they tell nothing but that the server is there. The page of the
documentation passes without one too, since a browser has none to send when it goes to an address: it tells nothing but
what any server of this version can be asked.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from dataclasses import dataclass
from typing import Any

from search.exports.plain import line
from search.serve import problems
from search.serve.access import has_token, host_name
from search.serve.http import docs
from search.serve.web import doors

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

CONNECTION = "connection"
"""In a scope's state: what is told when a request has begun and ended (``connections.Connection``)."""
OPEN_PATHS = frozenset({"/healthz", "/readyz"})
SAFETY = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
MOST_CONTAINERS = 50_000
"""Lists and objects of one body. Reading a megabyte of empty ones would take half a second, in which nobody is
answered; no request that can be served has a tenth of these."""
_GONE = 499  # what is logged for who went away before the answer was there
_HEAD = 512  # bytes of the head of an answer, and less of its end
_LONGEST_PATH = 200  # characters of a path that are logged

access_log = logging.getLogger("search.serve.access")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a request must meet. ``hosts`` None: any name; ``token`` None: anybody; ``origins`` are those of
    web pages that may ask, beside our own."""

    hosts: Collection[str] | None
    origins: Collection[str]
    token: str | None
    largest_body: int
    body_timeout: float


class Refused(Exception):
    """A request that does not reach the application."""

    def __init__(
        self, status: int, kind: str, message: str, *headers: tuple[bytes, bytes], html: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.media = b"application/json" if html is None else b"text/html; charset=utf-8"
        self.headers = headers
        self.body = problems.body(kind, message) if html is None else html.encode()


class Guard:
    """The outermost application."""

    def __init__(self, app: App, rules: Rules) -> None:
        self._app = app
        self._rules = rules
        self._token = None if rules.token is None else rules.token.encode()
        self._hosts = None if rules.hosts is None else frozenset(name.lower() for name in rules.hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, lambda message: send(_brief(message)))
            return
        if scope["type"] != "http":  # no web sockets here
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        connection = scope.get("state", {}).get(CONNECTION)
        if connection is not None:
            connection.began(asyncio.current_task())
        began = time.perf_counter()
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                present = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(one for one in SAFETY if one[0] not in present)]
            if connection is not None:
                connection.wrote(len(message.get("body", b"")) + _HEAD)
            await send(message)

        try:
            await self._serve(scope, receive, answer)
        except asyncio.CancelledError:
            if connection is None or not connection.lost:
                raise
            status = _GONE  # and nobody is there to be told
        finally:
            if connection is not None:
                connection.ended()
            if access_log.isEnabledFor(logging.INFO):
                took = (time.perf_counter() - began) * 1000
                path = line(scope["path"][:_LONGEST_PATH])
                access_log.info("%s %s %d %.0f ms", line(scope["method"]), path, status, took)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._check_origin(scope)
            if scope["path"] not in OPEN_PATHS:
                self._check_host(scope)
                if scope["path"] not in docs.PATHS and not doors.is_open(scope["path"]):
                    self._check_token(scope)
            body = await self._body(scope, receive)
        except Refused as refused:
            headers = [(b"content-type", refused.media), (b"content-length", str(len(refused.body)).encode())]
            start = {"type": "http.response.start", "status": refused.status, "headers": [*headers, *refused.headers]}
            await send(start)
            await send({"type": "http.response.body", "body": refused.body})
            return
        replayed = False

        async def replay() -> Message:
            nonlocal replayed
            if replayed:
                return await receive()
            replayed = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, replay, send)

    def _check_host(self, scope: Scope) -> None:
        """A page on the web can point a name of its own at this address; it cannot choose the name we are called by."""
        if self._hosts is None:
            return
        given = _values(scope, b"host")
        if len(given) != 1 or host_name(given[0]) not in self._hosts:
            raise Refused(
                421, "HostRefused", "this server does not go by that name; broadsheet serve --allowed-host adds one"
            )

    def _check_origin(self, scope: Scope) -> None:
        """A browser says which page asks, and whether that page is of another site. Nothing is done for such a page."""
        for origin in _values(scope, b"origin"):
            if origin in self._rules.origins:
                return
            own = self._hosts or [host_name(host) for host in _values(scope, b"host")]
            if host_name(origin.partition("://")[2]) not in own:
                raise _foreign()
        if "cross-site" in _values(scope, b"sec-fetch-site"):
            raise _foreign(doors.crossing(scope["path"], scope["query_string"]) if _is_visit(scope) else None)

    def _check_token(self, scope: Scope) -> None:
        if self._token is None or scope["method"] == "OPTIONS":  # a browser asks without it whether it may send it
            return
        if has_token((value for name, value in scope["headers"] if name == b"authorization"), self._token):
            return
        page = scope["method"] in ("GET", "HEAD") and doors.is_page(scope["path"])
        form = scope["method"] == "POST" and doors.is_form(scope["path"])
        if (page or form) and doors.has_stamp(_values(scope, b"cookie"), self._token):
            return
        if page:
            login = doors.login_of(scope["path"], scope["query_string"])
            raise Refused(303, "TokenRefused", "log in first", (b"location", login.encode()))
        raise Refused(
            401,
            "TokenRefused",
            "send the server's token: Authorization: Bearer TOKEN",
            (b"www-authenticate", b'Bearer realm="broadsheet"'),
        )

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """The whole body, which is read before a thread is asked for."""
        most = self._rules.largest_body
        refused = Refused(413, "RequestTooLarge", f"a request has at most {most:,} bytes", (b"connection", b"close"))
        for name, value in scope["headers"]:
            if name == b"content-length" and (not value.isdigit() or len(value) > 15 or int(value) > most):
                raise refused
        chunks = []
        size = 0
        try:
            async with asyncio.timeout(self._rules.body_timeout):
                while True:
                    message = await receive()
                    if message["type"] != "http.request":
                        raise Refused(400, "RequestCut", "the connection ended before the request did")
                    chunk = message.get("body", b"")
                    size += len(chunk)
                    if size > most:
                        raise refused
                    chunks.append(chunk)
                    if not message.get("more_body", False):
                        break
        except TimeoutError:
            raise Refused(
                408, "RequestTooSlow", "the request took too long to arrive", (b"connection", b"close")
            ) from None
        body = b"".join(chunks)
        if body.count(b"[") + body.count(b"{") > MOST_CONTAINERS:
            raise Refused(
                413, "RequestTooLarge", f"a request has at most {MOST_CONTAINERS:,} lists and objects, brackets counted"
            )
        return body


def _foreign(html: str | None = None) -> Refused:
    return Refused(
        403,
        "OriginRefused",
        "web pages of other sites cannot ask; broadsheet serve --allowed-origin lets one",
        html=html,
    )


def _is_visit(scope: Scope) -> bool:
    """Whether somebody follows a link of another site to a page of ours."""
    return (
        scope["method"] == "GET"
        and doors.is_page(scope["path"])
        and _values(scope, b"sec-fetch-mode") == ["navigate"]
        and _values(scope, b"sec-fetch-dest") == ["document"]
    )


def _values(scope: Scope, header: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name == header]


def _brief(message: Message) -> Message:
    """Why a start failed, without the way there."""
    if message["type"] == "lifespan.startup.failed":
        message["message"] = message.get("message", "").strip().rpartition("\n")[2]
    return message

"""MCP over HTTP as a part of the guarded application: what its package leaves open or tells, closed and unsaid."""

from __future__ import annotations

import json
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.routing import Route

from search.serve.guard import App, Message, Receive, Scope, Send

PATH = "/mcp"
_NO_MESSAGE = "this is no message of JSON-RPC: an object with jsonrpc, id, method and params"


def http_app(server: MCPServer[Any], largest_body: int) -> Starlette:
    """The server for our application, whose guard checks names, origins and tokens for it.

    It takes POST alone: there is nothing to listen for in a server that keeps no sessions, and a stream that nobody
    reads from would hold its connection for ever.
    """
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        json_response=True,
        stateless_http=True,
        max_request_body_size=largest_body,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    for route in app.routes:
        if isinstance(route, Route):
            route.methods = {"POST"}
            route.app = _plainly(route.app)
    return app


def _plainly(app: App) -> App:
    """Says of a body that is no message what it is not: the package would tell the types that its library tried, and
    the address of that library's documentation."""

    async def plain(scope: Scope, receive: Receive, send: Send) -> None:
        start: Message | None = None

        async def answer(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and message["status"] == 400:
                start = message
            elif start is None:
                await send(message)
            else:
                body = _told(message.get("body", b""))
                headers = [one for one in start["headers"] if one[0].lower() != b"content-length"]
                await send({**start, "headers": [*headers, (b"content-length", str(len(body)).encode())]})
                await send({"type": "http.response.body", "body": body})
                start = None

        await app(scope, receive, answer)

    return plain


def _told(body: bytes) -> bytes:
    try:
        record = json.loads(body)
        message = record["error"]["message"]
    except (ValueError, TypeError, KeyError):
        return body
    if not message.startswith("Validation error"):
        return body
    record["error"]["message"] = _NO_MESSAGE
    return json.dumps(record).encode()

"""How the MCP server is reached: standard input and output, or streamable HTTP behind a host check and a token."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from search.errors import MissingExtraError, UsageError
from search.serve.access import LOOPBACK_NAMES, TOKEN, has_token, is_loopback

try:
    import uvicorn
    from mcp.server.mcpserver import MCPServer
    from mcp.server.transport_security import TransportSecuritySettings
except ImportError as error:
    raise MissingExtraError("mcp 2.3 or later", "mcp") from error

PATH = "/mcp"
LARGEST_BODY = 1 << 20  # bytes

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]


def serve_stdio(server: MCPServer[Any]) -> None:
    """Serve until standard input ends. Nothing but the protocol is written to standard output."""
    server.run("stdio")


def http_app(server: MCPServer[Any], host: str, token: str | None, hosts: Sequence[str], origins: Sequence[str]) -> App:
    """The ASGI application for an address. Raises UsageError where anybody could use it, or nobody could."""
    if not is_loopback(host):
        if token is None:
            raise UsageError(
                f"{host} can be reached from other machines, so it needs a token: --token-file FILE, or {TOKEN}"
            )
        if not hosts:
            raise UsageError(f"{host} needs the names that clients may call it by: --allowed-host search.desk.example")
    names = [name for one in (*hosts, *(LOOPBACK_NAMES if is_loopback(host) else ())) for name in (one, f"{one}:*")]
    security = TransportSecuritySettings(
        allowed_hosts=names,
        allowed_origins=[*origins, *(f"{scheme}://{name}" for scheme in ("http", "https") for name in names)],
    )
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        json_response=True,
        stateless_http=True,
        max_request_body_size=LARGEST_BODY,
        transport_security=security,
        host=host,
    )
    return app if token is None else bearer(app, token)


def bearer(app: App, token: str) -> App:
    """The application behind ``Authorization: Bearer TOKEN``; anything else is answered 401."""
    expected = token.encode()

    async def guarded(scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or has_token(
            (value for name, value in scope["headers"] if name == b"authorization"), expected
        ):
            await app(scope, receive, send)
            return
        body = b'{"error":"unauthorized","error_description":"send Authorization: Bearer TOKEN"}'
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"www-authenticate", b'Bearer realm="broadsheet"'),
        ]
        await send({"type": "http.response.start", "status": 401, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return guarded


def serve_http(
    server: MCPServer[Any],
    *,
    host: str,
    port: int,
    token: str | None,
    hosts: Sequence[str],
    origins: Sequence[str],
    started: Callable[[str], None],
) -> None:
    """Serve until interrupted; calls under way have five seconds to end. Port 0 is any free one; ``started`` is told
    the address. Raises UsageError as ``http_app``, and for an address that cannot be had."""
    app = http_app(server, host, token, hosts, origins)
    try:
        family = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family[0], socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(family[4])
        bound.listen(128)  # a client that is told the address can connect
    except OSError as error:
        raise UsageError(f"cannot serve at {host}:{port}: {error.strerror or error}") from None
    config = uvicorn.Config(
        app, log_level="warning", timeout_graceful_shutdown=5, limit_concurrency=256, server_header=False
    )
    shown = f"[{host}]" if ":" in host and not host.startswith("[") else host
    with bound:
        started(f"http://{shown}:{bound.getsockname()[1]}{PATH}")
        uvicorn.Server(config).run(sockets=[bound])

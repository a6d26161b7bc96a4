"""The one application: the HTTP paths, the page, and MCP beside them, behind one guard and before one desk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from search.serve import access
from search.serve.desk import Desk, Settings
from search.serve.guard import App, Guard, Rules
from search.serve.http import api
from search.serve.web import routes

_HEADERS = ("Authorization", "Content-Type", "Mcp-Protocol-Version", "Mcp-Session-Id", "Mcp-Method", "Mcp-Name")


def create_app(settings: Settings) -> App:
    """The ASGI application, with MCP at /mcp where its package is installed. It opens the archive when it starts, and
    closes it when it stops."""
    desk = Desk(settings)
    tools = None
    if access.installed("mcp"):
        from search.serve.mcp import server, transport

        tools = transport.http_app(server.build(desk), settings.largest_body)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.openapi()  # the checks of requests ask it; making it takes a fifth of a second, once
        desk.start()
        try:
            async with AsyncExitStack() as stack:
                if tools is not None:
                    await stack.enter_async_context(tools.router.lifespan_context(tools))
                yield
        finally:
            desk.stop()

    paths = api.create(desk, lifespan)
    paths.include_router(routes.create(desk))
    if tools is not None:
        paths.router.routes.extend(tools.routes)
    rules = Rules(
        hosts=settings.hosts,
        origins=settings.origins,
        token=settings.token,
        largest_body=settings.largest_body,
        body_timeout=settings.timeout,
    )
    guarded = Guard(paths, rules)
    if not settings.origins:
        return guarded
    return CORSMiddleware(  # outermost: a page must be able to read why it is refused
        guarded, allow_origins=list(settings.origins), allow_methods=["GET", "POST"], allow_headers=list(_HEADERS)
    )

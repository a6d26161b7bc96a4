"""``broadsheet mcp``."""

from __future__ import annotations

from pathlib import Path

import click

from search.cli.listening import Listening, desk_settings, listening, serve
from search.cli.options import common


@click.command("mcp")
@common
@click.option("--http", is_flag=True, help="Serve over HTTP instead of standard input and output.")
@listening(port=8765, timeout=60.0)
def command(folder: Path, http: bool, listening: Listening) -> None:
    """Serve an archive to assistants by the Model Context Protocol.

    With --http it is the server of 'broadsheet serve', and the address of MCP is told; the options about addresses and
    requests are for that. Any address but loopback needs a token.
    """
    from search.serve import access

    access.require("mcp", extra="mcp")
    if http:
        access.require("fastapi", "uvicorn", extra="mcp")
        serve(folder, listening, "/mcp")
        return
    from search.serve.desk import Desk
    from search.serve.mcp import server

    desk = Desk(desk_settings(folder, listening))
    tools = server.build(desk)
    desk.start(warm=False)  # a client waits for the first answer, which needs nothing
    try:
        tools.run("stdio")
    finally:
        desk.stop()

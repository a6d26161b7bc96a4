"""``broadsheet serve``."""

from __future__ import annotations

from pathlib import Path

import click

from search.cli.listening import Listening, listening, serve
from search.cli.options import common


@click.command("serve")
@common
@listening(port=8000, timeout=10.0)
def command(folder: Path, listening: Listening) -> None:
    """Serve an archive over HTTP.

    Its OpenAPI document is at /openapi.json, and the Model Context Protocol at /mcp where the extra 'mcp' is installed.
    Any address but loopback needs a token. SIGTERM and Ctrl-C let requests under way finish.
    """
    from search.serve import access

    access.require("fastapi", "uvicorn", extra="server")
    serve(folder, listening)

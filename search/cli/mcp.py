"""``broadsheet mcp``."""

from __future__ import annotations

from pathlib import Path

import click

from search.cli.options import common, opened, valid_text
from search.cli.text import line


@click.command("mcp")
@common
@click.option("--http", is_flag=True, help="Serve streamable HTTP instead of standard input and output.")
@click.option("--host", default="127.0.0.1", show_default=True, callback=valid_text, help="With --http.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="With --http; 0: any.")
@click.option(
    "--allowed-host", multiple=True, metavar="NAME", callback=valid_text, help="A name clients call it by; repeatable."
)
@click.option(
    "--allowed-origin", multiple=True, metavar="URL", callback=valid_text, help="A web page's origin; repeatable."
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Ask for the token in FILE (or in BROADSHEET_TOKEN).",
)
@click.option(
    "--url-template",
    metavar="URL",
    callback=valid_text,
    help="Address of articles that have none, as https://desk.example/a/{id}.",
)
@click.option("--concurrent", type=click.IntRange(min=1), default=4, show_default=True, help="Most calls at once.")
def command(
    folder: Path,
    http: bool,
    host: str,
    port: int,
    allowed_host: tuple[str, ...],
    allowed_origin: tuple[str, ...],
    token_file: Path | None,
    url_template: str | None,
    concurrent: int,
) -> None:
    """Serve an archive to assistants by the Model Context Protocol.

    Any address but loopback needs a token and an --allowed-host.
    """
    from search.serve import access

    access.require("mcp", extra="mcp")
    from search.serve import mcp, mcp_transport

    with opened(folder) as archive:
        server = mcp.build(archive, url_template=url_template, concurrent=concurrent)
        if not http:
            mcp_transport.serve_stdio(server)
            return
        mcp_transport.serve_http(
            server,
            host=host,
            port=port,
            token=access.read_token(token_file),
            hosts=allowed_host,
            origins=allowed_origin,
            started=lambda address: click.echo(f"serving {line(str(folder))} at {address}", err=True),
        )

"""``broadsheet serve``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from search.cli.options import common, valid_text
from search.cli.text import line

_MEBIBYTE = 1 << 20


@click.command("serve")
@common
@click.option("--host", default="127.0.0.1", show_default=True, callback=valid_text, help="The address to listen at.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, metavar="N", show_default=True, help="0: any free one."
)
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, metavar="N", show_default=True, help="Processes that answer."
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Ask for the token in FILE (or in BROADSHEET_TOKEN).",
)
@click.option(
    "--allowed-host", multiple=True, metavar="NAME", callback=valid_text, help="A name clients call it by; repeatable."
)
@click.option(
    "--allowed-origin",
    multiple=True,
    metavar="URL",
    callback=valid_text,
    help="Let web pages of this origin read; repeatable.",
)
@click.option(
    "--threads", type=click.IntRange(1, 64), metavar="N", help="Queries at once in each worker.  [default: processors]"
)
@click.option(
    "--queue",
    type=click.IntRange(0, 10_000),
    default=64,
    metavar="N",
    show_default=True,
    help="Queries that wait in each worker; more are told to come back.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0.1, 3600),
    default=10.0,
    metavar="SECONDS",
    show_default=True,
    help="Longest wait for an answer.",
)
@click.option(
    "--max-body",
    type=click.IntRange(1, 1024),
    default=1,
    metavar="MIB",
    show_default=True,
    help="Largest request.",
)
@click.option("--rerank", metavar="MODEL", callback=valid_text, help="A cross-encoder that clients may ask for.")
@click.option("--access-log", is_flag=True, help="Write a line for each request to standard error.")
def command(
    folder: Path,
    host: str,
    port: int,
    workers: int,
    token_file: Path | None,
    allowed_host: tuple[str, ...],
    allowed_origin: tuple[str, ...],
    threads: int | None,
    queue: int,
    timeout: float,
    max_body: int,
    rerank: str | None,
    access_log: bool,
) -> None:
    """Serve an archive over HTTP.

    Its OpenAPI document is at /openapi.json. Any address but loopback needs a token. SIGTERM and Ctrl-C let requests
    under way finish.
    """
    from search.serve import access

    access.require("fastapi", "uvicorn", extra="server")
    from search.serve import http, running

    settings = http.Settings(
        folder=folder,
        hosts=allowed_host or None,
        token=access.read_token(token_file),
        origins=allowed_origin,
        threads=threads or min(os.cpu_count() or 1, 8),
        waiting=queue,
        timeout=timeout,
        largest_body=max_body * _MEBIBYTE,
        rerank=rerank,
    )
    running.serve(
        settings,
        host=host,
        port=port,
        workers=workers,
        log_requests=access_log,
        started=lambda address: click.echo(f"serving {line(str(folder))} at {line(address)}", err=True),
    )

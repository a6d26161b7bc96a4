"""What the commands that serve share: one server, with one set of options."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from search.cli.options import valid_text
from search.cli.text import line

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])

_MEBIBYTE = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Listening:
    """The options of a server as they were given."""

    host: str
    port: int
    workers: int
    token_file: Path | None
    allowed_host: tuple[str, ...]
    allowed_origin: tuple[str, ...]
    threads: int | None
    queue: int
    timeout: float
    max_body: int
    url_template: str | None
    rerank: str | None
    access_log: bool


def listening(*, port: int, timeout: float) -> Callable[[AnyFunction], Callable[..., Any]]:
    """The options of a server, given to the command as ``listening``."""
    options = (
        click.option(
            "--host", default="127.0.0.1", show_default=True, callback=valid_text, help="Address to listen at."
        ),
        click.option(
            "--port",
            type=click.IntRange(0, 65535),
            default=port,
            metavar="N",
            show_default=True,
            help="0: any free one.",
        ),
        click.option(
            "--workers",
            type=click.IntRange(1, 64),
            default=1,
            metavar="N",
            show_default=True,
            help="Processes that answer.",
        ),
        click.option(
            "--token-file",
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE",
            help="Ask for the token in FILE (or in BROADSHEET_TOKEN).",
        ),
        click.option(
            "--allowed-host",
            multiple=True,
            metavar="NAME",
            callback=valid_text,
            help="A name clients call it by; may be repeated.",
        ),
        click.option(
            "--allowed-origin",
            multiple=True,
            metavar="URL",
            callback=valid_text,
            help="Let web pages of this origin ask; may be repeated.",
        ),
        click.option(
            "--threads",
            type=click.IntRange(1, 64),
            metavar="N",
            help="Queries at once in each worker.  [default: processors]",
        ),
        click.option(
            "--queue",
            type=click.IntRange(0, 10_000),
            default=64,
            metavar="N",
            show_default=True,
            help="Queries that wait in each worker; more are told to come back.",
        ),
        click.option(
            "--timeout",
            type=click.FloatRange(0.1, 3600),
            default=timeout,
            metavar="SECONDS",
            show_default=True,
            help="Longest wait for an answer.",
        ),
        click.option(
            "--max-body",
            type=click.IntRange(1, 1024),
            default=1,
            metavar="MIB",
            show_default=True,
            help="Largest request.",
        ),
        click.option(
            "--url-template",
            metavar="URL",
            callback=valid_text,
            help="For assistants: address of articles that have none, as https://desk.example/a/{id}.",
        ),
        click.option(
            "--rerank", metavar="MODEL", callback=valid_text, help="A cross-encoder that clients may ask for."
        ),
        click.option("--access-log", is_flag=True, help="Write a line for each request to standard error."),
    )

    def decorate(function: AnyFunction) -> Callable[..., Any]:
        @wraps(function)
        def command(**given: Any) -> Any:
            asked = Listening(**{one.name: given.pop(one.name) for one in fields(Listening)})
            return function(listening=asked, **given)

        found: Callable[..., Any] = command
        for option in reversed(options):
            found = option(found)
        return found

    return decorate


def desk_settings(folder: Path, asked: Listening) -> Any:
    """The settings of the desk. Raises UsageError for a token that is none, or a template."""
    from search.serve import access
    from search.serve.desk import Settings

    if asked.token_file is not None and access.is_exposed(asked.token_file):
        name = line(str(asked.token_file))
        click.echo(f"others on this machine can read the token in {name}; chmod 600 makes it yours alone", err=True)
    return Settings(
        folder=folder,
        hosts=asked.allowed_host or None,
        token=access.read_token(asked.token_file),
        origins=asked.allowed_origin,
        threads=asked.threads or min(os.cpu_count() or 1, 8),
        waiting=asked.queue,
        timeout=asked.timeout,
        largest_body=asked.max_body * _MEBIBYTE,
        rerank=asked.rerank,
        url_template=access.address_template(asked.url_template),
    )


def serve(folder: Path, asked: Listening, path: str = "") -> None:
    """Serve over HTTP, and say where: at ``path`` of the address."""
    from search.serve import running

    running.serve(
        desk_settings(folder, asked),
        host=asked.host,
        port=asked.port,
        workers=asked.workers,
        log_requests=asked.access_log,
        started=lambda address: click.echo(f"serving {line(str(folder))} at {line(address)}{path}", err=True),
    )

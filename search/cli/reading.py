"""Options that the commands which read files share: how these are read, and what a new archive is made with."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click
from click.core import ParameterSource

from search.cli.options import embedding
from search.errors import UsageError

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])


def reads(function: AnyFunction) -> AnyFunction:
    """The options that say how files are read, given to the command as ``said``: what ``ingest.read`` takes."""

    @wraps(function)
    def reading(
        *arguments: Any,
        format: str,
        mapped: tuple[str, ...],
        mapping: Path | None,
        constants: tuple[str, ...],
        dates: str | None,
        encoding: str | None,
        **settings: Any,
    ) -> Any:
        if format == "list":
            _list_formats()
            return None
        said = {
            "format": format,
            "map": _named([*_lines_of(mapping), *mapped]),
            "set": dict(_pair(one) for one in constants),
            "encoding": encoding,
            "dates": dates,
        }
        return function(*arguments, said=said, **settings)

    options = (
        click.option(
            "--format",
            default="auto",
            show_default=True,
            metavar="NAME",
            help="What the files hold; auto looks at each. --format list shows what is read.",
        ),
        click.option(
            "--map",
            "mapped",
            multiple=True,
            metavar="FIELD=NAME",
            help="What a field is called there: --map text=Artikeltext,Inhalt --map published=Datum.",
        ),
        click.option(
            "--mapping",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            metavar="FILE",
            help="A file of such lines.",
        ),
        click.option(
            "--set",
            "constants",
            multiple=True,
            metavar="FIELD=VALUE",
            help='What all have that have none of their own: --set source="Valley Post".',
        ),
        click.option("--dates", type=click.Choice(["day-first", "month-first"]), help="How 05/02/2025 is meant."),
        click.option(
            "--encoding", metavar="NAME", help="What the text is encoded in, where its letters do not show it."
        ),
    )
    decorated: Callable[..., Any] = reading
    for option in reversed(options):
        decorated = option(decorated)
    return cast(AnyFunction, decorated)


def builds(function: AnyFunction) -> AnyFunction:
    """The options of what an archive is made with, given to the command as ``building``: what ``Archive.open`` takes;
    and ``batch`` and ``vectors``."""

    @wraps(function)
    def building(
        *arguments: Any,
        folder: Path,
        model: str | None,
        dimension: int | None,
        precision: str,
        analysis: str | None,
        no_vectors: bool,
        **settings: Any,
    ) -> Any:
        context = click.get_current_context()
        default = context.get_parameter_source("model") is ParameterSource.DEFAULT_MAP
        if default and folder.is_dir() and any(folder.iterdir()):
            model = None  # the user's file names the model of new archives
        given = {"model": model, "dimension": dimension, "precision": precision, "analysis": analysis}
        return function(*arguments, folder=folder, building=given, vectors=not no_vectors, **settings)

    decorated: Callable[..., Any] = click.option(
        "--no-vectors", is_flag=True, help="Make a new archive for keyword search alone."
    )(building)
    decorated = click.option(
        "--analysis",
        metavar="LANGUAGE",
        help="What a new archive takes for words: languages (each article its own; the default), english, or an "
        "installed one (help extending).",
    )(decorated)
    decorated = embedding(decorated)
    decorated = click.option("--model", metavar="NAME|PATH", help="The sentence-transformers model of a new archive.")(
        decorated
    )
    decorated = click.option(
        "--batch",
        type=click.IntRange(min=1),
        default=1000,
        show_default=True,
        metavar="N",
        help="Articles in one commit. What is committed survives an interruption.",
    )(decorated)
    return cast(AnyFunction, decorated)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals and Path(text).is_file():
        raise UsageError(f"{text!r} is a file; --mapping {text} reads the lines in it")
    if not equals or not name.strip() or not value.strip():
        raise UsageError(f"write FIELD=VALUE, not {text!r}")
    return name.strip(), value.strip()


def _named(pairs: list[str]) -> dict[str, list[str]]:
    """The names of each field. "a=b,c=d" is two pairs, "a=b,c" one with two names."""
    names: dict[str, list[str]] = {}
    for text in pairs:
        target = ""
        for part in text.split(","):
            if "=" in part or not target:
                target, part = _pair(part)
            names.setdefault(target, []).append(part.strip())
    return names


def _lines_of(file: Path | None) -> list[str]:
    """The mappings in a file: lines of FIELD=NAME, blank ones and comments aside, or a JSON object."""
    if file is None:
        return []
    text = file.read_text(encoding="utf-8-sig")
    if text.lstrip().startswith("{"):
        import json

        try:
            pairs = json.loads(text).items()
        except (ValueError, AttributeError) as error:
            raise UsageError(f"{file} is no JSON object of names: {error}") from error
        return [f"{name}={','.join(value) if isinstance(value, list) else value}" for name, value in pairs]
    return [line for line in map(str.strip, text.splitlines()) if line and not line.startswith("#")]


def _list_formats() -> None:
    """The formats by name, with what they need installed."""
    from search import ingest

    for name, form in sorted(ingest.known_formats().items()):
        missing = form.missing()
        known = " ".join(form.extensions)
        click.echo(f"{name:<12} {form.title}" + (f" ({known})" if known else ""))
        if missing is not None:
            click.echo(f"{'':<12} {missing}")

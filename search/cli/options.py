"""Options and small duties that several commands share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from search.cli.main import remember_debug
from search.declarations import Setting
from search.engine.request import gathered
from search.errors import UsageError
from search.records.numbers import counted as counted

if TYPE_CHECKING:
    from search.archive import Archive

DEFAULT_INDEX = Path("indexes/default")
UNSAID = ("notes",)  # in JSON: they go to standard error
AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])


debug = click.option(
    "--debug", is_flag=True, expose_value=False, callback=remember_debug, help="Show where an error comes from."
)


def common(function: AnyFunction) -> AnyFunction:
    """``--index`` and ``--debug``, which every command over an archive has."""
    index = click.option(
        "--index",
        "folder",
        type=click.Path(path_type=Path),
        default=DEFAULT_INDEX,
        envvar="BROADSHEET_INDEX",
        show_default=True,
        show_envvar=True,
        metavar="FOLDER",
        help="The archive.",
    )
    return index(debug(function))


def timings(function: AnyFunction) -> AnyFunction:
    """``--timings``: gives the command a ``watch``, whose stages are printed when the command ends."""
    return click.option(
        "--timings",
        is_flag=True,
        expose_value=False,
        callback=_time,
        help="Say on standard error what each stage took.",
    )(function)


def _time(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    if not wanted:
        return
    from search.engine.watch import Stopwatch

    watch = ctx.params["watch"] = Stopwatch()

    def tell() -> None:
        for stage, seconds in watch.seconds.items():
            click.echo(f"{stage:<24}{seconds * 1000:10,.2f} ms", err=True)

    ctx.call_on_close(tell)


def one_of(
    option: str, values: type[Any] | tuple[str, ...], default: str, text: str
) -> Callable[[AnyFunction], AnyFunction]:
    """An option that takes one of some words, or of a StrEnum's values."""
    words = [str(value) for value in values]
    return click.option(option, type=click.Choice(words), default=str(default), show_default=True, help=text)


def printed(*forms: str, help: str = "For people or for programs.") -> Callable[[AnyFunction], AnyFunction]:
    """``--format``, one of these; the first is the usual one."""
    return one_of("--format", forms, forms[0], help)


output_file = click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write to this file, whole or not at all, instead of standard output.",
)


def output(function: AnyFunction) -> AnyFunction:
    """``--output``: what the command prints goes to a file, which is there when the command has ended well."""

    @wraps(function)
    def writing(*arguments: Any, output: Path | None, **settings: Any) -> Any:
        with printing_to(output):
            return function(*arguments, **settings)

    return output_file(cast(AnyFunction, writing))


class _Unfinished(Exception):
    """The command failed, so its file is not to be."""


@contextmanager
def printing_to(file: Path | None) -> Iterator[None]:
    """What the block prints goes to ``file``, which takes the place of what was there when the block has ended well;
    that nothing was found is an answer too. With None it is printed.

    Raises StorageError when the file cannot be written.
    """
    if file is None:
        yield
        return
    from search.cli.files import replacing

    ended: Exception | None = None
    try:
        with replacing(file) as stream, redirect_stdout(stream):
            try:
                yield
            except click.exceptions.Exit as exit:
                ended = exit
            except Exception as error:
                ended = error  # not the file's: replacing would say that it could not be written
                raise _Unfinished from error
    except _Unfinished:
        pass
    if ended is not None:
        raise ended


def embedding(function: AnyFunction) -> AnyFunction:
    """``--dimension`` and ``--precision``, of the commands that embed."""
    dimension = click.option(
        "--dimension",
        type=click.IntRange(min=1),
        metavar="N",
        help="Keep the first N dimensions of each vector, for models trained so (Matryoshka).",
    )
    precision = one_of(
        "--precision",
        ("auto", "float32", "bfloat16"),
        "auto",
        "The arithmetic of embedding; auto takes what is measured to be the fastest here.",
    )
    return dimension(precision(function))


def asks(*settings: Setting, **defaults: Any) -> Callable[[AnyFunction], AnyFunction]:
    """An option for each setting; ``defaults`` of this command by their names, where they are others."""

    def decorate(function: AnyFunction) -> AnyFunction:
        for one in reversed(settings):
            function = option(one._replace(default=defaults.get(one.name, one.default)))(function)
        return function

    return decorate


def option(setting: Setting) -> Callable[[AnyFunction], AnyFunction]:
    """The option that a setting is on the command line."""
    names = [f"--{setting.option}", setting.name]
    if setting.short:
        names.insert(0, f"-{setting.short}")
    kind: Any = None
    example = setting.example or None
    if issubclass(setting.kind, StrEnum):
        kind = click.Choice([str(value) for value in setting.kind])
    elif setting.kind is int:
        kind, example = click.IntRange(setting.least, setting.most), example or "N"
    elif setting.kind is float:
        kind, example = click.FloatRange(setting.least, setting.most), f"{setting.least:g}..{setting.most:g}"
    if setting.kind is bool:
        return click.option(*names, is_flag=True, help=setting.help)
    if setting.many:
        help = f"{setting.help[:-1]}; may be repeated."
        return click.option(*names, multiple=True, type=kind, metavar=example, callback=_valid, help=help)
    default = (
        None if setting.default is None else setting.default if setting.kind in (int, float) else str(setting.default)
    )
    return click.option(
        *names,
        type=kind,
        default=default,
        show_default=default is not None,
        metavar=example,
        callback=_valid,
        help=setting.help,
    )


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that a command was given as the keyword arguments of an archive's methods."""
    return gathered({name: None if value == () else value for name, value in values.items()})


def _valid(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    if value != value:  # not a number: compares false with any bound
        raise click.BadParameter("not a number.", ctx, param)
    return valid_text(ctx, param, value)


def valid_text(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Refuse arguments with bytes that are not text in the terminal's encoding, before they reach a query."""
    for item in value if isinstance(value, tuple) else (value,):
        if isinstance(item, str) and any("\ud800" <= c <= "\udfff" for c in item):
            raise click.BadParameter("not valid text in this terminal's encoding.", ctx, param)
    return value


@contextmanager
def opened(folder: Path, **settings: Any) -> Iterator[Archive]:
    """The archive, closed again at the end of the block. The one place where the command line imports the engine."""
    from search.archive import Archive

    with Archive.open(folder, **settings) as archive:
        yield archive


def styled() -> bool:
    """Whether results may carry bold and dim: a terminal that can, and nobody asked for plain text."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def asking() -> bool:
    """Whether somebody is there to answer a question."""
    return sys.stdin is not None and sys.stdin.isatty()


def confirm(question: str) -> bool:
    """The answer to a question asked on the terminal. Raises UsageError where there is nobody to ask."""
    if not asking():
        raise UsageError("nobody can be asked here; add --yes to go ahead")
    return click.confirm(question, err=True)


def again(function: AnyFunction) -> AnyFunction:
    """``--index`` and ``--debug`` after the name of what is to be done, too."""
    index = click.option(
        "--index",
        "folder",
        type=click.Path(path_type=Path),
        callback=lambda ctx, _, value: ctx.obj if value is None else value,
        metavar="FOLDER",
        help="The archive.",
    )
    return index(debug(function))

"""The ``broadsheet`` command: a table of commands, each imported when it is run, and one place for exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from search._version import __version__

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from search.errors import UsageError

# A command's module is imported only when it runs or its own help is asked; the group's help reads this table.
COMMANDS = {
    "index": "Add articles to an archive, creating it if there is none.",
    "watch": "Index files as they appear, and feeds as they bring news.",
    "embed": "Give an archive its vectors, or another model's.",
    "search": "Search an archive.",
    "context": "Passages for a model's prompt.",
    "show": "Show one article.",
    "story": "Show the copies of an article's text, and what they changed.",
    "stories": "List the most carried stories among what matches.",
    "similar": "Show articles of the same subject as another one.",
    "background": "Show what to have read before an article.",
    "delete": "Delete articles.",
    "facets": "Count what matches by source, author, section, date and more.",
    "timeline": "Count what matches over time.",
    "first": "Show the earliest articles that match.",
    "sample": "Draw articles at random from all that match, for coders.",
    "terms": "List the words and phrases that set what matches apart.",
    "collect": "Keep named lists of articles, with tags and notes.",
    "receipt": "Verify receipts of earlier answers, and show them.",
    "alerts": "Save queries, and see what is new to them.",
    "stats": "Show what an archive holds.",
    "reanalyse": "Read the words of all articles again, each in its own language.",
    "regroup": "Find out again which articles are copies of one text.",
    "optimize": "Merge an archive's segments into one.",
    "doctor": "Check an archive for damage, and repair it.",
    "export": "Write everything in an archive as lines of JSON.",
    "import": "Read back what export wrote.",
    "backup": "Back an archive up.",
    "restore": "Make an archive of a backup.",
    "evaluate": "Measure the quality of rankings against judgements.",
    "tune": "Find what an archive is best ranked by.",
    "serve": "Serve an archive over HTTP.",
    "mcp": "Serve an archive to assistants by the Model Context Protocol.",
    "help": "Explain a topic, or a command.",
    "completion": "Print what makes a shell complete commands and options.",
}

UNCONFIGURED = ("help", "completion")  # they work whatever stands in the user's file of defaults


class Commands(click.Group):
    """A group whose commands are modules of this package, and which turns errors into exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module = "import_" if cmd_name == "import" else cmd_name  # no module can have a keyword's name
        command = import_module(f"search.cli.{module}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands and their help lines, from the table."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; an unknown name gets the nearest one suggested."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, n=1)
            suggestion = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"There is no command {printable(args[0])!r}.{suggestion}")
        name, command, rest = super().resolve_command(ctx, args)
        if name is not None and command is not None and name not in UNCONFIGURED and not ctx.resilient_parsing:
            from search.cli import config

            ctx.default_map = {name: config.defaults(ctx, name, command, COMMANDS)}
        return name, command, rest

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """What a shell offers for the beginning of a command's name, or of an option of the group."""
        from click.shell_completion import CompletionItem

        names = [CompletionItem(name, help=text) for name, text in COMMANDS.items() if name.startswith(incomplete)]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command. What it raises becomes a message and an exit code here and nowhere else."""
        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()  # a closed pipe shows here, not in the interpreter's last breath
        except (click.exceptions.Exit, click.ClickException, click.Abort):
            raise
        except BaseException as error:
            ctx.exit(report(error, debug=bool(ctx.meta.get(DEBUG))))

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Click's ``main``, except that an interruption exits 130, also outside a command."""
        try:
            code = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except click.ClickException as error:
            if not standalone_mode:
                raise
            error.show()
            code = error.exit_code
        except click.Abort:
            if not standalone_mode:
                raise
            code = report(KeyboardInterrupt(), debug=False)
        return sys.exit(code) if standalone_mode else code


DEBUG = "search.debug"


def remember_debug(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    """``--debug``, before or after the command's name."""
    if value:
        ctx.meta[DEBUG] = True


def printable(text: str) -> str:
    """What the user typed, fit to be printed back."""
    return "".join(c if c.isprintable() else "?" for c in text)


def report(error: BaseException, *, debug: bool) -> int:
    """Say on stderr what went wrong, in one line where that is enough; the exit code for it."""
    from search.errors import QueryError, SearchError, UsageError

    if isinstance(error, BrokenPipeError):
        _let_go()  # whoever read us has had enough (``| head``): nothing is wrong
        return 0
    if debug:
        import traceback

        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    if isinstance(error, RuntimeError) and isinstance(error.__context__, KeyboardInterrupt):
        error = error.__context__  # it came while a lock was taken, and what let go of the lock found it free
    if isinstance(error, KeyboardInterrupt):
        if sys.stderr.isatty():
            click.echo(err=True)  # leave the line with ^C on it
        _say(str(error) or "interrupted")
        return 130
    if isinstance(error, SearchError):
        _say(_in_options(error) if isinstance(error, UsageError) and error.settings else str(error))
        if isinstance(error, QueryError) and (pointer := error.pointer()):
            click.echo(pointer, err=True)
        return error.exit_code
    if isinstance(error, OSError):
        where = "standard output: " if _let_go() else f"{error.filename}: " if error.filename else ""
        _say(f"{where}{error.strerror or error}")
        return 3
    if isinstance(error, MemoryError):
        _say("out of memory; a smaller --batch needs less")
        return 3
    if isinstance(error, SystemExit):
        raise error
    _say(f"internal error, {type(error).__name__}: {error}; --debug shows where. Please report it.")
    return 3


def _in_options(error: UsageError) -> str:
    """The message with the options that are at fault by their own names."""
    from search.engine.request import NAMED

    return error.told({name: f"--{one.option}" for name, one in NAMED.items()})


def _let_go() -> bool:
    """Send what a stream still holds and cannot write to nowhere, since the interpreter would try once more as it ends,
    and exit with 120. Whether standard output was such a stream."""
    held = []
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            sink = os.open(os.devnull, os.O_WRONLY)
            os.dup2(sink, stream.fileno())
            os.close(sink)
            held.append(stream)
    return sys.stdout in held


def _say(message: str) -> None:
    from search.cli.text import clean

    click.echo(f"broadsheet: {clean(message).strip()}", err=True)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="broadsheet")
@click.option(
    "--debug",
    is_flag=True,
    envvar="BROADSHEET_DEBUG",
    show_envvar=True,
    expose_value=False,
    callback=remember_debug,
    help="Show where an error comes from.",
)
def cli() -> None:
    """Search news archives by words, by meaning, or by both.

    Exit codes: 0 done; 1 nothing found, or problems found by doctor; 2 a wrong option, query or input; 3 an archive
    that is missing, locked or damaged, or a full disk; 130 interrupted.
    """

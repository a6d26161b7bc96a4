"""``broadsheet help``."""

from __future__ import annotations

import click

from search.cli.main import COMMANDS, printable
from search.cli.options import debug
from search.errors import UsageError


def _subjects(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """What a shell offers: the topics, then the commands."""
    from search.cli import pages

    return [name for name in (*pages.topics(), *COMMANDS) if name.startswith(incomplete)]


@click.command("help")
@click.argument("topic", required=False, metavar="[TOPIC|COMMAND]", shell_complete=_subjects)
@click.option("--man", is_flag=True, help="Print all of it as a manual page, for man.")
@debug
@click.pass_context
def command(ctx: click.Context, /, topic: str | None, man: bool) -> None:
    """Explain a topic, or a command.

    Without one: the commands, and the topics. 'broadsheet help query' is the page on how to write a query.
    """
    from search.cli import pages, pretty
    from search.cli.options import styled

    group = ctx.parent
    assert group is not None
    assert isinstance(group.command, click.Group)
    if man:
        if topic is not None:
            raise UsageError("--man is the page of all commands; it goes with no TOPIC")
        from search.cli.man import page

        for text in page(group.command):
            click.echo(text)
    elif topic is None:
        click.echo(group.get_help())
        formatter = ctx.make_formatter()
        with formatter.section("Topics"):
            formatter.write_dl([(name, pages.title(name)) for name in pages.topics()])
        click.echo(f"\n{formatter.getvalue()}", nl=False)
    elif topic in pages.topics():
        for text in pages.drawn(pages.page(topic), pretty.columns(), styled()):
            click.echo(text)
    else:
        found = group.command.get_command(group, topic) if topic in COMMANDS else None
        if found is None:
            known = ", ".join(pages.topics())
            raise UsageError(f"there is no help on {printable(topic)!r}; the topics are {known}, or name a command")
        with click.Context(found, group, topic) as inner:
            click.echo(found.get_help(inner))

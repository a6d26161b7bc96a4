"""``broadsheet help``."""

from __future__ import annotations

import click

from search.cli.main import COMMANDS, printable
from search.cli.options import debug
from search.errors import UsageError


@click.command("help")
@click.argument("topic", required=False, metavar="[query|COMMAND]")
@debug
@click.pass_context
def command(ctx: click.Context, /, topic: str | None) -> None:
    """Explain the query language, or a command.

    'broadsheet help query' is the page on how to write a query, with examples.
    """
    group = ctx.parent
    assert group is not None
    assert isinstance(group.command, click.Group)
    if topic is None:
        click.echo(group.get_help())
    elif topic == "query":
        from search.query.help import help_text

        click.echo(help_text(), nl=False)
    else:
        found = group.command.get_command(group, topic) if topic in COMMANDS else None
        if found is None:
            raise UsageError(f"there is no help on {printable(topic)!r}; try: broadsheet help query")
        with click.Context(found, group, topic) as inner:
            click.echo(found.get_help(inner))

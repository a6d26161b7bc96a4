"""``broadsheet collect``."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from search.cli.matching import no_terminal, put_workbook
from search.cli.options import again, common, confirm, counted, opened, output, printed, valid_text
from search.cli.text import line
from search.errors import UsageError
from search.exports.collected import COLLECTED, written
from search.exports.workbook import Workbook

if TYPE_CHECKING:
    from search.archive import Archive
    from search.records.collections import Member


class _Named(click.Group):
    """What is done to a collection stands behind its name, and options behind that."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is asked for; for an option in its place, where that belongs."""
        option = args[0].partition("=")[0] if args else ""
        if any(option in parameter.opts for command in self.commands.values() for parameter in command.params):
            todo = next((arg for arg in args[1:] if arg in self.commands), "add")
            raise click.UsageError(
                f"{option} stands before what is to be done; options go behind it: "
                f"broadsheet collect {ctx.params.get('name')} {todo} {option} ..., or before the name: "
                f"broadsheet collect {option} ... {ctx.params.get('name')} {todo}",
                ctx,
            )
        return super().resolve_command(ctx, args)


@click.group("collect", cls=_Named, invoke_without_command=True, subcommand_metavar="[NAME COMMAND [ARGS]...]")
@click.argument("name", required=False, callback=valid_text)
@common
@click.pass_context
def command(ctx: click.Context, /, name: str | None, folder: Path) -> None:
    """Keep named lists of articles, with tags and notes.

    'collect NAME add ID...' fills one, 'search in:NAME' searches in it, 'collect NAME export --format docx' writes it
    as a reading copy. Without a name, lists them. They are kept in one file beside the archive, FOLDER.collections.
    """
    ctx.obj = folder
    if ctx.invoked_subcommand is None:
        with opened(folder) as archive:
            if name is None:
                _list(archive)
            else:
                _show(archive, name)


def _list(archive: Archive) -> None:
    found = archive.collections()
    for one in found:
        note = f" ({one.note})" if one.note else ""
        click.echo(line(f"{one.name}: {counted(one.articles, 'article')}{note}"))
    if not found:
        click.echo("nothing was collected yet; begin with: broadsheet collect NAME add ID...", err=True)


def _show(archive: Archive, name: str) -> None:
    members = archive.collection(name)
    for member in members:
        click.echo(_line(member))
    click.echo(counted(len(members), "article"), err=True)
    _missing(members)


def _line(member: Member) -> str:
    tags = f"[{', '.join(member.tags)}]" if member.tags else ""
    gone = "" if member.there else "(not in the archive any more)"
    title = f"{member.source}: {member.title}"
    return line(" ".join(part for part in (member.id, member.published[:10], title, tags, member.note, gone) if part))


def _missing(members: Iterable[Member]) -> None:
    gone = [member.id for member in members if not member.there]
    if gone:
        named = ", ".join(map(line, gone[:10])) + (f" and {len(gone) - 10:,} more" if len(gone) > 10 else "")
        click.echo(f"{counted(len(gone), 'article')} not in the archive any more: {named}", err=True)


def _name(ctx: click.Context) -> str:
    """The collection, which is named before what is to be done."""
    assert ctx.parent is not None
    return str(ctx.parent.params["name"])


@command.command("add")
@click.argument("ids", nargs=-1, metavar="[ID]...", callback=valid_text)
@click.option("--query", metavar="QUERY", callback=valid_text, help="Also all that matches, with a receipt of it.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", callback=valid_text, help="Tag them; may be repeated.")
@click.option("--note", metavar="TEXT", callback=valid_text, help="Note this of each.")
@again
@click.pass_context
def add(
    ctx: click.Context,
    /,
    folder: Path,
    ids: tuple[str, ...],
    query: str | None,
    tags: tuple[str, ...],
    note: str | None,
) -> None:
    """Add articles by id or by a query (- reads ids from standard input, a line each).

    Those that are there already get the tags too, and the note. Exits 1 when an id is of no article.
    """
    name = _name(ctx)
    if ids == ("-",):
        ids = tuple(text for text in (each.strip() for each in sys.stdin) if text)
    if not ids and query is None:
        raise UsageError("give an ID, or --query QUERY")
    with opened(folder) as archive:
        done = archive.collect(name, ids, query=query, tags=tags, note=note)
    changed = f", {done.changed:,} tagged or noted" if done.changed else ""
    click.echo(f"{counted(done.added, 'article')} added{changed}; {line(name)} has {done.articles:,}", err=True)
    for one in done.unknown:
        click.echo(line(f"no article has the id {one!r}"), err=True)
    if done.unknown:
        ctx.exit(1)


@command.command("remove")
@click.argument("ids", nargs=-1, required=True, metavar="ID...", callback=valid_text)
@again
@click.pass_context
def remove(ctx: click.Context, /, folder: Path, ids: tuple[str, ...]) -> None:
    """Take articles out; they stay in the archive. Exits 1 when an id is not in the collection."""
    name = _name(ctx)
    with opened(folder) as archive:
        done = archive.uncollect(name, ids)
    click.echo(f"{counted(done.removed, 'article')} taken out; {line(name)} has {done.articles:,}", err=True)
    for one in done.unknown:
        click.echo(line(f"{one!r} is not in {name}"), err=True)
    if done.unknown:
        ctx.exit(1)


@command.command("note")
@click.argument("text", callback=valid_text)
@again
@click.pass_context
def note(ctx: click.Context, /, folder: Path, text: str) -> None:
    """Note something of the whole collection."""
    name = _name(ctx)
    with opened(folder) as archive:
        archive.annotate(name, text)


@command.command("drop")
@click.option("--yes", is_flag=True, help="Do not ask.")
@again
@click.pass_context
def drop(ctx: click.Context, /, folder: Path, yes: bool) -> None:
    """Forget the collection with its tags and notes. The articles stay in the archive."""
    name = _name(ctx)
    with opened(folder) as archive:
        members = archive.collection(name)
        if not yes and not confirm(f"Forget {line(name)} with {counted(len(members), 'article')}?"):
            raise click.Abort
        archive.drop_collection(name)


@command.command("export")
@printed(*COLLECTED, help="A table, entries for a reference manager, or a reading copy (html, docx).")
@output
@again
@click.pass_context
def export(ctx: click.Context, /, folder: Path, format: str) -> None:
    """Write the collection for other programs, or to be read.

    A reading copy has contents, the articles, citations and the receipts of the searches that filled it. Articles that
    the archive has no more are in the tables and the reading copy by what was kept of them.
    """
    name = _name(ctx)
    with opened(folder) as archive:
        copy = archive.dossier(name)
    if format == "xlsx":
        no_terminal(name)
    if format == "docx" and sys.stdout.isatty():
        raise UsageError(f"a document of Word is no text; write it to a file: --format docx --output {name}.docx")
    file = written(copy, format)
    if format in ("xlsx", "docx"):
        put_workbook(Workbook(file.data, file.cut))
    else:
        click.echo(file.data.decode(), nl=False)
    _missing(member for member, _ in copy.entries)

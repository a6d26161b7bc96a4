"""``broadsheet delete``."""

from __future__ import annotations

from pathlib import Path

import click

from search.cli.options import common, confirm, counted, opened, valid_text
from search.cli.text import cut, line
from search.errors import ArticleNotFound, UsageError

SHOWN = 5  # articles named in the question


@click.command("delete")
@click.argument("ids", nargs=-1, metavar="[ID]...", callback=valid_text)
@common
@click.option("--query", metavar="QUERY", callback=valid_text, help="Delete every article that matches.")
@click.option("--purge", is_flag=True, help="Take their bytes out of every file at once, for legal takedowns.")
@click.option("--yes", is_flag=True, help="Do not ask before deleting what --query matches.")
@click.option("--wait", is_flag=True, help="Wait while another process writes to the archive.")
@click.pass_context
def command(
    ctx: click.Context, /, ids: tuple[str, ...], folder: Path, query: str | None, purge: bool, yes: bool, wait: bool
) -> None:
    """Delete articles.

    Give IDs, or a query whose match set goes: the articles under its constraints with all of its words. Exits 1 when
    there is nothing to delete.
    """
    if bool(ids) == (query is not None):
        raise UsageError("give IDs, or --query, and not both")
    if query is not None and not query.strip():
        raise UsageError("an empty --query would delete everything; nothing was deleted")
    with opened(folder, wait=wait) as archive:
        if query is None:
            wanted = list(dict.fromkeys(ids))
            unknown = [one for one in wanted if one not in archive]
            for one in unknown:
                click.echo(f"no article has the id {line(one)!r}", err=True)
            gone = archive.delete(wanted, purge=purge) if len(unknown) < len(wanted) else 0
            if not gone:
                raise ArticleNotFound("nothing to delete")
        else:
            # By date, so that the question needs no vectors and no ranking.
            results = archive.search(query, limit=SHOWN, sort="newest", passages=0)
            if not results.total:
                raise ArticleNotFound("nothing matches; nothing was deleted")
            if not yes:
                for hit in results:
                    click.echo(cut(f"{hit.article.id}  {hit.article.title}", 100), err=True)
                if results.total > len(results):
                    click.echo(f"and {results.total - len(results):,} more", err=True)
                if not confirm(f"Delete {counted(results.total, 'article')} from {folder}?"):
                    click.echo("nothing was deleted", err=True)
                    ctx.exit(1)
            gone = archive.delete_matching(query, purge=purge)
    click.echo(f"{counted(gone, 'article')} {'purged' if purge else 'deleted'}", err=True)

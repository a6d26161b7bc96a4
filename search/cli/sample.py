"""``broadsheet sample``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli import pretty
from search.cli.matching import asked, match_set, no_terminal, put_workbook
from search.cli.options import UNSAID, common, counted
from search.cli.options import opened as opened_archive
from search.cli.text import line
from search.declarations import values
from search.engine.request import SAMPLE
from search.exports import formats
from search.exports.files import FORMS

if TYPE_CHECKING:
    from search.records import Sample

FORMATS = ("pretty", "json", "xlsx", *FORMS)


@click.command("sample")
@common
@match_set(*SAMPLE, forms=FORMATS, help="For people or for programs; xlsx is a table for Excel.")
@click.pass_context
def command(ctx: click.Context, /, folder: Path, format: str, **settings: Any) -> None:
    """Draw articles at random from all that match, for coders.

    The same seed draws the same articles, and a larger sample holds the smaller one. --by draws from each stratum, and
    says how many there are. Exits 1 when nothing matches.
    """
    query, options = asked(settings)
    with opened_archive(folder) as archive:
        drawn = archive.sample(query, **options)
    if format == "json":
        click.echo(formats.dumps(values(drawn, UNSAID), indent=2))
    elif format == "xlsx":
        from search.exports.workbook import workbook

        no_terminal("sample")
        put_workbook(workbook(drawn.hits))
    elif format == "pretty":
        for hit in drawn.hits:
            article = hit.article
            day = "" if article.published is None else article.published.isoformat()[:10]
            click.echo(line(f"{article.id} {day} {article.source}: {article.title}"))
    else:
        for text in FORMS[format].lines(drawn.hits):
            click.echo(text)
    for text in _remarks(drawn):
        click.echo(text, err=True)
    if not drawn.total:
        ctx.exit(1)


def _remarks(drawn: Sample) -> Iterator[str]:
    for stratum in drawn.strata:
        yield f"{line(stratum.value) or '(none)'}: {stratum.drawn:,} of {stratum.articles:,}"
    whole = pretty.things(drawn.total, drawn.stories)
    yield f"{counted(len(drawn.hits), 'article')} drawn of {whole}, seed {drawn.seed}"
    yield from map(line, drawn.notes)

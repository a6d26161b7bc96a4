"""Hits on standard output, and what there is to say of them on the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from search.cli import pretty
from search.cli.matching import no_terminal, put_workbook
from search.cli.options import UNSAID, styled
from search.cli.text import line
from search.declarations import values
from search.exports import formats
from search.exports.files import FORMS

if TYPE_CHECKING:
    from search.records import Results

BOM = "\ufeff"
"""What Excel knows a file of UTF-8 by."""


def put(results: Results, format: str, excel: bool = False, receipt: str | None = None) -> None:
    """Hits in a format, and remarks; with the id of their ``receipt``, where there is one and the format has room for
    it. Raises UsageError for a workbook on a terminal."""
    if format == "pretty":
        lines: Iterable[str] = pretty.hits(results, style=styled())
    elif format == "json":
        named = {} if receipt is None else {"receipt": receipt}
        lines = [formats.dumps(values(results, UNSAID) | named, indent=2)]
    elif format == "xlsx":
        lines = ()
        _workbook(results, receipt)
    else:
        if excel:
            click.echo(BOM, nl=False)
        lines = FORMS[format].lines(results)
        if receipt is not None:
            from search.exports.receipts import naming

            lines = naming(format, receipt, lines)
    for text in lines:
        click.echo(text)
    if results and format == "pretty":
        click.echo(err=True)
    for text in _remarks(results):
        click.echo(text, err=True)


def _remarks(results: Results) -> Iterator[str]:
    yield pretty.summary(results)
    yield from map(line, results.notes)
    if results.did_you_mean is not None:
        yield f"did you mean: {line(results.did_you_mean)}"


def _workbook(results: Results, receipt: str | None) -> None:
    from search.exports.workbook import workbook as made

    no_terminal("hits")
    put_workbook(made(results, receipt))

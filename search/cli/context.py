"""``broadsheet context``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli.options import asks, common, counted, given, opened, output, printed, timings, valid_text
from search.cli.receipts import check as check_name
from search.cli.receipts import receipt_file, write
from search.cli.text import clean, line
from search.engine.request import CONTEXT

if TYPE_CHECKING:
    from search.rag.context import Context
    from search.rag.quotes import QuoteReport

FORMATS = ("text", "json", "messages")


@click.command("context")
@click.argument("question", nargs=-1, required=True, metavar="QUERY...", callback=valid_text)
@common
@asks(*CONTEXT)
@click.option(
    "--check",
    type=click.File(encoding="utf-8"),
    metavar="FILE",
    help="Check the quotations of the answer in FILE (- is stdin) and print what is wrong instead.",
)
@timings
@printed(*FORMATS, help="Numbered passages, a JSON object, or chat messages in JSON.")
@receipt_file
@output
@click.pass_context
def command(
    ctx: click.Context,
    /,
    question: tuple[str, ...],
    folder: Path,
    format: str,
    check: Any,
    receipt: Path | None,
    **settings: Any,
) -> None:
    """Passages for a model's prompt.

    QUERY is a question; the passages that bear on it come numbered, in no more than --budget tokens. What was detected
    in it, and notes, go to standard error. Exits 1 when nothing is found, or when --check finds a fault.
    """
    report = None
    check_name(receipt)
    with opened(folder) as archive:
        text = " ".join(question)
        made = None if receipt is None else archive.receipt("context", text, **given(settings))
        context = archive.retrieve(text, **given(settings)) if made is None else made.answer
        if check is not None:
            from search.rag import check_quotes

            try:
                answer = check.read()
            except UnicodeDecodeError as error:
                raise click.BadParameter("not UTF-8 text.", ctx, param_hint="--check") from error
            report = check_quotes(answer, context, archive.get)
    if made is not None and receipt is not None:
        write(made, receipt)
    if report is None:
        _print(context, format)
    else:
        for text in _faults(report):
            click.echo(text)
        click.echo(
            f"{counted(len(report.quotes), 'quotation')}, {counted(len(report.marks), 'mark')}, "
            f"{counted(report.faults, 'fault')}",
            err=True,
        )
    for text in _remarks(context):
        click.echo(text, err=True)
    if not context.passages or (report is not None and not report.ok):
        ctx.exit(1)


def _print(context: Context, format: str) -> None:
    from search.declarations import values
    from search.exports import formats

    if format == "json":
        click.echo(formats.dumps(values(context), indent=2))
    elif format == "messages":
        click.echo(formats.dumps(context.messages(), indent=2))
    elif context.passages:
        click.echo(clean(context.text()))


def _faults(report: QuoteReport) -> Iterator[str]:
    for one in report.quotes:
        if one.verdict == "elsewhere" and one.found is not None:
            yield "elsewhere  " + line(f'"{one.text}" stands in [{one.found.number}] {one.found.article_id}')
        elif one.verdict in ("missing", "altered", "unread"):
            yield f"{one.verdict:<11}" + line(f'"{one.text}"')
            if one.nearest is not None:
                label = "  nearest  " if one.verdict == "missing" else "  really   "
                yield label + line(f'"{one.nearest.text}" [{one.nearest.number}] {one.nearest.article_id}')
    for mark in report.marks:
        if mark.verdict == "missing":
            yield f"missing    no passage has the mark [{mark.number}]"
        elif mark.verdict == "unread":
            yield f"unread     the marks from character {mark.start:,} on: there are too many"


def _remarks(context: Context) -> Iterator[str]:
    yield (
        f"{counted(len(context), 'passage')}, {context.tokens:,} of {context.budget:,} tokens, "
        f"{context.took_ms:,.0f} ms"
    )
    for one in context.detected:
        use = {"prefer": "preferred", "filter": "required", "off": "ignored"}[context.detect]
        yield line(f"detected {one.clause} ({use}) in {context.question[one.start : one.end]!r}")
    if len(context.parts) > 1:
        for part in context.parts:
            yield line(f"part: {part}")
    yield from map(line, context.notes)

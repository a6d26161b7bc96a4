"""``broadsheet evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli.files import replacing
from search.cli.options import common, counted, opened, output, printed
from search.cli.progress import Meter
from search.cli.text import line
from search.errors import UsageError
from search.exports import formats
from search.records import Mode

if TYPE_CHECKING:
    from search.evaluation import Quality

MODES = (Mode.KEYWORD, Mode.VECTOR, Mode.HYBRID)


def _modes(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[Mode, ...] | None:
    """Modes parted by commas."""
    if value is None:
        return None
    names = [name.strip() for name in value.split(",")]
    if not all(name in MODES for name in names):
        raise click.BadParameter(f"{value!r} is not a list of {', '.join(MODES)}.", ctx, param)
    return tuple(Mode(name) for name in names)


@click.command("evaluate")
@common
@click.option(
    "--queries",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The queries: JSON lines as BEIR has them, or 'id TAB text'.",
)
@click.option(
    "--qrels",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The judgements: TREC's four columns, or BEIR's three.",
)
@click.option(
    "--run",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Also write the rankings as TREC runs: FILE with the mode before its suffix.",
)
@click.option("--modes", callback=_modes, metavar="M,M", help="Only these of keyword, vector and hybrid.")
@click.option(
    "--depth",
    type=click.IntRange(100, 1000),
    default=1000,
    show_default=True,
    help="Hits ranked for each query.",
)
@printed("pretty", "json")
@output
def command(
    folder: Path,
    queries: Path,
    qrels: Path,
    run: Path | None,
    modes: tuple[Mode, ...] | None,
    depth: int,
    format: str,
) -> None:
    """Measure the quality of rankings against judgements.

    Queries are searched as they stand, without operators. Files may be gzipped. Needs the extra 'evaluate'.
    """
    from search import evaluation

    if run is not None and not run.name:
        raise UsageError("--run needs a file name")
    batch = evaluation.read_queries(queries)
    judgements = evaluation.read_qrels(qrels)
    with opened(folder) as archive, Meter("searches") as meter:
        quality = evaluation.evaluate(
            archive,
            batch,
            judgements,
            modes=modes,
            depth=depth,
            progress=lambda done, total: meter.show(done, total=total),
        )
    if format == "json":
        click.echo(formats.dumps(_record(quality), indent=2))
    else:
        for text in _table(quality):
            click.echo(text)
    for text in _remarks(quality):
        click.echo(line(text), err=True)
    if run is None:
        return
    for mode, ranked in quality.runs.items():
        path = run.with_name(f"{run.stem}.{mode}{run.suffix}")
        with replacing(path) as file:
            file.writelines(evaluation.run_lines(ranked, f"broadsheet-{mode}"))
        click.echo(f"wrote {path}", err=True)


def _record(quality: Quality) -> dict[str, Any]:
    return {
        "queries": quality.queries,
        "judged_documents": quality.judged,
        "missing_documents": quality.missing,
        "measures": {
            str(mode): {name: round(value, 4) for name, value in measures.items()}
            for mode, measures in quality.measures.items()
        },
    }


def _table(quality: Quality) -> list[str]:
    """A row a mode, a column a measure."""
    rows: list[str] = []
    for mode, measures in quality.measures.items():
        if not rows:
            rows.append("".join([f"{'mode':<8}", *(f"{name:>9}" for name in measures)]))
        figures = [f"{value:9.4f}" for value in measures.values()]
        rows.append("".join([f"{mode:<8}", *figures]))
    return rows


def _remarks(quality: Quality) -> list[str]:
    said = [f"{counted(quality.queries, 'query', 'queries')}, {counted(quality.judged, 'judged document')}"]
    if quality.missing:
        said.append(f"{counted(quality.missing, 'judged document')} not in the archive: no ranking can find them")
    if quality.unjudged:
        said.append(f"not run, for want of judgements: {counted(quality.unjudged, 'query', 'queries')}")
    if quality.unknown:
        unknown = counted(quality.unknown, "query", "queries")
        said.append(f"not used: judgements of {unknown} that the query file lacks")
    return said + list(quality.notes)

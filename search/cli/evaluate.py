"""``broadsheet evaluate``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli.files import replacing
from search.cli.matching import TABLES, put_table
from search.cli.options import common, counted, opened, output, printed
from search.cli.progress import Meter
from search.cli.text import line
from search.declarations import settings as settings_of
from search.errors import UsageError
from search.exports import formats
from search.records import Mode

if TYPE_CHECKING:
    from search.evaluation import Qrels, Quality, Query
    from search.evaluation.comparison import Comparison

MODES = (Mode.KEYWORD, Mode.VECTOR, Mode.HYBRID)
_COMPARED = frozenset(
    {"mode", "recency", "as_of", "diversity", "per_source", "fusion", "weight", "detect", "rerank", "copies"}
)


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
@click.option(
    "--compare",
    nargs=2,
    metavar="A B",
    help="Compare two settings ('weight=0.3', 'mode=keyword detect=off') or archives (their folders).",
)
@printed("pretty", "json", *TABLES, help="For people or for programs; xlsx is a table for Excel.")
@output
def command(
    folder: Path,
    queries: Path,
    qrels: Path,
    run: Path | None,
    modes: tuple[Mode, ...] | None,
    depth: int,
    compare: tuple[str, str] | None,
    format: str,
) -> None:
    """Measure the quality of rankings against judgements.

    Queries are searched as they stand, without operators. Files may be gzipped. Needs the extra 'evaluate'. --compare
    says by how much B differs from A, query by query, and whether that is more than noise.
    """
    from search import evaluation

    if run is not None and not run.name:
        raise UsageError("--run needs a file name")
    batch = evaluation.read_queries(queries)
    judgements = evaluation.read_qrels(qrels)
    if compare is not None:
        if run is not None:
            raise UsageError("--run and --compare cannot go together")
        _compare(folder, compare, batch, judgements, modes, depth, format)
        return
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
    elif format in TABLES:
        put_table("quality", _rows(quality), format)
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


def _compare(
    folder: Path,
    sides: tuple[str, str],
    queries: Sequence[Query],
    qrels: Qrels,
    modes: tuple[Mode, ...] | None,
    depth: int,
    format: str,
) -> None:
    """Run both sides, and print what differs of each measure in each mode that both can serve."""
    from dataclasses import asdict

    from search import evaluation
    from search.evaluation.comparison import compare

    judged = {query.query_id: qrels[query.query_id] for query in queries if query.query_id in qrels}
    qualities: list[Quality] = []
    for side in sides:
        path, settings = _side(folder, side)
        own = (settings.pop("mode"),) if "mode" in settings else modes
        with opened(path) as archive, Meter("searches") as meter:
            qualities.append(
                evaluation.evaluate(
                    archive,
                    queries,
                    qrels,
                    modes=own,
                    depth=depth,
                    settings=settings,
                    progress=lambda done, total, meter=meter: meter.show(done, total=total),  # type: ignore[misc]
                )
            )
    first, second = (
        {mode: evaluation.by_query(run, judged) for mode, run in quality.runs.items()} for quality in qualities
    )
    pairs = [(mode, mode) for mode in first if mode in second]
    if len(first) == len(second) == 1:  # one mode against another
        pairs = [(next(iter(first)), next(iter(second)))]
    if not pairs:
        raise UsageError("the two sides have no mode in common; name one with --modes")
    found = {
        (str(one) if one == other else f"{one}/{other}"): {
            name: compare(first[one][name], second[other][name]) for name in evaluation.MEASURES
        }
        for one, other in pairs
    }
    if format == "json":
        plain = {mode: {name: asdict(one) for name, one in each.items()} for mode, each in found.items()}
        click.echo(formats.dumps({"compared": list(sides), "modes": plain}, indent=2))
    elif format in TABLES:
        put_table("compared", _rows_compared(found), format)
    else:
        click.echo(f"{'mode':<16}{'measure':<9}{'A':>9}{'B':>9}{'B - A':>10}{'95 %':>20}{'p':>9}   better, worse")
        for mode, each in found.items():
            for name, one in each.items():
                interval = f"[{one.low:+.4f}, {one.high:+.4f}]"
                click.echo(
                    f"{mode:<16}{name:<9}{one.first:9.4f}{one.second:9.4f}{one.difference:+10.4f}{interval:>20}"
                    f"{one.p:9.4f}   {one.better:,}, {one.worse:,}{'' if one.certain else '  may be noise'}"
                )
    for quality in qualities[:1]:
        for text in _remarks(quality):
            click.echo(line(text), err=True)


def _side(folder: Path, text: str) -> tuple[Path, dict[str, Any]]:
    """An archive and the settings of its searches. Raises UsageError for what is neither a folder nor settings."""
    from search.engine.request import Request

    if "=" not in text:
        return Path(text), {}
    known = {one.name: one for one in settings_of(Request) if one.name in _COMPARED}
    found: dict[str, Any] = {}
    for part in text.split():
        name, _, value = part.partition("=")
        one = known.get(name)
        if one is None:
            raise UsageError(f"--compare knows no setting {name!r}; use {', '.join(known)}, or an archive's folder")
        try:
            found[name] = one.kind(value)
        except ValueError:
            raise UsageError(f"{value!r} is no value of the setting {name}") from None
    return folder, found


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


def _rows(quality: Quality) -> Iterator[tuple[Any, ...]]:
    """A header, and a row a mode."""
    for number, (mode, measures) in enumerate(quality.measures.items()):
        if not number:
            yield "mode", *measures
        yield str(mode), *(round(value, 4) for value in measures.values())


def _rows_compared(found: Mapping[str, Mapping[str, Comparison]]) -> Iterator[tuple[Any, ...]]:
    """A header, and a row a mode and measure."""
    from dataclasses import asdict

    for number, (mode, name, one) in enumerate(
        (mode, name, one) for mode, each in found.items() for name, one in each.items()
    ):
        if not number:
            yield "mode", "measure", *asdict(one)
        yield mode, name, *asdict(one).values()


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

"""What is tortured: small archives, every way of reading one, and every command that writes one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

from search import Archive, Article
from search.cli.import_ import lines_of

LEAVINGS = ("is named by no commit", "a purge is not finished")  # what an interrupted writer may leave
QUERIES = ("warden", "gates ward", '"said warden"', "source:Coast", "w7")
SECRET = "xylograph"  # a word of the articles that a purge takes away


def news(first: int, last: int, word: str = "dam") -> list[Article]:
    """Some articles, of several passages each."""
    return [
        Article(
            id=f"n{i}",
            title=f"Report {i} of the {word}",
            text="\n\n".join(f"The {word} leaks, said warden w{i}. The gates of ward {i + k} open." for k in range(4)),
            source=("Valley", "Coast")[i % 2],
            extra={"n": i},
        )
        for i in range(first, last)
    ]


def make(folder: Path) -> None:
    """An archive of several segments with a tombstone and a saved query, and a log that is not folded back."""
    with Archive.open(folder, create=True, model="hash") as archive:
        archive.add(news(0, 24), batch=8)
        archive.add(news(3, 4, "weir"))
        archive.delete(["n5"])
        archive.add_alert("gates", "gate")


def make_small(folder: Path) -> None:
    """A smaller one of the same kind, with articles that a purge shall take away."""
    with Archive.open(folder, create=True, model="hash") as archive:
        archive.add([*news(0, 5), *news(12, 14, SECRET)], batch=4)
        archive.add(news(3, 4, "weir"))
        archive.delete(["n1"])
        archive.add_alert("gates", "gate")


def make_mergeable(folder: Path) -> None:
    """One whose next commit makes a tenth segment of one size, so that they are merged."""
    with Archive.open(folder, create=True, model="hash") as archive:
        for i in range(9):
            archive.add(news(i, i + 1))


def content(folder: Path) -> tuple[Any, ...]:
    """Everything in an archive, as the catalog has it, but the instants at which something was made."""
    with Archive.open(folder) as archive:
        return content_of(archive)


def content_of(archive: Archive) -> tuple[Any, ...]:
    """``content`` of an open archive."""
    header, *lines, _ = archive.export()
    settings = json.loads(header)
    alerts = [(alert["name"], alert["query"]) for alert in settings["alerts"]]
    kept = {key: value for key, value in settings["settings"].items() if key in ("bm25", "encoder", "vectors")}
    return json.dumps(kept, sort_keys=True), tuple(alerts), tuple(sorted(lines))  # a line for each article


def readings() -> dict[str, Callable[[Archive], Any]]:
    """Every way of reading, by name: what it answers can be compared."""

    def hits(mode: str) -> Callable[[Archive], Any]:
        def search(archive: Archive) -> Any:
            results = [archive.search(query, mode=mode, limit=30) for query in QUERIES]
            return [
                (result.total, [(hit.article, round(hit.score, 6), hit.snippet, hit.passages) for hit in result])
                for result in results
            ]

        return search

    return {
        "keyword": hits("keyword"),
        "hybrid": hits("hybrid"),
        "vector": hits("vector"),
        "show": lambda archive: [archive.get(f"n{i}") for i in (0, 3, 7, 15, 23)],
        "passages": lambda archive: [archive.passages(f"n{i}") for i in (0, 3, 7, 15, 23)],
        "context": lambda archive: [archive.retrieve(query, budget=400).text() for query in QUERIES[:2]],
        "facets": lambda archive: archive.facets("warden").facets,
        "timeline": lambda archive: attrgetter("total", "undated", "buckets")(archive.timeline("warden")),
        "counts": lambda archive: archive.counts(),
        "all": lambda archive: (len(archive), list(archive)),
    }


def answers(archive: Archive) -> Any:
    """What an archive answers to a few searches, whatever is in it: by words, and by meaning where it has vectors."""
    asked = [("keyword", "warden"), ("keyword", '"said warden"')]
    if archive.settings["vectors"] and len(archive):
        asked += [("hybrid", "gates ward")]
    return [
        (query, result.total, [(hit.article.id, round(hit.score, 6), hit.snippet) for hit in result])
        for mode, query in asked
        for result in [archive.search(query, mode=mode, limit=30)]
    ]


@dataclass(frozen=True)
class Command:
    """A command that writes. ``prepare`` makes what it starts from in an empty folder; ``steps`` are what it does
    there, each acknowledged by returning; ``archives`` are the names of what is looked at afterwards. A step may be
    done again, and changes nothing then. ``between``: whether an archive of so many articles may lie between two steps.
    """

    name: str
    prepare: Callable[[Path], object]
    steps: tuple[Callable[[Path], object], ...]
    archives: tuple[str, ...] = ("work",)
    between: Callable[[int], bool] = lambda articles: False
    backups: str = ""  # a folder of backups, which must stay restorable


def commands() -> list[Command]:
    """Every command that writes."""

    def small(folder: Path) -> None:
        make_small(folder / "work")

    def mergeable(folder: Path) -> None:
        make_mergeable(folder / "work")

    def backed_up(folder: Path) -> None:
        small(folder)
        with Archive.open(folder / "work") as archive:
            archive.backup(folder / "safe")
            archive.add(news(20, 21))

    def interrupted(folder: Path) -> None:
        """With a keyword part that is cut short."""
        small(folder)
        part = next((folder / "work" / "segments").rglob("keyword.part"))
        part.write_bytes(part.read_bytes()[:-64])

    def on(call: Callable[[Archive], object], **how: Any) -> Callable[[Path], object]:
        def step(folder: Path) -> None:
            with Archive.open(folder / "work", **how) as archive:
                call(archive)

        return step

    def created(folder: Path) -> None:
        with Archive.open(folder / "work", create=True, model="hash") as archive:
            archive.add(news(0, 3))

    def exported(folder: Path) -> None:
        small(folder)
        with Archive.open(folder / "work") as archive:
            (folder / "lines").write_text("\n".join(archive.export()), encoding="utf-8")

    def imported(folder: Path) -> None:
        with (
            lines_of(str(folder / "lines")) as lines,  # as the command line reads them
            Archive.open(folder / "new", create=True, model="hash") as archive,
        ):
            archive.import_(lines, batch=3)

    def restored(folder: Path) -> None:
        if not (folder / "new" / "catalog.sqlite").exists():
            Archive.restore(folder / "safe", folder / "new")

    add = on(lambda archive: archive.add(news(6, 9)))
    replace = on(lambda archive: archive.add(news(0, 4, "weir")))
    delete = on(lambda archive: archive.delete(["n0", "n12"]))
    purge = on(lambda archive: archive.delete(["n12", "n13"], purge=True))
    embed = on(lambda archive: archive.embed("hash", dimension=32))
    life = (
        add,
        delete,
        on(lambda archive: archive.add(news(9, 10))),
        on(lambda archive: archive.optimize()),
        on(lambda archive: archive.delete(["n9"])),
    )
    return [
        Command("create", lambda folder: None, (created,), between=lambda articles: articles == 0),
        Command("add", small, (add,)),
        Command("replace", small, (replace,)),
        Command("delete", small, (delete,)),
        Command("purge", small, (purge,)),
        Command("merge", mergeable, (on(lambda archive: archive.add(news(9, 10))),)),
        Command("optimize", small, (on(lambda archive: archive.optimize()),)),
        Command("embed", small, (embed,)),
        Command("tune", small, (on(lambda archive: archive.tune(k1=1.7)),)),
        Command("alerts", small, (on(lambda archive: archive.run_alerts()),)),
        Command("backup", small, (on_backup,), backups="safe"),
        Command("backup again", backed_up, (on_backup,), backups="safe"),
        Command("restore", backed_up, (restored,), archives=("work", "new"), backups="safe"),
        Command(
            "restore over another",
            backed_up,
            (lambda folder: Archive.restore(folder / "safe", folder / "work", replace=True),),
            backups="safe",
        ),
        Command("repair", interrupted, (on(lambda archive: archive.repair()),)),
        Command("import", exported, (imported,), archives=("work", "new"), between=lambda articles: articles < 7),
        Command("life", small, life),
    ]


def on_backup(folder: Path) -> None:
    """Make a backup."""
    with Archive.open(folder / "work") as archive:
        archive.backup(folder / "safe", keep=2)

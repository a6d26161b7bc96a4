"""Flipped bits, cuts, zeros and bytes too many in every kind of file: found by doctor, and read rightly or not at
all."""

from __future__ import annotations

import contextlib
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from search import Archive, Article, SearchError
from search.engine import session
from search.storage.folder import Folder
from search.storage.segments import part_place
from search.storage.verified import remember_verified
from trials.material import content, make, news, readings
from trials.proof import forked, site
from trials.trial import Trial

SENTENCES = 17_000  # passages of an archive whose vectors stand in lists


class Kind(NamedTuple):
    """A kind of file: where it lies in the template ("work", "safe", "listed"), and its names there."""

    name: str
    archive: str
    pattern: str
    share: int = 4


KINDS = (
    Kind("catalog", "work", "catalog.sqlite"),
    Kind("log of the catalog", "work", "catalog.sqlite-wal"),
    Kind("columns", "work", "segments/*/columns.part"),
    Kind("words", "work", "segments/*/keyword.part"),
    Kind("vectors", "work", "segments/*/vectors.part"),
    Kind("vectors in lists", "listed", "segments/*/vectors.part", 1),
    Kind("rot of a part that was verified", "work", "segments/*/*.part"),
    Kind("part below an open reader", "work", "segments/*/*.part"),
    Kind("lock of the writer", "work", "writer.lock", 1),
    Kind("vectors of an embedding that was interrupted", "embedding", "segments/*/*-*.part", 1),
    Kind("catalog of a backup", "safe", "1/catalog.sqlite", 1),
    Kind("manifest of a backup", "safe", "1/manifest.json", 1),
    Kind("parts of a backup", "safe", "segments/*/*.part", 1),
    Kind("mark of backups", "safe", "broadsheet-backups.json", 1),
)
ROT = "rot of a part that was verified"
BELOW = "part below an open reader"


def damage(file: Path, chance: random.Random) -> tuple[str, bytes]:
    """Draw something to do to a file: what, in words, and its bytes then."""
    data = bytearray(before := file.read_bytes())
    kind = chance.choice(("flip", "flip", "flip", "cut", "zeros", "more"))
    at = chance.randrange(len(data)) if data else 0
    if kind == "more" or not data:
        data += bytes(chance.randrange(1, 100))
        kind = "more"
    elif kind == "flip":
        data[at] ^= 1 << chance.randrange(8)
    elif kind == "cut":
        del data[at:]
    else:
        end = min(len(data), at + chance.randrange(1, 4096))
        data[at:end] = bytes(end - at)
    if data == before:  # zeros where zeros were
        return damage(file, chance)
    return f"{kind} at {at}", bytes(data)


def make_listed(folder: Path) -> None:
    """An archive whose vectors stand in lists: a passage for each sentence."""
    with (
        Archive.open(folder, create=True, model="hash") as archive,
        archive._session.writing() as writer,
        writer.commit() as transaction,
    ):
        transaction.set("passage_tokens", 12)
    words = [f"word{i}" for i in range(400)]
    chance = random.Random("listed")
    each = 100
    with Archive.open(folder) as archive:
        archive.add(
            Article(
                id=f"n{i}",
                title=f"Report {i}",
                text=" ".join(f"The warden {' '.join(chance.sample(words, 6))}." for _ in range(each)),
                source=("Valley", "Coast")[i % 2],
            )
            for i in range(SENTENCES // each)
        )


class Damages(Trial):
    """Runs cases."""

    def __init__(self, folder: Path, seed: int, kinds: tuple[Kind, ...] = KINDS) -> None:
        super().__init__(folder, seed)
        self._kinds = kinds
        self._turn = [kind for kind in kinds for _ in range(kind.share)]
        self._right: dict[str, dict[str, Any]] = {}
        self._content: dict[str, Any] = {}

    def prepare(self) -> None:
        """Make what is damaged, and ask what the right answers are."""
        whole = self.folder / "whole"
        source = self.folder / "source"
        make(source)
        with Archive.open(source) as archive:
            archive.add(news(24, 28))
            shutil.copytree(source, whole / "work")  # with its last commits in the log
            archive.backup(whole / "safe")
        shutil.rmtree(source)
        if any(kind.archive == "embedding" for kind in self._kinds):
            self._embedding(whole / "embedding")
        if any(kind.archive == "listed" for kind in self._kinds):
            make_listed(whole / "listed")
        for name in ("work", "embedding", "listed"):
            if (whole / name).exists():
                with site(self.folder, whole) as place, Archive.open(place / name) as archive:
                    self._right[name] = {what: read(archive) for what, read in readings_of(name).items()}
                with site(self.folder, whole) as place:
                    self._content[name] = content(place / name)
                    if name == "embedding":
                        self._content["embedded"] = self._embedded(place / name)

    @staticmethod
    def _embedding(path: Path) -> None:
        """An archive in which an embedding was interrupted after its first segment."""
        make(path)

        def interrupt(done: int, total: int, how: str | None) -> None:
            if done:
                raise KeyboardInterrupt

        with Archive.open(path) as archive, contextlib.suppress(KeyboardInterrupt):
            archive.embed("hash", dimension=32, progress=interrupt)

    @staticmethod
    def _embedded(path: Path) -> Any:
        with Archive.open(path) as archive:
            archive.embed("hash", dimension=32)
            return archive.check(), repr(readings()["vector"](archive))

    def run(self, number: int, first: int = 0) -> None:
        """So many damages from this number on, every kind of file in turn."""
        self.prepare()
        for case in range(first, first + number):
            self.case(case)

    def case(self, case: int) -> None:
        """One of them."""
        chance = random.Random(f"{self.seed} damage {case}")
        kind = self._turn[case % len(self._turn)]
        with site(self.folder) as place:
            shutil.copytree(self.folder / "whole" / kind.archive, place / kind.archive)
            if kind.archive == "safe":
                shutil.copytree(self.folder / "whole" / "work", place / "work")
            file = chance.choice(sorted((place / kind.archive).glob(kind.pattern)))
            if kind.name == ROT:
                with Archive.open(place / "work") as archive:
                    archive.search("warden")
            how, data = damage(file, chance)
            what = f"damage {case}, {kind.name}: {file.relative_to(place)}, {how}"
            if kind.name != BELOW:
                file.write_bytes(data)
            look: Callable[[], list[str]] = {
                "safe": lambda: self._backup(place),
                "embedding": lambda: self._resumed(place / "embedding"),
            }.get(kind.archive, lambda: self._read(place / kind.archive, kind, file, data))
            outcome = forked(look)
        self.seconds += outcome.seconds
        if outcome.ended:
            self.failures.append(f"{what}: the process {outcome.ended} {outcome.told}")
            return
        ended, *wrong = outcome.told
        if wrong:
            self.failures.append(f"{what}: {'; '.join(wrong)}")
        else:
            self.counts[f"{kind.name}: {ended}"] += 1

    def _read(self, path: Path, kind: Kind, file: Path, data: bytes) -> list[str]:
        """Read a damaged archive in every way, then ask doctor. Returns how it ended, and what is wrong."""
        session.LOOK = 0.0  # it looks with every question, not once a second
        right = self._right[path.name]
        other: list[str] = []
        refused = 0
        problems: list[str] = []
        if kind.name == ROT:
            self._verified_before(path, file)
        try:
            with Archive.open(path) as archive:
                if kind.name == BELOW:
                    archive.search("warden")
                    file.write_bytes(data)
                for name, read in readings_of(path.name).items():
                    try:
                        if read(archive) != right[name]:
                            other.append(name)
                    except SearchError:
                        refused += 1
                    except Exception as error:
                        return ["", f"{name} raises a bare {type(error).__name__}: {error}"]
            with Archive.open(path) as archive:
                problems = archive.check()
        except SearchError as error:
            refused += 1
            problems = problems or [str(error)]
        if other and not _lost_commits(problems):
            return ["", f"other answers of {', '.join(other)}; doctor says {problems[:2]}"]
        if not problems and (refused or file.suffix == ".part" or content(path) != self._content[path.name]):
            return ["", f"doctor finds nothing, {refused} readings refuse"]
        return ["an older commit, and doctor says so" if other else _ended(refused, problems)]

    @staticmethod
    def _verified_before(path: Path, file: Path) -> None:
        """Let the cache say of a damaged file what it said before: that it was verified as it is."""
        folder = Folder.open(path)
        with Archive.open(path) as archive:
            entries = archive._session.catalog.segments()[1]
        known = [(part_place(folder, entry.id, part), part) for entry in entries for part in entry.parts.values()]
        remember_verified(folder, [one for one in known if one[0].path == file])
        folder.close()

    def _backup(self, place: Path) -> list[str]:
        """Restore a damaged backup, and make another one beside it."""
        ended = []
        for again in (False, True):
            try:
                if again:
                    with Archive.open(place / "work") as archive:
                        archive.backup(place / "safe")
                Archive.restore(place / "safe", place / "new")
            except SearchError:
                ended.append("refused")
                continue
            if content(place / "new") != self._content["work"]:
                return ["", "what is restored is not what was backed up"]
            shutil.rmtree(place / "new")
            ended.append("mended by the next backup" if again and "refused" in ended else "harmless")
        return [ended[-1] if "refused" in ended else "harmless"]

    def _resumed(self, path: Path) -> list[str]:
        """Go on with an embedding, of which a file is damaged."""
        with Archive.open(path) as archive:
            right = self._right["embedding"]
            if other := [name for name, read in readings_of("embedding").items() if read(archive) != right[name]]:
                return ["", f"other answers of {', '.join(other)}"]
        if self._embedded(path) != self._content["embedded"]:
            return ["", "it ends otherwise than without the damage"]
        return ["harmless"]


def readings_of(name: str) -> dict[str, Callable[[Archive], Any]]:
    """The readings of one of the archives; of the large one fewer."""
    known = readings()
    if name != "listed":
        return known
    return {
        "vector": lambda archive: _hits(archive, "vector"),
        "hybrid": lambda archive: _hits(archive, "hybrid"),
        "filtered": lambda archive: _hits(archive, "vector", filters={"sources": ["Coast"]}),
        "context": lambda archive: archive.retrieve("warden word7", budget=200).text(),
    }


def _hits(archive: Archive, mode: str, **how: Any) -> Any:
    return [
        [(hit.article.id, round(hit.score, 6), hit.passages) for hit in archive.search(query, mode=mode, **how)]
        for query in ("word1 word2", "warden word9 word300")
    ]


def _ended(refused: int, problems: list[str]) -> str:
    return "refused" if refused else "found by doctor alone" if problems else "harmless"


def _lost_commits(problems: list[str]) -> bool:
    """Whether doctor says that the catalog is older than it was: a damaged log ends where it is damaged."""
    return any("later ones were made" in problem for problem in problems)

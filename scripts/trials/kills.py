"""Every command that writes killed at random instants; and merges that fail again and again."""

from __future__ import annotations

import random
import time
from pathlib import Path

from search import Archive, SearchError
from trials.layer import Layer
from trials.material import commands, make_mergeable, news
from trials.proof import Truth, forked, site
from trials.trial import Trial

ROUNDS = 4  # failing merges in a row
MOST = 4.0  # times the bytes that an archive needs, while merges fail


class Kills(Trial):
    """Runs cases."""

    def run(self, number: int, only: str = "") -> None:
        """So many kills, each command in turn."""
        names = {command.name: command for command in commands() if not only or command.name == only}
        truths: dict[str, Truth] = {}
        took: dict[str, float] = {}
        for case in range(number):
            name = list(names)[case % len(names)]
            if name not in truths:
                truths[name] = Truth(names[name], self.folder)
                with site(self.folder, truths[name].template) as place:
                    began = time.monotonic()
                    forked(lambda place=place, name=name: truths[name].run(place)[0])
                    took[name] = time.monotonic() - began
            self._case(truths[name], case, random.Random(f"{self.seed} kill {case}").uniform(0, 1.1 * took[name]))

    def _case(self, truth: Truth, case: int, after: float) -> None:
        what = f"kill {case}: {truth.command.name} after {after * 1000:.1f} ms"
        with site(self.folder, truth.template) as place:
            truth.forget()
            killed = forked(lambda: truth.run(place)[0], after)
            outcome = forked(lambda: truth.prove(place, truth.acknowledged))
        self.seconds += killed.seconds + outcome.seconds
        if outcome.ended:
            self.failures.append(f"{what}: the process of the proof {outcome.ended} {outcome.told}")
        elif outcome.told:
            self.failures.append(f"{what}: {'; '.join(outcome.told)}")
        else:
            self.counts[f"{truth.command.name}: {'killed' if killed.ended == 'killed' else 'had finished'}"] += 1

    def merges(self, step: int = 1) -> None:
        """For each operation of a merge: fail it in every commit of a row of them. All stays to be searched, and the
        disk holds no more than it may. ``step``: every so many operations only."""
        layer = Layer(self.folder / "site")
        template = self.folder / "mergeable"
        with site(self.folder) as place:
            make_mergeable(place / "work")
            place.rename(template)

        def counted() -> int:
            layer.count()
            with Archive.open(self.folder / "site" / "work") as archive:
                archive.add(news(9, 10))
            return layer.counted

        with site(self.folder, template):
            operations = forked(counted).told
        for number in range(1, operations + 1, step):
            with site(self.folder, template) as place:
                outcome = forked(lambda number=number, place=place: _merged(layer, place / "work", number))
            self.seconds += outcome.seconds
            if outcome.ended or outcome.told:
                self.failures.append(f"merges that fail at operation {number}: {outcome.ended} {outcome.told}")
            else:
                self.counts["merges that fail"] += 1


def _merged(layer: Layer, path: Path, number: int) -> list[str]:
    acknowledged = 9
    wrong = []
    for i in range(9, 9 + ROUNDS):
        layer.fail(number, "ENOSPC", onwards=True)
        try:
            with Archive.open(path) as archive:
                archive.add(news(i, i + 1))
            acknowledged += 1
        except SearchError:
            pass
        layer.stop()
        with Archive.open(path) as archive:
            total = archive.search("warden", mode="keyword", limit=1).total
            if total < acknowledged or total != len(archive):
                wrong.append(f"{acknowledged} are acknowledged, {total} are found")
    size = _bytes(path)
    with Archive.open(path) as archive:
        archive.add(news(9, 9 + ROUNDS))
        archive.optimize()
        wrong += archive.check()
    least = _bytes(path)
    if size > MOST * least:
        wrong.append(f"the disk holds {size} bytes, where {least} are needed")
    return wrong


def _bytes(path: Path) -> int:
    """What an archive takes, without the reserve that it keeps for a full disk."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file() and file.name != "reserve")

"""The same torture for ours and for other engines: one more commit is killed, failed and cut at each of its operations,
and the files are damaged."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trials.cuts import WAYS, Disk, entries
from trials.damages import damage
from trials.engines import ENGINES, Document, Engine
from trials.layer import Layer
from trials.proof import forked, site
from trials.trial import Trial

FIRST, MORE = range(8), range(8, 12)
TRIALS = ("kill -9", "full disk", "power cut", "damage")
GOOD = {
    "kill -9": ("as before", "as after"),
    "full disk": ("as before", "as after"),
    "power cut": ("as before", "as after"),
    "damage": ("right", "refused", "found by its check"),
}


class Peers(Trial):
    """Runs cases. ``counts`` are by engine, trial and end; ``failures`` are those of ours alone."""

    def __init__(self, folder: Path, seed: int) -> None:
        super().__init__(folder, seed)
        self.layer = Layer(folder / "site")

    def run(self, number: int, only: str = "") -> None:
        """So many cases of each trial for each engine; of one whose import is slow, a fifth of them."""
        for make in ENGINES:
            engine = make()
            if only and engine.name != only:
                continue
            try:
                self._engine(engine, max(1, number // 5) if engine.fresh else number)
            except ModuleNotFoundError as error:
                print(f"{engine.name} is left out: {error.name} is not installed")

    def _engine(self, engine: Engine, number: int) -> None:
        first, more = [Document(i) for i in FIRST], [Document(i) for i in MORE]
        template = self.folder / f"template of {engine.name}"

        def asked(call: Callable[[Path], Any]) -> Any:
            """In a process of its own, on a copy of the template."""
            with site(self.folder, template) as place:
                outcome = forked(lambda: call(place))
            if outcome.ended:
                raise RuntimeError(f"{engine.name} does not run by itself: {outcome.ended}")
            return outcome.told

        with site(self.folder) as place:
            outcome = forked(lambda: engine.add(place / "work", first))
            if outcome.ended:
                raise ModuleNotFoundError(name=engine.name)
            place.rename(template)

        def after(place: Path) -> Any:
            engine.add(place / "work", more)
            return _told(engine, place / "work")

        def counted(place: Path) -> int:
            self.layer.count()
            engine.add(place / "work", more)
            return self.layer.counted

        states = {"before": asked(lambda place: _told(engine, place / "work")), "after": asked(after)}
        operations = asked(counted)
        chance = random.Random(f"{self.seed} peers {engine.name}")
        numbers = [chance.randint(1, operations) for _ in range(number)]
        for at in numbers:
            self._disturbed(engine, template, more, states, "kill -9", at)
        for at in numbers:
            self._disturbed(engine, template, more, states, "full disk", at)
        self._cuts(engine, template, more, states, number, chance)
        self._damages(engine, template, states["before"], number)

    def _disturbed(
        self, engine: Engine, template: Path, more: list[Document], states: dict[str, Any], trial: str, at: int
    ) -> None:
        with site(self.folder, template) as place:

            def run() -> bool:
                self.layer.fail(at, "kill -9" if trial == "kill -9" else "ENOSPC", onwards=True)
                try:
                    engine.add(place / "work", more)
                except Exception:
                    return False
                return True

            outcome = forked(run)
            acknowledged = outcome.told is True
            self._judge(engine, place, states, trial, acknowledged, f"operation {at}")

    def _cuts(
        self,
        engine: Engine,
        template: Path,
        more: list[Document],
        states: dict[str, Any],
        number: int,
        chance: random.Random,
    ) -> None:
        path = self.folder / "log"
        with site(self.folder, template) as place:
            disk = Disk(place)

            def logged() -> None:
                self.layer.log(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC))
                engine.add(place / "work", more)
                self.layer.mark(1)
                self.layer.stop()

            forked(logged)
        log = list(entries(path.read_bytes()))
        points = sorted((chance.randint(0, len(log)), chance.choice(WAYS)) for _ in range(number))
        done = 0
        for at, way in points:
            while done < at:
                disk.apply(log[done])
                done += 1
            with site(self.folder) as place:
                disk.cut(place, way, chance)
                self._judge(engine, place, states, "power cut", disk.acknowledged == 1, f"cut after {at}, {way}")

    def _judge(
        self, engine: Engine, place: Path, states: dict[str, Any], trial: str, acknowledged: bool, what: str
    ) -> None:
        outcome = forked(lambda: _told(engine, place / "work"))
        self.seconds += outcome.seconds
        if outcome.ended:
            ended = "cannot be opened" if outcome.ended == "raised" else "crashes"
        elif outcome.told == states["after"]:
            ended = "as after"
        elif outcome.told == states["before"]:
            ended = "what was acknowledged is lost" if acknowledged else "as before"
        else:
            ended = "neither"
        self._count(engine, trial, ended, what)

    def _damages(self, engine: Engine, template: Path, right: Any, number: int) -> None:
        for case in range(number):
            chance = random.Random(f"{self.seed} {engine.name} damage {case}")
            with site(self.folder) as place:
                shutil.copytree(template / "work", place / "work")
                files = sorted(file for file in (place / "work").rglob("*") if file.is_file() and file.stat().st_size)
                file = chance.choice([file for file in files if not file.name.endswith((".lock", "-shm", "WRITELOCK"))])
                what = f"{file.relative_to(place)}, {damage(file, chance)}"
                answer = forked(lambda: _told(engine, place / "work"))
                check = forked(lambda: engine.check(place / "work"))
            self.seconds += answer.seconds + check.seconds
            if {answer.ended, check.ended} - {"", "raised"}:
                ended = "crashes"
            elif answer.ended:
                ended = "refused"
            elif answer.told == right:
                ended = "right"
            else:
                ended = "found by its check" if check.ended or check.told else "wrong, and nothing said"
            self._count(engine, "damage", ended, what)

    def _count(self, engine: Engine, trial: str, ended: str, what: str) -> None:
        self.counts[f"{engine.name}: {trial}: {ended}"] += 1
        if engine.name == "Broadsheet" and ended not in GOOD[trial]:
            self.failures.append(f"{trial}, {what}: {ended}")


def _told(engine: Engine, folder: Path) -> Any:
    """The answers, as they come back from another process."""
    return json.loads(json.dumps(engine.answers(folder)))

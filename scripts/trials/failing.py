"""Every file operation of every command that writes failed in turn, once or it and all later ones; or the process ended
there by kill -9."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from search import Archive, SearchError
from trials.layer import FAULTS, Layer
from trials.material import answers, commands, content_of
from trials.proof import Truth, forked, site
from trials.trial import Trial

KINDS = [(fault, onwards) for fault in FAULTS for onwards in (False, True) if not (fault == "kill -9" and onwards)]


class Case(NamedTuple):
    """The operation of this number of a command fails so."""

    command: str
    number: int
    fault: str
    onwards: bool

    def __str__(self) -> str:
        return f"{self.command}, operation {self.number}: {self.fault}{' from then on' if self.onwards else ''}"


class Failing(Trial):
    """Runs cases. ``total``: how many there are."""

    def __init__(self, folder: Path, seed: int) -> None:
        super().__init__(folder, seed)
        self.total = 0
        self.layer = Layer(folder / "site")
        self._truths: dict[str, Truth] = {}

    def run(self, number: int | None, only: str = "", part: int = 0) -> None:
        """So many cases, drawn from all; None: all of them. ``part``: the first, second, ... such draw."""
        cases = list(self._cases(only))
        self.total = len(cases)
        if number is not None:
            random.Random(f"{self.seed} faults").shuffle(cases)
            cases = cases[number * part : number * (part + 1)]
        for case in cases:
            self.case(case)

    def _cases(self, only: str) -> Iterator[Case]:
        for command in commands():
            if only and command.name != only:
                continue
            truth = self._truths[command.name] = Truth(command, self.folder)
            with site(self.folder, truth.template) as place:
                operations = forked(lambda truth=truth, place=place: self._counted(truth, place)).told
            for number, (fault, onwards) in itertools.product(range(1, operations + 1), KINDS):
                yield Case(command.name, number, fault, onwards)

    def _counted(self, truth: Truth, place: Path) -> int:
        self.layer.count()
        truth.run(place)
        return self.layer.counted

    def case(self, case: Case) -> None:
        """Run one."""
        truth = self._truths[case.command]
        with site(self.folder, truth.template) as place:
            truth.forget()
            outcome = forked(lambda: self._failed(truth, place, case))
            if outcome.ended == "killed" and case.fault == "kill -9":
                outcome = forked(lambda: {"what": "killed", "wrong": truth.prove(place, truth.acknowledged)})
        self.seconds += outcome.seconds
        if outcome.ended:
            self.failures.append(f"{case}: the process {outcome.ended} {outcome.told}")
        elif outcome.told["wrong"]:
            self.failures.append(f"{case} ({outcome.told['what']}): {'; '.join(outcome.told['wrong'])}")
        else:
            self.counts[f"{case.command}: {case.fault}{' from then on' if case.onwards else ''}"] += 1

    def _failed(self, truth: Truth, place: Path, case: Case) -> dict[str, Any]:
        """In a process of its own: the command with the fault, what can be read while that lasts, and the proof."""
        self.layer.fail(case.number, case.fault, case.onwards)
        acknowledged, error = truth.run(place)
        what = self.layer.what
        wrong = []
        if error is not None and not isinstance(error, SearchError):
            wrong.append(f"it raises a bare {type(error).__name__}: {error}")
        del error  # with what its frames hold open
        if case.onwards and what:
            wrong += self._read(truth, place, acknowledged)
        self.layer.stop()
        return {"what": what, "wrong": wrong + truth.prove(place, acknowledged)}

    @staticmethod
    def _read(truth: Truth, place: Path, acknowledged: int) -> list[str]:
        """While the fault lasts, an archive answers rightly or refuses."""
        wrong = []
        for name in truth.command.archives:
            if truth.command.name == "repair" or not (place / name / "catalog.sqlite").exists():
                continue
            try:
                with Archive.open(place / name) as archive:
                    kept = content_of(archive)
                    if kept in truth.answers and answers(archive) != truth.answers[kept]:
                        wrong.append(f"while it lasts, {name} answers otherwise")
            except SearchError:
                pass
            except Exception as error:  # one of ours would say what to do
                wrong.append(f"while it lasts, reading raises a bare {type(error).__name__}: {error}")
        return wrong

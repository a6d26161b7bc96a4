"""Very many small commits, and then what one build of the same articles is."""

from __future__ import annotations

import resource
from typing import Any

from search import Archive, Article
from trials.material import content_of, readings
from trials.proof import site
from trials.trial import Trial

NAMES = ("keyword", "hybrid", "vector", "facets", "counts")
ASKED = 500  # commits between two looks at the archive


def article(number: int, version: int) -> Article:
    """One of many articles, in one of its versions."""
    return Article(
        id=f"n{number}",
        title=f"Report {number} of the dam",
        text=f"The dam leaks, said warden w{number % 50}. The gates of ward {number % 7} open {version % 5} times.",
        source=("Valley", "Coast")[number % 2],
    )


class Commits(Trial):
    """Runs the trial."""

    def run(self, number: int) -> None:
        """So many commits of one article: every third replaces an earlier one, every tenth is a delete."""
        began = resource.getrusage(resource.RUSAGE_SELF).ru_utime
        expected: dict[str, Article] = {}
        with site(self.folder) as place:
            with Archive.open(place / "small", create=True, model="hash") as archive:
                for commit in range(number):
                    which = commit if commit % 3 else commit // 3
                    if commit % 10 == 9:
                        archive.delete([f"n{which}", f"n{commit - 5}"])
                        expected.pop(f"n{which}", None)
                        expected.pop(f"n{commit - 5}", None)
                    else:
                        archive.add([article(which, commit)])
                        expected[f"n{which}"] = article(which, commit)
                    if commit % ASKED == 0:
                        self._same("while it grows", len(archive), len(expected))
                self._same("articles", {one.id: one for one in archive}, expected)
                self._same("doctor says", archive.check(), [])
                many = told(archive)
                archive.optimize()
                self._same("answers after optimize", told(archive), many)
                ordered = list(archive)
            with Archive.open(place / "once", create=True, model="hash") as archive:
                archive.add(ordered)
                self._same("answers of one build", told(archive), many)
                self._same("doctor says of one build", archive.check(), [])
        if not self.failures:
            self.counts["commits of one article"] += number
        self.seconds += resource.getrusage(resource.RUSAGE_SELF).ru_utime - began

    def _same(self, what: str, found: Any, expected: Any) -> None:
        if found != expected:
            self.failures.append(f"{what}: {str(found)[:200]} and not {str(expected)[:200]}")


def told(archive: Archive) -> Any:
    """What is in an archive, and what searches answer."""
    known = readings()
    return [content_of(archive), *(known[name](archive) for name in NAMES)]

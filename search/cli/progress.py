"""How far a long command is: a bar with rate and time left on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import click

if TYPE_CHECKING:
    from search.engine.intake import Progress

LINE_EVERY = 10.0  # seconds between plain lines
FIRST_LINE = 1.0  # and until the first, of what may take hours


class Meter:
    """Draws on stderr how many of ``total`` (None: not known) things are done. Use it as a context manager."""

    def __init__(self, unit: str, total: int | None = None, *, first: float = LINE_EVERY) -> None:
        self._unit = unit
        self._total = total
        self._began = time.monotonic()
        self._due = self._began + first
        self._done = 0
        self._bar: Any = None
        if sys.stderr.isatty():
            from tqdm import tqdm

            tqdm.monitor_interval = 0  # no thread for a bar
            self._bar = tqdm(total=total, unit=f" {unit}", file=sys.stderr, dynamic_ncols=True, leave=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, done: int, stage: str = "", total: int | None = None) -> None:
        """Say that ``done`` things are done, of ``total`` if that is known better by now."""
        if total is not None:
            self._total = total
        if self._bar is not None:
            self._bar.total = self._total
            self._bar.set_postfix_str(stage, refresh=False)
            self._bar.update(done - self._done)
            self._done = done
            return
        self._done = done
        now = time.monotonic()
        if now >= self._due:
            self._due = now + LINE_EVERY
            click.echo(self._line(now - self._began, stage), err=True)

    def say(self, text: str) -> None:
        """A line of its own, above the bar if there is one."""
        if self._bar is not None:
            self._bar.clear()
        click.echo(text, err=True)

    def _line(self, seconds: float, stage: str) -> str:
        rate = self._done / seconds if seconds else 0.0
        of = f" of {self._total:,}" if self._total else ""
        parts = [f"{self._done:,}{of} {self._unit}"]
        if rate:
            parts.append(f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s")
        if self._total and rate and self._done < self._total:
            parts.append(f"{duration((self._total - self._done) / rate)} left")
        return ", ".join(parts + ([stage] if stage else []))


class IndexMeter(Meter):
    """A meter for ``Archive.add``: counts the articles that are done, the batch at work by its share of passages.

    ``expected`` estimates how many there will be.
    """

    def __init__(self, expected: Callable[[], int | None] = lambda: None) -> None:
        super().__init__("articles", first=FIRST_LINE)
        self._expected = expected
        self._committed = 0
        self._waiting = 0
        self._passed_over = 0

    def __call__(self, progress: Progress) -> None:
        """Take news from ``add``."""
        if progress.stage == "merging":
            self.say(
                f"merging {progress.total:,} articles into one segment: all are searchable already, others may write "
                "meanwhile, and Ctrl-C leaves it to a later run"
            )
            return
        report = progress.report
        changed = report.added + report.replaced
        stage = progress.stage
        if stage == "writing":
            self._committed = changed
            self._waiting = 0
        elif stage == "embedding":
            self._waiting = int((changed - self._committed) * progress.done / progress.total) if progress.total else 0
            stage = f"embedding {progress.done:,} of {progress.total:,} passages"
            if progress.how is not None:
                stage += f" in {progress.how}"
        # A batch that is embedded knows less of what was passed over than the reading that has gone on beside it.
        self._passed_over = max(self._passed_over, report.skipped + report.rejected)
        self.show(self._passed_over + self._committed + self._waiting, stage, self._expected())


def duration(seconds: float) -> str:
    """``8 s``, ``12 min``, ``3 h 20 min``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"

"""What must hold of a folder whatever has happened to a command in it, and the processes in which that is tried."""

from __future__ import annotations

import gc
import json
import mmap
import os
import select
import shutil
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from search import Archive, SearchError
from trials.material import LEAVINGS, Command, answers, content_of

PATIENCE = 120.0  # seconds after which a case hangs
State = tuple[tuple[str, Any], ...]  # name and content of each archive that is there

_OWN = {"catalog.sqlite", "writer.lock", "merge.lock", "reserve", "pins", "segments"}


class Outcome(NamedTuple):
    """How a process of ours ended: what it told, or the error that it ended by; its processor time in seconds."""

    told: Any
    ended: str
    seconds: float


def forked(call: Callable[[], Any], after: float | None = None) -> Outcome:
    """Run something in a process of its own, which tells what it returns (fit for JSON). ``after``: seconds until that
    process is killed. ``ended`` is empty where it came to its end, else "raised", "killed", "hangs", or the signal that
    ended it."""
    sys.stdout.flush()
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # libraries that wait for work are threads, too
        process = os.fork()
    if not process:
        os.close(reading)
        code = 1
        try:
            warnings.simplefilter("ignore")
            try:
                told, code = call(), 0
            except BaseException as error:
                told = f"{type(error).__name__}: {error}"
            view = memoryview(json.dumps(told).encode())
            while view:
                view = view[os.write(writing, view) :]
        finally:
            os._exit(code)
    os.close(writing)
    if after is not None:
        time.sleep(after)
        os.kill(process, signal.SIGKILL)
    data, late = _all_of(reading, PATIENCE)
    if late:
        os.kill(process, signal.SIGKILL)
    _, status, usage = os.wait4(process, 0)
    ended = ""
    if late:
        ended = "hangs"
    elif os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        ended = "killed" if number == signal.SIGKILL else signal.Signals(number).name
    elif status:
        ended = "raised"
    return Outcome(json.loads(data) if ended in ("", "raised") else None, ended, usage.ru_utime + usage.ru_stime)


def _all_of(descriptor: int, patience: float) -> tuple[bytes, bool]:
    pieces = []
    end = time.monotonic() + patience
    try:
        while True:
            ready, _, _ = select.select([descriptor], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                return b"".join(pieces), True
            piece = os.read(descriptor, 1 << 16)
            if not piece:
                return b"".join(pieces), False
            pieces.append(piece)
    finally:
        os.close(descriptor)


@contextmanager
def site(folder: Path, template: Path | None = None) -> Iterator[Path]:
    """A place for one case, a copy of a template if there is one, and a cache of its own beside it."""
    place, cache = folder / "site", folder / "cache"
    for left in (place, cache):
        shutil.rmtree(left, ignore_errors=True)
    if template is None:
        place.mkdir()
    else:
        shutil.copytree(template, place)
    before = os.environ.get("BROADSHEET_CACHE")
    os.environ["BROADSHEET_CACHE"] = str(cache)
    try:
        yield place
    finally:
        if before is None:
            del os.environ["BROADSHEET_CACHE"]
        else:
            os.environ["BROADSHEET_CACHE"] = before


def state(folder: Path, names: Sequence[str]) -> State:
    """The content of each archive that is there."""
    kept = []
    for name in names:
        if (folder / name / "catalog.sqlite").exists():
            with Archive.open(folder / name) as archive:
                kept.append((name, content_of(archive)))
    return tuple(kept)


class Truth:
    """What a command makes of what it starts from, known from a run that nothing disturbs: ``states`` has what is there
    before the first step and after each, ``answers`` what archives of these contents answer."""

    def __init__(self, command: Command, folder: Path) -> None:
        self.command = command
        self.template = folder / f"template of {command.name}"
        self.answers: dict[Any, Any] = {}
        self.states: list[State] = []
        self._acknowledged = mmap.mmap(-1, 1)  # shared with the processes in which it runs
        if not self.template.exists():
            with site(folder) as place:
                command.prepare(place)
                for reserve in place.rglob("reserve"):  # 4 MiB that need not be copied; writers make it again
                    reserve.unlink()
                shutil.move(place, self.template)
        self._backed_up: list[Any] = []
        with site(folder, self.template) as place:
            if (place / command.backups / "1").exists():
                self._backed_up.append(self._restored(place))
            self._look(place)
            for step in command.steps:
                step(place)
                self._look(place)

    def _look(self, place: Path) -> None:
        if self.command.name == "repair" and not self.states:  # it is damaged at first: only its records can be read
            self.states.append(state(place, self.command.archives))
            return
        for name in self.command.archives:
            if (place / name / "catalog.sqlite").exists():
                with Archive.open(place / name) as archive:
                    self.answers[content_of(archive)] = answers(archive)
        self.states.append(state(place, self.command.archives))

    def run(self, place: Path, mark: Callable[[int], object] = lambda number: None) -> tuple[int, BaseException | None]:
        """Do the steps, up to the first that raises. Returns how many are acknowledged, and what was raised."""
        self.forget()
        for number, step in enumerate(self.command.steps, 1):
            try:
                step(place)
            except Exception as error:  # what it may raise is for ``prove`` to say
                return number - 1, error
            self._acknowledged[0] = number
            mark(number)
        return len(self.command.steps), None

    def forget(self) -> None:
        """Nothing is acknowledged: a process that shall run it may end before it begins."""
        self._acknowledged[0] = 0

    @property
    def acknowledged(self) -> int:
        """Steps that the last run was told to be done, even where its process has ended since."""
        return self._acknowledged[0]

    def prove(self, place: Path, acknowledged: int, whole: bool = True) -> list[str]:
        """What is wrong in a folder where so many steps were acknowledged, and perhaps the next one was under way.

        The archives open, hold what they held after the last acknowledged step or after the next, and answer searches
        as they did then; doctor agrees. ``whole``: then the command is done again, comes to its end and leaves no
        file.
        """
        wrong: list[str] = []
        try:
            wrong += self._kept(place, acknowledged)
            if whole and not wrong:
                wrong += self._finished(place)
        except SearchError as error:
            wrong.append(f"{type(error).__name__}: {error}")
        except Exception as error:  # whatever it is, it should have been one of ours
            wrong.append(f"a bare {type(error).__name__}: {error}")
        return wrong

    def _kept(self, place: Path, acknowledged: int) -> list[str]:
        wrong = []
        allowed = self.states[acknowledged : acknowledged + 2]
        for name in self.command.archives:
            contents = [dict(kept).get(name) for kept in allowed]
            if not (place / name / "catalog.sqlite").exists():
                if None not in contents:
                    wrong.append(f"{name} is gone")
                continue
            with Archive.open(place / name) as archive:
                kept = content_of(archive)
                under_way = len(allowed) > 1 and self.command.between(len(kept[2]))
                if kept not in contents and not under_way:
                    articles = [len(one[2]) for one in contents if one is not None]
                    wrong.append(f"{name} holds {len(kept[2])} articles, or others, where there were {articles}")
                damaged = self.command.name == "repair"
                problems = [line for line in archive.check() if not any(left in line for left in LEAVINGS)]
                if problems and not damaged:
                    wrong.append(f"doctor says of {name}: {problems[:2]}")
                if kept in self.answers and not (damaged and problems):
                    if answers(archive) != self.answers[kept]:
                        wrong.append(f"{name} answers otherwise")
                    if len(archive) != len(kept[2]):
                        wrong.append(f"{name} counts {len(archive)} of {len(kept[2])} articles")
        if self.command.backups:
            wrong += self._restorable(place, acknowledged)
        return wrong

    def _restorable(self, place: Path, acknowledged: int) -> list[str]:
        safe = place / self.command.backups
        if not (safe / "1").exists() and not acknowledged:
            return []
        known = [*self._backed_up, *(dict(kept).get("work") for kept in self.states)]
        return [] if self._restored(place) in known else ["the newest backup holds what the archive never held"]

    def _restored(self, place: Path) -> Any:
        Archive.restore(place / self.command.backups, place / "proof")
        with Archive.open(place / "proof") as archive:
            kept = content_of(archive)
        shutil.rmtree(place / "proof")
        return kept

    def _finished(self, place: Path) -> list[str]:
        wrong = []
        acknowledged, error = self.run(place)
        gc.collect()  # an error keeps what its frames have open until it goes
        if error is not None:
            return [f"done again, it raises {type(error).__name__}: {error}"]
        for name, kept in self.states[acknowledged]:
            with Archive.open(place / name) as archive:
                if content_of(archive) != kept:
                    wrong.append(f"done again, {name} holds something else")
                if problems := archive.check():
                    wrong.append(f"done again, doctor says of {name}: {problems[:2]}")
                named = named_files(archive)
            wrong += [f"{name} keeps {left}" for left in leaked(place / name, named)]
        wrong += [f"{left} is left" for left in strangers(place, self.command)]
        if held := open_below(place):
            wrong.append(f"still open: {held[:3]}")
        return wrong


def named_files(archive: Archive) -> set[str]:
    """The files that the last commit names."""
    entries = archive._session.catalog.segments()[1]
    return {f"segments/{entry.id}/{file.name}" for entry in entries for file in entry.parts.values()}


def leaked(archive: Path, named: set[str]) -> list[str]:
    """Files in a closed archive that are none of the last commit's."""
    left = []
    for path in sorted(archive.rglob("*")):
        name = str(path.relative_to(archive))
        own = name in _OWN or name in named or any(one.startswith(f"{name}/") for one in named)
        if not own and not (path.parent.name == "pins" and not path.stat().st_size) and not name.startswith("repaired"):
            left.append(name)
    return left


def strangers(place: Path, command: Command) -> list[str]:
    """What lies beside the archives that a command made, and should not."""
    known = {*command.archives, command.backups, "lines"}
    beside = [path.name for path in place.iterdir() if path.name not in known and ".before-restore-" not in path.name]
    if command.backups:
        beside += [str(path.relative_to(place)) for path in (place / command.backups).rglob("*.new*")]
    return sorted(beside)


def open_below(place: Path) -> list[str]:
    """The files in a folder that this process has open."""
    found = []
    for link in Path("/proc/self/fd").iterdir():
        try:
            name = str(link.readlink())
        except OSError:
            continue
        if name.startswith(f"{place.resolve()}/"):
            found.append(name)
    return found

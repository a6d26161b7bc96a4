"""Power cuts: what a command does to files is written down, and the folder is made again as a cut at any point may
leave it. What was not synced may be there, be missing, be torn or be in another order; names in folders likewise.

The disk is a hard one, harder than common file systems: a file's bytes last from fsync of that file on and not before,
a name from fsync of its folder on; a rename happens whole or not at all. Writes tear at 512 bytes.
"""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from trials.layer import Layer
from trials.material import commands
from trials.proof import Truth, forked, site
from trials.trial import Trial

SECTOR = 512
WAYS = ("nothing unsynced lasts", "names last", "bytes last", "in order", "any of it", "any of it, torn")
_HEAD = struct.Struct("=iiQqqii")
_OPEN, _WRITE, _SYNC, _TRUNCATE, _RENAME, _UNLINK, _RMDIR, _MKDIR, _LINK, _MARK = range(1, 11)
_EXCHANGE = 2


class Entry(NamedTuple):
    """One operation as faults.c wrote it down."""

    kind: int
    flags: int
    inode: int
    offset: int
    path: str
    other: str
    data: bytes


def entries(log: bytes) -> Iterator[Entry]:
    """The operations of a log."""
    at = 0
    while at < len(log):
        kind, flags, inode, offset, length, path, other = _HEAD.unpack_from(log, at)
        at += _HEAD.size
        names = log[at : at + path + other]
        at += path + other
        data = log[at : at + length] if kind == _WRITE else b""
        at += len(data)
        yield Entry(kind, flags, inode, offset, os.fsdecode(names[:path]), os.fsdecode(names[path:]), data)


@dataclass(eq=False)
class Node:
    """A file or a folder: what lasts of it, and what does not yet. ``writes`` are offsets with bytes, or with None
    where it was cut to that size."""

    folder: bool = False
    lasting: bytearray = field(default_factory=bytearray)
    writes: list[tuple[int, bytes | None]] = field(default_factory=list)
    names: dict[str, Node] = field(default_factory=dict)  # as they are now
    lasting_names: dict[str, Node] = field(default_factory=dict)


@dataclass(eq=False)
class Change:
    """A change of names that does not last yet: each (folder, name) gets a node, or None."""

    sets: list[tuple[Node, str, Node | None]]

    def touches(self, folder: Node) -> bool:
        return any(one is folder for one, _, _ in self.sets)

    def shares(self, other: Change) -> bool:
        mine = {(id(folder), name) for folder, name, _ in self.sets}
        return any((id(folder), name) in mine for folder, name, _ in other.sets)


class Disk:
    """A folder as operations make it, and as it would be after a power cut."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._inodes: dict[int, Node] = {}
        self.tree = self._read(self._root)
        self._changes: list[Change] = []
        self.acknowledged = 0

    def _read(self, path: Path) -> Node:
        if not path.is_dir():
            node = Node(lasting=bytearray(path.read_bytes()))
            self._inodes[path.stat().st_ino] = node
            return node
        names = {inner.name: self._read(inner) for inner in path.iterdir()}
        return Node(folder=True, names=names, lasting_names=dict(names))

    def _place(self, path: str) -> tuple[Node, str]:
        """The folder that a path lies in, and its name there."""
        *above, name = Path(path).relative_to(self._root).parts or ("",)
        node = self.tree
        for part in above:
            node = node.names[part]
        return node, name

    def _node(self, path: str) -> Node:
        folder, name = self._place(path)
        return folder.names[name] if name else folder

    def apply(self, entry: Entry) -> None:
        """Do one operation."""
        if entry.kind == _MARK:
            self.acknowledged = entry.flags
        elif entry.kind == _OPEN:
            folder, name = self._place(entry.path)
            if name not in folder.names:
                self._inodes[entry.inode] = made = Node()
                self._change((folder, name, made))
            elif entry.flags:
                self._inodes[entry.inode].writes.append((0, None))
        elif entry.kind in (_WRITE, _TRUNCATE):
            node = self._inodes[entry.inode]
            node.writes.append((entry.offset, entry.data if entry.kind == _WRITE else None))
        elif entry.kind == _SYNC and entry.flags:
            self._sync(self._node(entry.path))
        elif entry.kind == _SYNC:
            node = self._inodes[entry.inode]
            _write(node.lasting, node.writes)
            node.writes.clear()
        elif entry.kind == _MKDIR:
            folder, name = self._place(entry.path)
            self._change((folder, name, Node(folder=True)))
        elif entry.kind in (_UNLINK, _RMDIR):
            folder, name = self._place(entry.path)
            self._change((folder, name, None))
        else:
            folder, name = self._place(entry.path)
            target, new = self._place(entry.other)
            back = target.names[new] if entry.kind == _RENAME and entry.flags & _EXCHANGE else None
            change = [(target, new, folder.names[name])]
            if entry.kind == _RENAME:
                change.insert(0, (folder, name, back))
            self._change(*change)

    def _change(self, *sets: tuple[Node, str, Node | None]) -> None:
        _set(sets, lasting=False)
        self._changes.append(Change(list(sets)))

    def _sync(self, folder: Node) -> None:
        wanted = [change for change in self._changes if change.touches(folder)]
        lasting = self._with_earlier(wanted)
        for change in lasting:
            _set(change.sets, lasting=True)
        self._changes = [change for change in self._changes if change not in lasting]

    def _with_earlier(self, wanted: Iterable[Change]) -> list[Change]:
        """These changes, and earlier ones of the same names, in order."""
        chosen = set(wanted)
        for later in range(len(self._changes) - 1, -1, -1):
            if self._changes[later] in chosen:
                chosen |= {earlier for earlier in self._changes[:later] if earlier.shares(self._changes[later])}
        return [change for change in self._changes if change in chosen]

    def cut(self, target: Path, way: str, chance: random.Random) -> None:
        """Make the folder as a power cut leaves it now."""
        if way in ("nothing unsynced lasts", "bytes last"):
            changes = []
        elif way in ("names last", "any of it, torn") and (way == "names last" or chance.random() < 0.5):
            changes = list(self._changes)
        elif way == "in order":
            changes = self._changes[: chance.randint(0, len(self._changes))]
        else:
            changes = self._with_earlier(change for change in self._changes if chance.random() < 0.5)
        names: dict[int, dict[str, Node]] = {}
        for change in changes:
            for folder, name, node in change.sets:
                own = names.setdefault(id(folder), dict(folder.lasting_names))
                if node is None:
                    own.pop(name, None)
                else:
                    own[name] = node
        self._make(target, self.tree, names, way, chance)

    def _make(self, path: Path, node: Node, names: dict[int, dict[str, Node]], way: str, chance: random.Random) -> None:
        if node.folder:
            path.mkdir(exist_ok=True)
            for name, inner in names.get(id(node), node.lasting_names).items():
                self._make(path / name, inner, names, way, chance)
            return
        data = bytearray(node.lasting)
        _write(data, _lasting(node.writes, way, chance))
        path.write_bytes(data)


def _set(sets: Iterable[tuple[Node, str, Node | None]], lasting: bool) -> None:
    for folder, name, node in sets:
        names = folder.lasting_names if lasting else folder.names
        if node is None:
            names.pop(name, None)
        else:
            names[name] = node


def _write(data: bytearray, writes: Iterable[tuple[int, bytes | None]]) -> None:
    for offset, piece in writes:
        if len(data) < offset:
            data.extend(bytes(offset - len(data)))
        if piece is None:
            del data[offset:]
        else:
            data[offset : offset + len(piece)] = piece


def _lasting(
    writes: list[tuple[int, bytes | None]], way: str, chance: random.Random
) -> Iterator[tuple[int, bytes | None]]:
    """Which of a file's writes are there after a cut, and how much of each."""
    if way in ("nothing unsynced lasts", "names last"):
        return
    if way == "in order":
        yield from writes[: chance.randint(0, len(writes))]
        return
    for offset, piece in writes:
        if way != "bytes last" and chance.random() < 0.4:
            if piece is not None and chance.random() < 0.3:
                yield offset, bytes(len(piece))  # its length lasts, its bytes do not
            continue
        if way == "any of it, torn" and piece is not None and len(piece) > SECTOR:
            for start in range(0, len(piece), SECTOR):
                if chance.random() < 0.7:
                    yield offset + start, piece[start : start + SECTOR]
            continue
        yield offset, piece


class Cuts(Trial):
    """Runs cases."""

    def __init__(self, folder: Path, seed: int) -> None:
        super().__init__(folder, seed)
        self.total = 0
        self.layer = Layer(folder / "site")

    def run(self, number: int | None, only: str = "", part: int = 0) -> None:
        """So many cases, drawn from all; None: all, each point of each command in each way. ``part`` is as of
        ``Failing.run``."""
        logged = []
        for command in commands():
            if only and command.name != only:
                continue
            truth = Truth(command, self.folder)
            with site(self.folder, truth.template) as place:
                disk = Disk(place)
                log = self._log(truth, place)
            logged.append((truth, disk, log))
        points = [
            (position, at, way)
            for position, (_, _, log) in enumerate(logged)
            for at in range(len(log) + 1)
            for way in WAYS
        ]
        self.total = len(points)
        if number is not None:
            random.Random(f"{self.seed} cuts").shuffle(points)
            points = points[number * part : number * (part + 1)]
        wanted: dict[int, dict[int, list[str]]] = {}
        for position, at, way in points:
            wanted.setdefault(position, {}).setdefault(at, []).append(way)
        for position, (truth, disk, log) in enumerate(logged):
            for at in range(len(log) + 1):
                for way in wanted.get(position, {}).get(at, ()):
                    self._case(truth, disk, at, way)
                if at < len(log):
                    disk.apply(log[at])

    def _log(self, truth: Truth, place: Path) -> list[Entry]:
        path = self.folder / "log"

        def logged() -> Any:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            self.layer.log(descriptor)
            acknowledged, error = truth.run(place, self.layer.mark)
            self.layer.stop()
            return acknowledged, None if error is None else str(error)

        acknowledged, error = forked(logged).told
        if error is not None:
            raise RuntimeError(f"{truth.command.name} does not run by itself after {acknowledged} steps: {error}")
        log = path.read_bytes()
        path.unlink()
        return list(entries(log))

    def _case(self, truth: Truth, disk: Disk, at: int, way: str) -> None:
        what = f"{truth.command.name}, cut after operation {at}: {way}"
        chance = random.Random(f"{self.seed} {what}")
        with site(self.folder) as place:
            disk.cut(place, way, chance)
            outcome = forked(lambda: truth.prove(place, disk.acknowledged))
        self.seconds += outcome.seconds
        if outcome.ended:
            self.failures.append(f"{what}: the process {outcome.ended} {outcome.told}")
        elif outcome.told:
            self.failures.append(f"{what}: {'; '.join(outcome.told)}")
        else:
            self.counts[f"{truth.command.name}: {way}"] += 1

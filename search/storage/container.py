"""One file for many arrays: written once, hashed while it is written, memory-mapped when it is read.

Layout: 8 bytes of magic, the header's length as a little-endian u64, the header (JSON, padded with spaces so that the
data start on a multiple of 64), then the arrays, each on a multiple of 64. Offsets count from the start of the data.
Nothing in it can run: the header is JSON and an array's type comes from a fixed list.
"""

from __future__ import annotations

import hashlib
import json
import math
import mmap
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from search.errors import ArchiveDamaged, StorageError
from search.storage.folder import Place, loose
from search.storage.refusals import refused

MAGIC = b"BRDSHT\x00\x01"
ALIGNMENT = 64
HEADER_LIMIT = 1 << 26
DTYPES = frozenset({"|u1", "|i1", "|b1", "<u2", "<i2", "<f2", "<u4", "<i4", "<f4", "<u8", "<i8", "<f8"})


@dataclass(frozen=True, slots=True)
class PartFile:
    """A written file: its name in the segment folder, its size in bytes and its SHA-256 in hex."""

    name: str
    size: int
    sha256: str


class Streamed:
    """An array that is made while it is written: ``blocks()`` gives its rows in order, some at a time."""

    def __init__(
        self, dtype: np.dtype[Any], shape: tuple[int, ...], blocks: Callable[[], Iterator[NDArray[Any]]]
    ) -> None:
        self.dtype = dtype
        self.shape = shape
        self.blocks = blocks
        self.nbytes = math.prod(shape) * dtype.itemsize

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """All of it, in memory."""
        made = np.concatenate([np.empty((0, *self.shape[1:]), self.dtype), *self.blocks()])
        return made if dtype is None else made.astype(dtype)


Stored = NDArray[Any] | Streamed


class PartData(NamedTuple):
    """What a part is made of: its arrays by name, and what is said of it, fit for JSON."""

    arrays: Mapping[str, Stored]
    meta: dict[str, Any]


class Part:
    """A mapped container: ``part[name]`` is a read-only array view, ``part.meta`` what the writer said of it."""

    def __init__(self, path: Path, kind: str, meta: dict[str, Any], arrays: dict[str, NDArray[Any]], size: int) -> None:
        self.path = path
        self.kind = kind
        self.meta = meta
        self.size = size
        self._arrays = arrays

    def __getitem__(self, name: str) -> NDArray[Any]:
        try:
            return self._arrays[name]
        except KeyError:
            raise ArchiveDamaged(f"{self.path} has no array {name!r}; run 'broadsheet doctor'") from None

    def __contains__(self, name: object) -> bool:
        return name in self._arrays

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All arrays by name."""
        return dict(self._arrays)


def _padding(offset: int) -> int:
    return -offset % ALIGNMENT


def write_part(where: Place | Path, kind: str, arrays: Mapping[str, Stored], meta: Mapping[str, Any]) -> PartFile:
    """Write a new container, fsync it and return its size and hash. A streamed array is read once, a block at a time.

    Raises StorageError when the system refuses; what was written is then removed. An existing file is never replaced.
    """
    directory: dict[str, Any] = {}
    ready: list[Stored] = []
    offset = 0
    for name, array in arrays.items():
        stored = array if isinstance(array, Streamed) else np.ascontiguousarray(array)
        if not isinstance(stored, Streamed) and stored.dtype.byteorder == ">":
            stored = stored.astype(stored.dtype.newbyteorder("<"))
        if stored.dtype.str not in DTYPES:
            raise TypeError(f"array {name!r} has dtype {stored.dtype}, which a container cannot hold")
        offset += _padding(offset)
        directory[name] = {"dtype": stored.dtype.str, "shape": list(array.shape), "offset": offset}
        ready.append(stored)
        offset += stored.nbytes
    header = json.dumps({"kind": kind, "meta": dict(meta), "arrays": directory, "size": offset}).encode()
    header += b" " * _padding(len(MAGIC) + 8 + len(header))
    digest = hashlib.sha256()
    written = 0

    def put(file: BinaryIO, data: Any) -> None:
        nonlocal written
        digest.update(data)
        file.write(data)
        written += len(data)

    place = loose(where) if isinstance(where, Path) else where
    try:
        with os.fdopen(place.open(os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:
            put(file, MAGIC + len(header).to_bytes(8, "little") + header)
            start = written
            for stored in ready:
                put(file, b"\0" * _padding(written - start))
                end = written + stored.nbytes
                for block in stored.blocks() if isinstance(stored, Streamed) else (stored,):
                    put(file, np.ascontiguousarray(block, stored.dtype).reshape(-1).view(np.uint8).data)
                if written != end:
                    raise ValueError("a streamed array has other rows than it was to have")
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise StorageError(f"cannot write {place.path}: {error.strerror}") from error
    except BaseException as error:
        place.unlink()
        if isinstance(error, OSError):
            raise refused(f"write {place.path}", error) from error
        raise
    return PartFile(place.name, written, digest.hexdigest())


def open_part(where: Place | Path, kind: str, size: int | None = None) -> Part:
    """Map a container and check its header against its size, which must be ``size`` where that is known.

    Raises ArchiveDamaged for anything that is not a whole container of this kind, FileNotFoundError if it is gone.
    """
    place = loose(where) if isinstance(where, Path) else where
    path = place.path

    def damaged(why: str) -> ArchiveDamaged:
        return ArchiveDamaged(f"{path} {why}; run 'broadsheet doctor', or index again")

    try:
        with place.opened(size=size) as descriptor:
            size = os.fstat(descriptor).st_size
            if size < len(MAGIC) + 8:
                raise damaged("is cut short")
            mapped = mmap.mmap(descriptor, size, access=mmap.ACCESS_READ)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror or error}") from error
    if mapped[: len(MAGIC)] != MAGIC:
        raise damaged("is not a Broadsheet part")
    length = int.from_bytes(mapped[len(MAGIC) : len(MAGIC) + 8], "little")
    start = len(MAGIC) + 8 + length
    if length > HEADER_LIMIT or start > size:
        raise damaged("is cut short")
    try:
        header = json.loads(mapped[len(MAGIC) + 8 : start])
        found, meta, directory, total = header["kind"], header["meta"], header["arrays"], header["size"]
        if found != kind:
            raise damaged(f"holds {found!r} where {kind!r} is expected")
        if start + total != size:
            raise damaged("is cut short")
        if start % ALIGNMENT or not isinstance(meta, dict):
            raise damaged("has a broken header")
        arrays: dict[str, NDArray[Any]] = {}
        for name, entry in directory.items():
            shape, offset, count = tuple(entry["shape"]), entry["offset"], 1
            for n in shape:
                if type(n) is not int or n < 0:
                    raise damaged(f"has a bad description of {name!r}")
                count *= n
            if entry["dtype"] not in DTYPES:
                raise damaged(f"has a bad description of {name!r}")
            dtype = np.dtype(entry["dtype"])
            if type(offset) is not int or offset < 0 or offset % ALIGNMENT or offset + count * dtype.itemsize > total:
                raise damaged(f"has a bad description of {name!r}")
            flat = np.frombuffer(mapped, dtype, count, start + offset) if count else np.frombuffer(b"", dtype)
            arrays[name] = flat.reshape(shape)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise damaged("has a broken header") from error
    return Part(path, kind, meta, arrays, size)

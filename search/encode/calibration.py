"""Which way of running a model is the fastest here: measured on real passages, remembered in the user's cache.

A record is of one model, precision, processor and versions of the runtimes; what any of them changes is measured anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search.encode.base import unit_rows
from search.encode.models import read_json
from search.encode.query import processor
from search.errors import EncoderError, StorageError
from search.records import EncoderIdentity
from search.storage.files import cache_folder, write_atomically

PARITY = 0.9999
"""Least cosine of a faster way to the model's own float32 result, on the texts it is tried on."""

WORTH = 100_000
"""Tokens to be embedded from which measuring pays: 500 passages."""

BUDGET = 2.0
"""Seconds that measuring may take."""

FORMAT = 2
_MOST = 32  # passages of the sample
_ROUNDS = 8
_TICK = 1e-4  # seconds: less is what a coarse clock says of a short time

Run = Callable[[str, list[int]], tuple[NDArray[np.float32], float]]


@dataclass(frozen=True, slots=True)
class Choice:
    """A way of running a model, and its speed in passages/s when it was chosen."""

    way: str
    rate: float

    def __str__(self) -> str:
        return f"{self.way} ({self.rate:.0f} passages/s)"


def measure(ways: Sequence[str], run: Run, lengths: Sequence[int], workers: int) -> list[tuple[Choice, float]]:
    """The ways that keep parity with the first, fastest first, each with its least cosine to it.

    ``run(way, rows)`` gives pooled vectors of passages by their numbers, whose ``lengths`` in tokens are given, and the
    seconds of work that they took, waiting for other processes not counted. Takes about ``BUDGET`` seconds of work,
    twice that at the most; an empty list where that would not tell the ways apart.
    """
    by_length = sorted(range(len(lengths)), key=lengths.__getitem__)
    spent = 0.0

    def timed(way: str, sample: list[int]) -> tuple[NDArray[np.float32], float]:
        nonlocal spent
        pooled, took = run(way, sample)
        spent += took
        return pooled, max(took, _TICK)

    sample = _spread(by_length, workers)
    run(ways[0], sample)
    _, took = timed(ways[0], sample)
    # Each way runs the sample twice: to make its kernels and be compared, and to be timed.
    count = int((BUDGET - spent) * len(sample) / (took * len(ways) * 2))
    if count * 2 < workers:
        return []
    sample = _spread(by_length, min(max(count - count % workers, workers), _MOST))
    true = unit_rows(timed(ways[0], sample)[0])
    cosines: dict[str, float] = {ways[0]: 1.0}
    for way in ways[1:]:
        with suppress(EncoderError, RuntimeError, TypeError, IndexError):
            cosine = float((unit_rows(timed(way, sample)[0]) * true).sum(axis=1).min())
            if cosine >= PARITY:
                cosines[way] = cosine
    least = dict.fromkeys(cosines, np.inf)
    for _ in range(_ROUNDS):
        least = {way: min(before, timed(way, sample)[1]) for way, before in least.items()}
        if spent + sum(least.values()) > BUDGET:
            break
    found = [(Choice(way, round(len(sample) / took, 1)), cosines[way]) for way, took in least.items()]
    return sorted(found, key=lambda one: -one[0].rate)


def _spread(by_length: Sequence[int], count: int) -> list[int]:
    """So many of the passages, from the shortest to the longest."""
    count = min(count, len(by_length))
    return [by_length[(2 * i + 1) * len(by_length) // (2 * count)] for i in range(count)]


def _path(identity: EncoderIdentity, precision: str) -> Path:
    versions = []
    for name in ("torch", "onnxruntime"):
        try:
            versions.append(metadata.version(name))
        except metadata.PackageNotFoundError:
            versions.append("")
    made = json.dumps([FORMAT, precision, asdict(identity), processor(), os.cpu_count(), versions], sort_keys=True)
    key = blake2b(made.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return cache_folder() / "encoders" / "ways" / f"{key}.json"


def recorded(identity: EncoderIdentity, precision: str) -> Choice | None:
    """What was chosen on this machine before; None where nothing was, or nothing that can be read."""
    try:
        found = read_json(_path(identity, precision))
        return Choice(str(found["way"]), float(found["rate"]))
    except (EncoderError, KeyError, TypeError, ValueError):
        return None


def record(identity: EncoderIdentity, precision: str, found: Sequence[tuple[Choice, float]]) -> None:
    """Remember a choice, with what it was chosen from. A cache that cannot be written is no obstacle."""
    told = {
        "way": found[0][0].way,
        "rate": found[0][0].rate,
        "model": identity.name,
        "precision": precision,
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "ways": {choice.way: {"rate": choice.rate, "cosine": cosine} for choice, cosine in found},
    }
    with suppress(StorageError):
        write_atomically(_path(identity, precision), json.dumps(told, indent=1).encode())

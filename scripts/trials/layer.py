"""The layer before the system's file operations (faults.c): compiled, put before this program, and told what to do."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).with_name("faults.c")
PRELOAD = "LD_PRELOAD"
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TOKENIZERS_PARALLELISM")
SHORT, KILL = -1, -2
FAULTS = {"EIO": errno.EIO, "ENOSPC": errno.ENOSPC, "EMFILE": errno.EMFILE, "a short write": SHORT, "kill -9": KILL}


def why_not() -> str:
    """Why the layer cannot be used here; empty where it can."""
    if not sys.platform.startswith("linux"):
        return "faults and power cuts need Linux"
    if _compiler() is None:
        return "faults and power cuts need a C compiler (cc)"
    return ""


def _compiler() -> str | None:
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


def library(folder: Path | None = None) -> Path:
    """The compiled layer; compiled once for each state of its source."""
    digest = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]
    made = (folder or Path(tempfile.gettempdir())) / f"broadsheet-trials-{os.getuid()}-{digest}.so"
    if not made.exists():
        compiler = _compiler()
        assert compiler is not None
        building = made.with_suffix(f".{os.getpid()}")
        options = [
            "-shared",
            "-fPIC",
            "-O2",
            "-D_LARGEFILE64_SOURCE",
            "-o",
            str(building),
            str(SOURCE),
            "-ldl",
            "-lpthread",
        ]
        subprocess.run([compiler, *options], check=True)
        building.replace(made)
    return made


def preloaded(made: Path) -> dict[str, str]:
    """The environment of a program that runs behind the layer, with one thread in every library: it forks."""
    before = [name for name in os.environ.get(PRELOAD, "").split(":") if name]
    return {**os.environ, PRELOAD: ":".join([str(made), *before]), **dict.fromkeys(ONE_THREAD, "1")}


class Layer:
    """The layer that this process runs behind. ``root``: the folder whose files are meant."""

    def __init__(self, root: Path) -> None:
        self._library = ctypes.CDLL(None)
        if not hasattr(self._library, "trials_root"):
            raise RuntimeError("this program does not run behind the layer; see trials.layer.preloaded")
        self._library.trials_count.restype = ctypes.c_long
        self._library.trials_what.restype = ctypes.c_char_p
        self._library.trials_fail.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_int]
        self._library.trials_root(os.fsencode(root.resolve()))

    def fail(self, number: int, fault: str, onwards: bool) -> None:
        """Fail the operation of this number from now on, once, or it and all later ones."""
        self._library.trials_fail(number, FAULTS[fault], int(onwards))

    def count(self) -> None:
        """Only count from now on."""
        self._library.trials_fail(0, 0, 0)

    def log(self, descriptor: int) -> None:
        """Write down from now on what is done."""
        self._library.trials_log(descriptor)

    def mark(self, number: int) -> None:
        """Note in the log that so many steps are acknowledged."""
        self._library.trials_mark(number)

    def stop(self) -> None:
        """Do nothing any more."""
        self._library.trials_stop()

    @property
    def counted(self) -> int:
        """Operations since ``fail`` or ``count``."""
        return int(self._library.trials_count())

    @property
    def what(self) -> str:
        """The operation that failed first, and its file; empty where none did."""
        return os.fsdecode(self._library.trials_what())

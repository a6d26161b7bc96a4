"""``python -m search`` and the ``broadsheet`` command."""

import gc
import os
import sys
from io import TextIOWrapper

# Imports make many objects and no garbage: at the usual threshold, looking for it takes a tenth of a cold search.
gc.set_threshold(100_000, 20, 20)

if sys.argv[1:2] == ["search"]:  # which multiplies no matrices: numpy need not start threads for that
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from search.cli import streams  # noqa: E402
from search.cli.main import cli  # noqa: E402


def main() -> None:
    """Run the command line. A pipe gets UTF-8; a terminal that lacks a character gets a substitute."""
    streams.hold()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            if not stream.isatty():
                stream.reconfigure(encoding="utf-8")
            stream.reconfigure(errors="replace" if stream is sys.stdout else "backslashreplace")
    try:
        cli(prog_name="broadsheet")
    finally:
        gc.freeze()  # the interpreter's last look for garbage finds nothing to look at


if __name__ == "__main__":
    main()

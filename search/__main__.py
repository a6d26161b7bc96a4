"""``python -m search`` and the ``broadsheet`` command."""

import sys
from io import TextIOWrapper

from search.cli.main import cli


def main() -> None:
    """Run the command line. A pipe gets UTF-8; a terminal that lacks a character gets a substitute."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            if not stream.isatty():
                stream.reconfigure(encoding="utf-8")
            stream.reconfigure(errors="replace" if stream is sys.stdout else "backslashreplace")
    cli(prog_name="broadsheet")


if __name__ == "__main__":
    main()

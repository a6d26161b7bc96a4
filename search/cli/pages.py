"""The help pages of ``search/help``, and Markdown as text for a terminal or a pipe."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from search.cli.text import BOLD, PLAIN, width, wrap

FOLDER = Path(__file__).parent.parent / "help"

_FENCE = "```"
_ROW = re.compile(r"(?<!\\)\|")
_BULLET = re.compile(r"- |\d+\. ")
_LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")
_FIRST = 34  # most columns of a table's first column


def topics() -> list[str]:
    """The names of the pages."""
    return sorted(path.stem for path in FOLDER.glob("*.md"))


def page(topic: str) -> str:
    """A page as it is written. Raises FileNotFoundError where there is none of this name."""
    return (FOLDER / f"{topic}.md").read_text(encoding="utf-8")


def title(topic: str) -> str:
    """A page's first heading."""
    return page(topic).partition("\n")[0].removeprefix("# ")


def drawn(markdown: str, columns: int, style: bool) -> Iterator[str]:
    """The lines of a page of at most ``columns``, but for code, which stays as it is; with ``style``, bold headings."""
    for block in _blocks(markdown):
        first = block[0]
        if first.startswith(_FENCE):
            yield from (f"  {line}".rstrip() for line in block[1:-1])
        elif first.startswith("#"):
            text = first.lstrip("# ").replace("`", "")
            yield f"{BOLD}{text}{PLAIN}" if style else text
        elif first.startswith("|"):
            yield from _table(block, columns)
        elif _BULLET.match(first):
            yield from _items(block, columns)
        else:
            yield from wrap(_plain(" ".join(block)), columns)
        yield ""


def _blocks(markdown: str) -> Iterator[list[str]]:
    """Headings, tables, lists, paragraphs and fenced code, without the comments that mark what is generated."""
    block: list[str] = []
    for line in markdown.split("\n"):
        code = bool(block) and block[0].startswith(_FENCE)
        if not code and (not line.strip() or line.startswith(("<!--", _FENCE, "#"))):
            if block:
                yield block
            block = [line] if line.startswith((_FENCE, "#")) else []
            continue
        if block and block[0].startswith("#"):  # a heading is one line
            yield block
            block = []
        block.append(line)
        if code and line.startswith(_FENCE):
            yield block
            block = []
    if block:
        yield block


def _plain(text: str) -> str:
    """Text without the signs of emphasis; a link to a page is told as the command that shows it."""

    def link(match: re.Match[str]) -> str:
        words, target = match[1].strip("`"), match[2]
        if target.endswith(".md") and (FOLDER / target).is_file():
            return f"{words} (broadsheet help {target.removesuffix('.md')})"
        return words if target.startswith("#") else f"{words} ({target})"

    return _LINK.sub(link, text).replace("**", "").replace("\\|", "|").replace("\\*", "*")


def _items(lines: Iterable[str], columns: int) -> Iterator[str]:
    """A list, each item hanging from its sign."""
    items: list[str] = []
    for line in lines:
        if _BULLET.match(line):
            items.append(line)
        else:
            items[-1] += f" {line.strip()}"
    for item in items:
        sign = _BULLET.match(item)
        assert sign is not None
        indent = sign.end()
        for number, line in enumerate(wrap(_plain(item[indent:]), columns - indent)):
            yield (sign[0] if number == 0 else " " * indent) + line


def _table(lines: Iterable[str], columns: int) -> Iterator[str]:
    """A table: the first cell of each row, and what the others say beside it, or below where there is no room."""
    rows = [[_plain(cell.strip()) for cell in _ROW.split(line.strip())[1:-1]] for line in lines]
    body = [row for row in rows[2:] if any(row)]
    first = min(_FIRST, max((width(row[0]) for row in body), default=0))
    for row in body:
        rest = wrap("; ".join(cell for cell in row[1:] if cell), columns - first - 2)
        if width(row[0]) > first:
            yield from wrap(row[0], columns)
        else:
            yield (row[0] + " " * (first - width(row[0])) + "  " + (rest.pop(0) if rest else "")).rstrip()
        yield from (" " * (first + 2) + line for line in rest)

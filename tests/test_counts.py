"""The counter of the plan's figures, on a house of five modules whose figures are known."""

from __future__ import annotations

from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "scripts" / "counts"
HOUSE = {
    "__init__.py": '"""A house."""\n',
    "records.py": '"""Records."""\n\n\nclass Hit:\n    rank: int\n    title: str\n    url: str\n    colour: str\n',
    "shapes.py": (
        "from search.records import Hit\n\n\n"
        "def record(hit: Hit) -> dict:\n"
        '    """A hit."""\n'
        "    # as a record\n"
        '    return {\n        "rank": hit.rank,\n        "title": hit.title,\n        "score": 1.0,\n    }\n'
    ),
    "cli/search.py": (
        "import click\n\n\n"
        '@click.option("--limit")\n@click.option("--from", "since")\n@click.option("--colour")\n'
        "def command(limit,\n    since, mode, colour):\n    from search import shapes\n"
    ),
    "engine/a.py": (
        "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from search.engine.b import B\n\n\nclass A: ...\n"
    ),
    "engine/b.py": "from search.engine.a import A\n\n\nclass B(A): ...\n",
}


@pytest.fixture(scope="module")
def counts():
    loader = SourceFileLoader("counts", str(SCRIPT))
    module = module_from_spec(spec_from_loader("counts", loader))
    loader.exec_module(module)
    return module


def test_the_figures_of_a_known_house(counts, tmp_path):
    for name, text in HOUSE.items():
        path = tmp_path / "search" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    figures, lists = counts.from_code(tmp_path)
    assert lists["rooms"] == ["cli", "engine", "records", "shapes"]
    assert lists["arrows"] == ["cli -> shapes", "shapes -> records"]
    assert lists["circles"] == [["search.engine.a", "search.engine.b"]]
    assert lists["loose"] == ["records", "shapes"]
    assert figures["lines of code"] == 5 + 7 + 7 + 4 + 2
    assert [figures[f"    {kind} (records)"] for kind in ("field", "key", "parameter", "copy")] == [3, 3, 0, 0]
    assert [figures[f"    {kind} (settings)"] for kind in ("option", "parameter")] == [2, 2]


def test_calls_are_counted_where_the_texts_are_read(counts, tmp_path):
    package = tmp_path / "search"
    (package / "query").mkdir(parents=True)
    (package / "query" / "parser.py").write_text(
        "def scan(text):\n    return text\n\n\ndef parse(text):\n    scan(text)\n"
    )
    (package / "top.py").write_text("def ask(parse):\n    parse('a')\n    parse('b')\n")
    spaces = {}
    for path in package.rglob("*.py"):
        exec(compile(path.read_text(), str(path), "exec"), spaces)
    with counts.Watched(package) as watched:
        spaces["ask"](spaces["parse"])
    assert (watched.parses, watched.scans) == (2, 2)
    assert watched.files == {"top.py", "query/parser.py"}
    assert watched.passes == {"top": 1, "query": 2}

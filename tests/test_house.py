"""The house's order: imports run downwards, foreign engines stay in their rooms, nothing heavy is imported early."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "search"
# From the top of the house to its ground floor. A module may import what stands below it, or beside it in its room.
FLOORS = [
    "__main__",
    "cli",
    "serve",
    "adapters",
    "evaluation",
    "exports",
    "archive",
    "rag",
    "engine",
    "query",
    "keyword",
    "vector",
    "encode",
    "ingest",
    "text",
    "storage",
    "records",
    "deadline",
    "declarations",
    "errors",
    "_version",
]
# Where the engines and formats of others may be imported: rooms, or folders in them.
FOREIGN = {
    "whoosh": {"keyword/whoosh"},
    "faiss": {"vector"},
    "sentence_transformers": {"encode"},
    "torch": {"encode"},
    "transformers": {"encode"},
    "onnxruntime": {"encode"},
    "onnx": {"encode"},
    "tokenizers": {"encode"},
    "sqlite3": {"storage"},
    "click": {"cli", "__main__"},
    "fastapi": {"serve"},
    "starlette": {"serve"},
    "uvicorn": {"serve"},
    "mcp": {"serve"},
    "mcp_types": {"serve"},
    "pydantic": {"serve", "adapters"},
    "langchain_core": {"adapters"},
    "llama_index": {"adapters"},
    "haystack": {"adapters"},
    "pickle": set(),
    "marshal": set(),
    "shelve": set(),
}


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= (
                {f"{node.module}.{alias.name}" for alias in node.names} if node.module == "search" else {node.module}
            )
    return found


FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_downwards(path):
    own = room(path)
    assert own in FLOORS, f"{own} has no floor: add it to FLOORS"
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "search" and len(parts) > 1 and parts[1] != "__version__":
            other = parts[1]
            if other in ("Archive", "Article"):
                continue
            assert FLOORS.index(other) >= FLOORS.index(own), f"{path} imports {name}, which stands above it"
        if parts[0] in FOREIGN:
            folder = f"{path.relative_to(PACKAGE).with_suffix('')}/"
            rooms = FOREIGN[parts[0]]
            assert any(folder.startswith(f"{one}/") for one in rooms), f"{path} imports {name} outside {rooms}"


MODULES = {
    ".".join(("search", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in FILES
}


def runtime_imports(node: ast.AST) -> set[str]:
    """The modules of the house that a module imports when it is imported or run, not for its types alone."""
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return set().union(*map(runtime_imports, node.orelse)) if node.orelse else set()
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names} & MODULES.keys()
    if isinstance(node, ast.ImportFrom):
        named = {f"{node.module}.{alias.name}" for alias in node.names}
        return (named & MODULES.keys()) | ({node.module} & MODULES.keys() if named - MODULES.keys() else set())
    return set().union(*map(runtime_imports, ast.iter_child_nodes(node)))


def test_no_circles():
    """Modules can be put in an order in which each imports earlier ones only, inside rooms too."""
    waiting = {name: runtime_imports(ast.parse(path.read_text())) - {name} for name, path in MODULES.items()}
    while ready := {name for name, needed in waiting.items() if not needed & waiting.keys()}:
        waiting = {name: needed for name, needed in waiting.items() if name not in ready}
    assert not waiting, f"these import one another in a circle, or import what does: {', '.join(sorted(waiting))}"


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import search", ["numpy", "whoosh", "faiss", "torch", "sqlite3", "click", "search.records"]),
        ("import search.encode", ["search.text.passages", "torch", "transformers", "onnxruntime", "tokenizers"]),
        ("import search.cli.main", ["numpy", "whoosh", "faiss", "torch", "sqlite3", "onnxruntime"]),
        (
            "import search.archive",
            ["faiss", "torch", "transformers", "sentence_transformers", "onnxruntime", "onnx", "tokenizers", "whoosh"],
        ),
        ("import search.query.parser, search.keyword.match.matcher", ["whoosh"]),
    ],
)
def test_heavy_modules_are_imported_late(statement, absent):
    code = f"{statement}; import sys; print([m for m in {absent!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_public_names():
    import search

    assert sorted(search.__all__) == search.__all__
    for name in search.__all__:
        assert getattr(search, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        search.Nothing  # noqa: B018


def test_operators_need_no_whoosh(tmp_path):
    """Whoosh is imported for a query of its own, and for nothing else."""
    code = (
        "import sys; from search import Archive, Article\n"
        f"with Archive.open({str(tmp_path / 'archive')!r}, create=True) as archive:\n"
        "    archive.add([Article(id='a', title='One', text='court rules on tariff', source='BBC')], vectors=False)\n"
        "    query = '\"court rules\" w/5 (tarif* OR duty~1) AND source:BBC AND NOT title:two length:>2'\n"
        "    assert [hit.article.id for hit in archive.search(query)] == ['a']\n"
        "    archive.facets(query), archive.timeline(query), archive.describe(query)\n"
        "print([m for m in sys.modules if m.split('.')[0] == 'whoosh'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

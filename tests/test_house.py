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
    "errors",
    "_version",
]
FOREIGN = {
    "whoosh": {"keyword", "query"},
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
            assert own in FOREIGN[parts[0]], f"{path} imports {name} outside {FOREIGN[parts[0]]}"


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import search", ["numpy", "whoosh", "faiss", "torch", "sqlite3", "click", "search.records"]),
        ("import search.encode", ["search.text.passages", "torch", "transformers", "onnxruntime", "tokenizers"]),
        ("import search.cli.main", ["numpy", "whoosh", "faiss", "torch", "sqlite3", "onnxruntime"]),
        (
            "import search.archive",
            ["faiss", "torch", "transformers", "sentence_transformers", "onnxruntime", "onnx", "tokenizers"],
        ),
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

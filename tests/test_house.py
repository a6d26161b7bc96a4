"""The house's order: imports run downwards, foreign engines stay in their rooms, nothing heavy is imported early."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "search"
ARCHITECTURE = (PACKAGE.parent / "ARCHITECTURE.md").read_text(encoding="utf-8")
NEVER = ("pickle", "marshal", "shelve")


def floors() -> dict[str, str]:
    """The rooms of ARCHITECTURE.md from the top of the house to its ground floor, and the packages of others that may
    be imported there. A module may import what stands below it, or beside it in its room."""
    table = ARCHITECTURE.split("<!-- floors -->")[1].split("<!-- /floors -->")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.strip().splitlines()[2:]]
    return {row[0].strip("`"): row[3] for row in rows}


FLOORS = list(floors())


def foreign() -> dict[str, set[str]]:
    """Where the packages of others may be imported: rooms, or folders in them."""
    found: dict[str, set[str]] = {name: set() for name in NEVER}
    for own, cell in floors().items():
        packages, _, folder = cell.partition(" in ")
        for package in re.findall(r"`(\w+)`", packages):
            found.setdefault(package, set()).add(folder.strip("`") or own)
    return found


FOREIGN = foreign()


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
    assert own in FLOORS, f"{own} has no floor: add it to the table in ARCHITECTURE.md"
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


def test_every_room_is_described():
    """Each floor is there and has a heading, and each file that is named exists."""
    headings = re.findall(r"`(\w+)`", " ".join(re.findall(r"^### (.*)$", ARCHITECTURE, re.M)))
    assert set(headings) == set(FLOORS) - {"_version"}
    there = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or any(path.glob("*.py"))} - {"__init__"}
    assert set(FLOORS) == there
    assert len(FLOORS) <= 21
    assert FOREIGN["whoosh"] == {"keyword/whoosh"}
    assert FOREIGN["pydantic"] == {"serve", "adapters"}


def test_a_stranger_finds_the_files():
    """ARCHITECTURE.md alone names one or two files for each of eleven tasks, and they exist."""
    table = ARCHITECTURE.split("## Where to touch")[1].split("\n## ")[0]
    tasks = [line.split("|")[1:-1] for line in table.splitlines() if line.startswith("| a")]
    assert len(tasks) == 11
    for task, touch, _ in tasks:
        assert re.findall(r"`((?:search|tests)/[^`]+)`", touch), task
    for name in re.findall(r"`((?:search|tests|scripts)/[^`*]+)`", ARCHITECTURE):
        assert (PACKAGE.parent / name).exists(), name


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


def test_every_folder_is_packaged():
    packages = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    assert sorted(packages) == sorted(".".join(folder.relative_to(PACKAGE.parent).parts) for folder in folders)

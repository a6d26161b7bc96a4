"""Batches from spreadsheets: a query and its filters in each row, their hits in one table."""

from __future__ import annotations

import csv
import io
import json
from datetime import date

import pytest

from search import Archive, Article

from .effects import run, shows


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("batch") / "desk"
    with Archive.open(folder, create=True) as archive:
        days = ("2024-01-01", "2024-02-01", "2025-01-01")
        articles = [
            Article(id=f"{source[0]}{number}", title="Ferry", text=f"It sails {number}.", source=source, published=day)
            for source in ("Argus", "Courier")
            for number, day in enumerate(days)
        ]
        archive.add([*articles, Article(id="x", title="=1+1", text="A tug.", source="=cmd")], vectors=False)
    return folder


HEADER = ["id", "query", "source", "from", "limit", "sort", "remark"]
ROWS = [
    ["a", "ferry", "Argus", "2024-02", "", "newest", "one"],
    ["", "ferry", "Argus; Courier", "2025", "1", "newest", ""],
    ["bad", '"ferry w/x (', "", "", "", "", ""],
    ["", "ferry", "", "", "many", "", ""],
    ["", "", "", "", "", "", "no query"],
    ["=2+2", "tug", "", "", "", "", ""],
    ["", "ferry", "", "", "", "backwards", ""],
]
WANTED = [("a", "ferry", "A2"), ("a", "ferry", "A1"), ("3", "ferry", "A2"), ("=2+2", "tug", "x")]


def written(folder, kind):
    """The rows as a spreadsheet of a kind."""
    file = folder / f"queries.{kind}"
    if kind == "xlsx":
        import openpyxl

        book = openpyxl.Workbook()
        book.active.append(HEADER)
        for row in ROWS:
            cells = [None if cell == "" else int(cell) if cell.isdigit() and len(cell) < 3 else cell for cell in row]
            book.active.append([cell.lstrip("=") if cell == "=2+2" else cell for cell in cells])
        book.save(file)
        return file
    text = io.StringIO()
    csv.writer(text).writerows([HEADER, *ROWS])
    file.write_text("\ufeff" + text.getvalue(), "utf-8")
    return file


@shows("search", "--queries")
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("form", ["csv", "jsonl", "xlsx"])
def test_each_row_is_asked_and_told(desk, tmp_path, kind, form):
    out = tmp_path / "out"
    asked = ("--queries", str(written(tmp_path, kind)), "--mode", "keyword", "--format", form, "--output", str(out))
    ran = run("search", *asked, "--index", str(desk))
    assert ran.exit_code == 2
    assert "4 of 7 rows could not be run" in ran.stderr
    for number in (4, 5, 6, 8):
        assert f"row {number}: " in ran.stderr
    assert "passed over: remark" in ran.stderr
    if form == "jsonl":  # the rest went on
        assert [json.loads(text)["id"] for text in out.read_text().splitlines()] == ["A2", "A1", "A2", "x"]
    assert out.stat().st_size > 100


@pytest.mark.parametrize("form", ["csv", "jsonl", "xlsx"])
def test_hits_with_their_query(desk, tmp_path, form):
    file = tmp_path / "good.csv"
    good = [ROWS[0], ROWS[1], ROWS[5]]
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows([HEADER, *good])
    file.write_text(text.getvalue(), "utf-8")
    out = tmp_path / "out"
    ran = run("search", "--queries", str(file), "--format", form, "--output", str(out), "--index", str(desk))
    assert ran.exit_code == 0, ran.output
    assert "4 hits for 3 rows" in ran.stderr
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(out.read_text())))
        assert rows[3]["query_id"] == "'=2+2"
        assert rows[3]["title"] == "'=1+1"
        rows[3]["query_id"] = "=2+2"
        found = [(row["query_id"], row["query"], row["id"]) for row in rows]
    elif form == "jsonl":
        found = [(one["query_id"], one["query"], one["id"]) for one in map(json.loads, out.read_text().splitlines())]
    else:
        import openpyxl

        cells = list(openpyxl.load_workbook(io.BytesIO(out.read_bytes())).active.iter_rows())
        assert {cell.data_type for row in cells for cell in row} <= {"s", "n", "b"}
        names = [cell.value for cell in cells[0]]
        found = [tuple(row[names.index(name)].value for name in ("query_id", "query", "id")) for row in cells[1:]]
    assert found == WANTED


def test_days_and_numbers_of_a_workbook(desk, tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["Query", "From", "Limit", "Literal"])
    book.active.append(["ferry", date(2025, 1, 1), 1.0, "yes"])
    book.save(tmp_path / "q.xlsx")
    ran = run("search", "--queries", str(tmp_path / "q.xlsx"), "--format", "jsonl", "--index", str(desk))
    (hit,) = map(json.loads, ran.stdout.splitlines())
    assert hit["published"] == "2025-01-01"


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("q.csv", b"words\nferry\n", "no column 'query'"),
        ("q.csv", b"query,query\nferry,x\n", "two columns 'query'"),
        ("q.csv", b"query\n\n", "holds no queries"),
        ("q.csv", b"query\n\xff\xfe\n", "not UTF-8"),
        ("q.xlsx", b"PK\x03\x04 no workbook", "cannot be read|no workbook"),
        ("q.xlsx", b"", "cannot be read|no workbook"),
    ],
)
def test_spreadsheets_that_cannot_be_read(desk, tmp_path, name, data, message):
    import re

    (tmp_path / name).write_bytes(data)
    ran = run("search", "--queries", str(tmp_path / name), "--index", str(desk))
    assert ran.exit_code == 2
    assert re.search(message, ran.stderr)

"""Hits for Excel: a workbook, and CSV with a byte order mark; and -word on the command line."""

from __future__ import annotations

import io
import zipfile
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from search import Archive, Article
from search.cli.main import cli
from search.exports.workbook import workbook

from .effects import shows

SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workbook") / "a"
    with Archive.open(folder, create=True) as archive:
        archive.add(
            [
                Article(id="e", title="Été à Orléans", text="strike\x07 now"),
                Article(id="f", title='=HYPERLINK("http://bad.example")', text="strike by trump, nato"),
            ],
            vectors=False,
        )
    return folder


def run(folder, *args):
    return CliRunner().invoke(cli, ["search", "--index", str(folder), "--mode", "keyword", *args])


def cells(data):
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        texts = [
            "".join(part.text or "" for part in item.iter(f"{SHEET}t"))
            for item in ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
        ]
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    assert not list(sheet.iter(f"{SHEET}f"))  # no formula
    return [
        [texts[int(cell[0].text)] if cell.get("t") == "s" else cell[0].text for cell in row]
        for row in sheet.iter(f"{SHEET}row")
    ]


def test_a_workbook_has_a_row_for_each_hit(folder):
    result = run(folder, "strike", "--format", "xlsx")
    assert result.exit_code == 0, result.stderr
    header, *rows = cells(result.stdout_bytes)
    assert header[:2] == ["rank", "id"]
    titles = {row[header.index("title")] for row in rows}
    assert titles == {"Été à Orléans", '=HYPERLINK("http://bad.example")'}


def test_a_workbook_of_nothing():
    assert len(cells(workbook([]).data)) == 1


def test_a_cell_that_is_cut_is_said(tmp_path):
    with Archive.open(tmp_path / "a", create=True) as archive:
        longest, longer = "strike " * 4681, "strike " * 4682  # 32,767 and 32,774 characters
        articles = [Article(id=str(len(title)), title=title, text="strike") for title in (longest, longer)]
        archive.add(articles, vectors=False)
    result = run(tmp_path / "a", "strike", "--format", "xlsx")
    header, *rows = cells(result.stdout_bytes)
    titles = sorted(row[header.index("title")] for row in rows)
    assert titles == sorted([longest, longer[:32_766] + "…"])
    assert "1 cell cut to the 32,767 characters that a spreadsheet holds: --format csv has all" in result.stderr
    assert "cut to" not in run(tmp_path / "a", "strike", "--format", "csv").stderr


@shows("search", "--excel")
def test_csv_for_excel_begins_with_a_mark(folder):
    plain, marked = run(folder, "strike", "--format", "csv"), run(folder, "strike", "--format", "csv", "--excel")
    assert marked.stdout_bytes == "\ufeff".encode() + plain.stdout_bytes
    assert plain.stdout_bytes.startswith(b"rank,")


def test_the_mark_is_for_csv_alone(folder):
    assert run(folder, "strike", "--excel").exit_code == 2


@pytest.mark.parametrize(
    ("args", "ids"),
    [
        (("strike", "-trump"), ["e"]),
        (("strike", "-nato"), ["e"]),  # -n is an option
        (("-trump", "strike", "-n5"), ["e"]),
        (("strike", "-n", "1", "-trump"), ["e"]),
        (("strike", "--", "-trump"), ["e"]),
        (("strike -trump",), ["e"]),
    ],
)
def test_words_can_be_left_out_on_the_command_line(folder, args, ids):
    result = run(folder, *args, "--format", "ids") if "--" not in args else run(folder, "--format", "ids", *args)
    assert result.stdout.split() == ids

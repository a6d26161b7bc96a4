import csv
import io
import json
import time
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.errors import SourceError, UsageError
from search.ingest import orders, source
from search.ingest.fields import _NOTHING, BadRecord, to_article
from search.ingest.formats import Record, json_values, table
from search.ingest.source import Source
from search.records import Article, Rejection
from tests.placeless import read


def items(tmp_path, name, data, **options):
    path = tmp_path / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return [_named(item, name) for item in read([str(path)], **options)]


def _named(item, name):
    if isinstance(item, Article):
        return item
    assert item.source.endswith(name)
    return item.line, item.reason, item.record


def in_memory(form, data):
    source = Source("memory", io.BytesIO(data.encode() if isinstance(data, str) else data))
    return [_article(item) if isinstance(item, Record) else item for item in form.read(source)]


def _article(record):
    try:
        return to_article(record.fields)
    except BadRecord as error:
        return Rejection(source="memory", line=record.place, reason=str(error))


# JSON lines


def test_json_lines(tmp_path):
    data = '{"id": "1", "title": "One"}\n\n  \n{"id": "2", "title": "Two\\u2028lines"}\r\n{"id": "3", "title": "Three"}'
    assert items(tmp_path, "a.jsonl", data) == [
        Article(id="1", title="One"),
        Article(id="2", title="Two lines"),
        Article(id="3", title="Three"),
    ]


def test_a_raw_line_separator_in_a_string_ends_no_line(tmp_path):
    data = '{"id": "1", "text": "a\u2028b\u0085c"}\n{"id": "2", "title": "t"}'
    assert items(tmp_path, "a.jsonl", data) == [Article(id="1", text="a\nbc"), Article(id="2", title="t")]


def test_broken_json_lines_are_rejected_and_the_rest_goes_in(tmp_path):
    broken = '{"id": "2", "title": "' + "x" * 600
    deep = '{"id": "5", "x": ' + "[" * 100_000
    data = "\n".join(
        [
            '{"id": "1", "title": "One"}',
            broken,
            "[1, 2]",
            '"text"',
            deep,
            '{"id": "6"}',
            '{"id": "7", "title": "Seven"}',
        ]
    )
    assert items(tmp_path, "a.jsonl", data) == [
        Article(id="1", title="One"),
        (2, "not valid JSON: Unterminated string starting at (character 22 of the record)", broken[:500]),
        (3, "a record must be a JSON object, not an array", "[1, 2]"),
        (4, "a record must be a JSON object, not a string", '"text"'),
        (5, "not readable JSON: nested too deeply", deep[:500]),
        (6, "neither title nor text (fields found: id)", '{"id": "6"}'),
        Article(id="7", title="Seven"),
    ]


def test_a_number_too_long_to_read(tmp_path):
    line = '{"id": ' + "1" * 5000 + ', "title": "t"}'
    assert items(tmp_path, "a.jsonl", line) == [(1, "not readable JSON: a number too long", line[:500])]


def test_a_line_of_60_million_characters_is_passed_over(tmp_path):
    data = '{"id": "1", "title": "One"}\n' + "x" * 60_000_000 + '\n{"id": "3", "title": "Three"}\n'
    assert items(tmp_path, "a.jsonl", data) == [
        Article(id="1", title="One"),
        (2, "the record is longer than 50 million characters", "x" * 500),
        Article(id="3", title="Three"),
    ]


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv", "a.txt"])
def test_an_article_of_five_megabytes(tmp_path, name):
    text = "All the news. " * 360_000 + "End."
    record = {"id": "1", "title": "Long", "text": text}
    data = {
        "a.jsonl": json.dumps(record),
        "a.json": json.dumps([record], indent=1),
        "a.csv": f'id,title,text\n1,Long,"{text}"\n',
        "a.txt": f"Long\n\n{text}\n",
    }[name]
    (article,) = items(tmp_path, name, data)
    assert (article.title, article.text) == ("Long", text)


# JSON


def test_a_json_array(tmp_path):
    data = json.dumps([{"id": n, "title": f"T{n}", "nested": [{"a": "}, {"}]} for n in range(3)], indent=2)
    assert items(tmp_path, "a.json", data) == [
        Article(id=str(n), title=f"T{n}", extra={"nested": [{"a": "}, {"}]}) for n in range(3)
    ]
    assert items(tmp_path, "b.json", "[]") == []


def test_a_single_json_object(tmp_path):
    assert items(tmp_path, "a.json", '{\n "id": "1",\n "title": "One"\n}\n') == [Article(id="1", title="One")]
    assert items(tmp_path, "b.json", '{"id": "1", "title": "One"}') == [Article(id="1", title="One")]


def test_json_values_one_after_the_other(tmp_path):
    data = '{\n"id": "1", "title": "One"}\n{\n"id": "2",\n"title": "Two"}\n'
    assert items(tmp_path, "a.json", data) == [Article(id="1", title="One"), Article(id="2", title="Two")]


def test_json_and_json_lines_under_each_other_s_name(tmp_path):
    two = [Article(id="1", title="One"), Article(id="2", title="Two")]
    assert items(tmp_path, "a.json", '{"id": "1", "title": "One"}\n{"id": "2", "title": "Two"}\n') == two
    assert items(tmp_path, "a.jsonl", '[{"id": "1", "title": "One"},\n{"id": "2", "title": "Two"}]') == two


def test_a_broken_member_of_an_array_costs_no_other(tmp_path):
    members = ['{"id": "1", "title": "One"}', '{"id": "2", "title": Two}', '{"id": "3", "title": "Three"}']
    missing_quote = '{"id": "4, "title": "Four", "text": "x"}'
    data = "[" + ",\n".join([*members, missing_quote, '{"id": "5", "title": "5"}', "17", '{"id": "6", "title": "6"}'])
    found = items(tmp_path, "a.json", data + "]")
    assert [item.id for item in found if isinstance(item, Article)] == ["1", "3", "5", "6"]
    (first, second, third) = (item for item in found if not isinstance(item, Article))
    assert first == (2, "not valid JSON: Expecting value (character 22 of the record)", members[1])
    assert second == (4, "not valid JSON: Expecting ',' delimiter (character 13 of the record)", missing_quote)
    assert third == (6, "a record must be a JSON object, not a number", "17")


CUT = '{"id": "c%d", "title": "Cut", "text": "It stops in the mid'
WHOLE = '{"id": "%d", "title": "Whole"}'


@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
@pytest.mark.parametrize(
    "lines",
    [
        [CUT % 1, CUT % 2, CUT % 3, CUT % 4, WHOLE % 1, WHOLE % 2],
        [WHOLE % 1, CUT % 1, CUT % 2, CUT % 3, WHOLE % 2, CUT % 4],
        ['{"id": "x", "m": {"a": 1', '{"id": "y", "authors": ["a", "b', '{"id": "z"', '{"', WHOLE % 1, WHOLE % 2],
    ],
)
def test_records_that_were_cut_swallow_no_other(tmp_path, name, lines):
    found = items(tmp_path, name, "\n".join(lines) + "\n")
    assert [item.id for item in found if isinstance(item, Article)] == ["1", "2"]
    assert [item[0] for item in found if not isinstance(item, Article)] == [
        number for number, line in enumerate(lines, 1) if "Whole" not in line
    ]


def test_members_that_were_cut_swallow_no_other(tmp_path):
    members = ["  " + one for one in (WHOLE % 1, CUT % 1, CUT % 2, WHOLE % 2, CUT % 3, WHOLE % 3)]
    found = items(tmp_path, "a.json", "[\n" + ",\n".join(members) + "\n]")
    assert [item.id for item in found if isinstance(item, Article)] == ["1", "2", "3"]
    assert [item[0] for item in found if not isinstance(item, Article)] == [3, 4, 6]
    nested = '{\n  "id": "%s",\n  "title": "%s",\n  "photo": {\n    "id": "p"\n  }\n}'
    broken = nested.replace('"photo": {', '"photo" {') % ("b", "B")
    found = items(tmp_path, "b.json", "\n".join([nested % ("1", "One"), broken, broken, nested % ("2", "Two")]))
    assert [item.id for item in found if isinstance(item, Article)] == ["1", "2"]
    assert [item[0] for item in found if not isinstance(item, Article)] == [8, 15]


def test_several_records_in_one_line_are_several(tmp_path):
    lines = [WHOLE % 1 + WHOLE % 2, WHOLE % 3 + " " + WHOLE % 4, WHOLE % 5 + CUT % 1, WHOLE % 6]
    found = items(tmp_path, "a.jsonl", "\n".join(lines))
    assert [item.id for item in found if isinstance(item, Article)] == ["1", "2", "3", "4", "6"]
    assert [item[0] for item in found if not isinstance(item, Article)] == [3]


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        ('[{"id": "1", "title": "One"}', 1, "the array has no closing bracket: the file is cut short"),
        ('[{"id": "1", "title": "One"},\n', 2, "the array has no closing bracket: the file is cut short"),
        ('[{"id": "1", "title": "One"},\n{"id": "2", "ti', 2, "the file ends inside this record"),
        ('[{"id": "1", "title": "One"},\n{"id": ', 2, "the file ends inside this record"),
        ('[{"id": "1", "title": "One"}] trailing', 1, "not valid JSON: Expecting value (character 1 of the record)"),
        ('[{"id": "1", "title": "One"}]]', 1, "not valid JSON: Expecting value (character 1 of the record)"),
    ],
)
def test_json_that_is_cut_short_or_goes_on(tmp_path, data, line, reason):
    first, second = items(tmp_path, "a.json", data)
    assert first == Article(id="1", title="One")
    assert second[:2] == (line, reason)


def test_a_json_string_too_long_for_a_record(tmp_path):
    data = (
        '[{"id": "1", "title": "One"},\n{"id": "2", "text": "'
        + "x" * 60_000_000
        + '"},\n{"id": "3", "title": "Three"}]'
    )
    first, second, third = items(tmp_path, "a.json", data)
    assert (first, third) == (Article(id="1", title="One"), Article(id="3", title="Three"))
    assert second[:2] == (2, "the record is longer than 50 million characters")


def test_what_is_no_json_at_all(tmp_path):
    assert items(tmp_path, "a.json", "Not JSON.\nAt all.") == [
        (1, "not valid JSON: Expecting value (character 1 of the record)", "Not JSON.\nAt all.")
    ]
    assert items(tmp_path, "b.json", "12") == [(1, "a record must be a JSON object, not a number", "12")]


_TITLES = st.text(min_size=1, max_size=9).filter(lambda t: t.isalnum() and t.casefold() not in _NOTHING)
_RECORDS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.uuids().map(str),
            "title": _TITLES,
        },
        optional={
            "x": st.text(max_size=9),
            "y": st.lists(st.dictionaries(st.text(max_size=3), st.integers()), max_size=2),
        },
    ),
    max_size=6,
)


@settings(max_examples=150)
@given(_RECORDS, st.integers(1, 40), st.sampled_from([None, 0, 2]), st.booleans())
def test_the_incremental_reader_finds_what_the_decoder_finds(records, block, indent, ascii_only):
    data = json.dumps(records, indent=indent, ensure_ascii=ascii_only)
    expected = [item for record in records for item in in_memory(json_values, json.dumps(record))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "BLOCK", block)
        assert in_memory(json_values, data) == expected
        assert len(expected) == len(records)


def test_the_next_object_is_seen_where_a_block_ends_before_it():
    data = '11:1111111111111\n{"'
    for block in (1, 2, 7):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(source, "BLOCK", block)
            assert [item.line for item in in_memory(json_values, data)] == [1, 1, 2]


@settings(max_examples=150)
@given(st.text('{}[]",:\\ \nab1', max_size=60), st.integers(1, 30))
def test_any_text_is_read_as_json_to_its_end(data, block):
    whole = in_memory(json_values, data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "BLOCK", block)
        assert [type(item) for item in in_memory(json_values, data)] == [type(item) for item in whole]


# CSV and TSV


@pytest.mark.parametrize(
    ("name", "delimiter"),
    [("a.csv", ","), ("a.csv", ";"), ("a.csv", "\t"), ("a.csv", "|"), ("a.tsv", "\t"), ("a.tab", ",")],
)
def test_dialects(tmp_path, name, delimiter):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    writer.writerows(
        [
            ["ID", "Headline", "Body", "Date", "Author", "Words", ""],
            ["1", 'A "quoted" title', "One, two;\nthree\tfour | five", "26-02-2025", "A Ruiz; B Li", "7", "x"],
            ["", "", "", "", "", "", ""],
            ["2", "Two", "", "", "", "", ""],
        ]
    )
    assert items(tmp_path, name, "\ufeff" + out.getvalue()) == [
        Article(
            id="1",
            title='A "quoted" title',
            text="One, two;\nthree\tfour | five",
            published=date(2025, 2, 26),
            authors=("A Ruiz", "B Li"),
            extra={"Words": "7", "column 7": "x"},
        ),
        (4, "neither title nor text (fields found: none)", delimiter * 6),
        Article(id="2", title="Two"),
    ]


def test_a_separator_line(tmp_path):
    assert items(tmp_path, "a.csv", "sep=;\nid;title\n1;a,b\n") == [Article(id="1", title="a,b")]


def test_one_column_of_text(tmp_path):
    assert [item.text for item in items(tmp_path, "a.csv", 'text\n"a, b"\nc\n')] == ["a, b", "c"]
    assert [item.text for item in items(tmp_path, "a.tsv", "text\na, b\nc; d\n")] == ["a, b", "c; d"]


def test_names_that_come_twice(tmp_path):
    assert items(tmp_path, "a.csv", "id,title,x,x,title\n1,t,a,b,u\n") == [
        Article(id="1", title="t", extra={"x": "a", "x 2": "b", "title 2": "u"})
    ]


def test_line_numbers_and_rows_of_the_wrong_length(tmp_path):
    data = 'id,title,text\n1,One,"a\nb\nc"\n2,Two\n\n3,Three,c,d\n4,Four,e,,\n5,Five,f\n'
    assert items(tmp_path, "a.csv", data) == [
        Article(id="1", title="One", text="a\nb\nc"),
        Article(id="2", title="Two"),
        (7, "the row has 4 fields where the header has 3", "3,Three,c,d"),
        Article(id="4", title="Four", text="e"),
        Article(id="5", title="Five", text="f"),
    ]


def test_a_lone_quotation_mark_costs_its_row_alone(tmp_path):
    data = 'id,title,text\n1,One,"a"\n2,"Two,b\n3,"Three","c"\n4,Four,"d\n'
    assert items(tmp_path, "a.csv", data) == [
        Article(id="1", title="One", text="a"),
        (3, "not a CSV row: ',' expected after '\"'", '2,"Two,b\n3,"Three","c"'),
        Article(id="3", title="Three", text="c"),
        (5, "not a CSV row: unexpected end of data", '4,Four,"d'),
    ]


def test_a_quotation_that_never_ends_is_cut_at_the_record_limit(tmp_path):
    line = "x" * 99 + "\n"
    data = 'id,title\n1,"' + line * 510_000 + "2,Two\n"
    first, *others = items(tmp_path, "a.csv", data)
    assert first[:2] == (2, "the record is longer than 50 million characters")
    assert others[-1] == Article(id="2", title="Two")


def test_long_fields_leave_the_csv_module_as_it_was(tmp_path):
    before = csv.field_size_limit()
    text = "x" * 200_000
    path = tmp_path / "a.csv"
    path.write_text(f"id,text\n1,{text}\n2,{text}\n")
    first, second = read([path]), read([path])
    assert next(first).text == next(second).text == text
    first.close()
    assert next(second).text == text
    second.close()
    assert csv.field_size_limit() == before


@pytest.mark.parametrize(
    ("table", "found"),
    [
        ("id,title,text\n1,A,x,\n2,B,y,\n", [("1", "A", "x"), ("2", "B", "y")]),
        ("id,title,text\n1,A b,It is old, he said\n2,B c,It is new, she said\n", []),
        ("title,text\nA b,It is old, he said\nB c,It is new, she said\n", []),
        ("id,title,text\n1,a1,A b,x\n2,a2,B c,y\n", [("a1", "A b", "x"), ("a2", "B c", "y")]),
        ('id, title, text\n1, "A, b", "x, y"\n2, B, z\n', [("1", "A, b", "x, y"), ("2", "B", "z")]),
        ("id,title,text\n1,A,x\nid,title,text\n2,B,y\n", [("1", "A", "x"), ("2", "B", "y")]),
    ],
    ids=["commas at ends", "commas in texts", "commas in texts without ids", "rows named", "spaces", "two tables"],
)
def test_rows_that_do_not_fit_their_header(tmp_path, table, found):
    read_of = items(tmp_path, "a.csv", table)
    assert [(item.id, item.title, item.text) for item in read_of if isinstance(item, Article)] == found
    assert len(read_of) == max(2, len(found))  # what is no row is rejected


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("Ruiz,2025-02-26,Bridge reopens", '"Ruiz", "2025-02-26", "Bridge reopens"'),
        ("id;date;author", '"id", "date", "author"'),
        ("one column", '"one column"'),
    ],
)
def test_a_table_without_a_usable_header(tmp_path, header, found):
    path = tmp_path / "folder" / "a.csv"
    path.parent.mkdir()
    path.write_text(header + "\n1,2,3\n")
    reason = (
        f"no line at the start has a column for a title or a text: found {found}; known are title, headline, "
        "web_title, article_title, text, body, content, article and others, --map title=NAME names another"
    )
    with pytest.raises(SourceError) as caught:
        read([str(path)])
    assert str(caught.value) == f"{path}: {reason}"
    assert list(read([str(path.parent)])) == [Rejection(source=str(path), line=1, reason=reason, record=header)]


_CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=12)


@settings(max_examples=150)
@given(st.lists(st.tuples(_CELLS, _CELLS), max_size=5), st.integers(1, 40), st.sampled_from(",;\t|"))
def test_tables_are_read_as_they_were_written(rows, block, delimiter):
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerows([("id", "title", "note"), *((n, f"t{n}", *row[:1]) for n, row in enumerate(rows))])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "BLOCK", block)
        found = in_memory(table, out.getvalue())
    assert [item.id for item in found] == [str(n) for n in range(len(rows))]
    assert [item.extra for item in found] == [{"note": row[0]} if row[0].strip() else {} for row in rows]


# Tables as programs write them


def rows(tmp_path, data, name="a.csv", **options):
    return [
        (item.id, item.title, item.text) if isinstance(item, Article) else item[:2]
        for item in items(tmp_path, name, data, **options)
    ]


@pytest.mark.parametrize(
    "data",
    [
        'id,title,text\n1,"He said \\"no\\"",x\n2,"Yes, and no",y\n',  # quotation marks behind a backslash
        'id,title,text\n1,"He said ""no""",x\n2,"Yes, and no",y\n',
        'id,title,text\n1,He said "no",x\n2,"Yes, and no",y\n',
        'Export of the desk\n3 March 2025\n\nid,title,text\n1,"He said ""no""",x\n2,"Yes, and no",y\n',
        'sep=,\nid,title,text\n1,"He said ""no""",x\n2,"Yes, and no",y\n',
        'id,title,text,date,author\n1,"He said ""no""",x\n2,"Yes, and no",y,,\n',  # cells left out at the end
        'id;title;text;;\n1;"He said ""no""";x\n2;Yes, and no;y;;\n',
        'id\ttitle\ttext\n1\tHe said "no"\tx\n2\tYes, and no\ty\n',
        "'id','title','text'\n'1','He said \"no\"','x'\n'2','Yes, and no','y'\n",
        'id^title^text\n1^He said "no"^x\n2^Yes, and no^y\n',
    ],
)
def test_tables_of_many_programs(tmp_path, data):
    assert rows(tmp_path, data) == [("1", 'He said "no"', "x"), ("2", "Yes, and no", "y")]


def test_cells_that_open_with_a_quotation_mark(tmp_path):
    data = 'id,title,text\n1,"No" means no,a\n2,"Two, and ""three""",b\n3,"Four" and "five",c\n4,"Plain",d\n'
    assert rows(tmp_path, data) == [
        ("1", '"No" means no', "a"),
        ("2", 'Two, and "three"', "b"),
        ("3", '"Four" and "five"', "c"),
        ("4", "Plain", "d"),
    ]


def test_rows_that_begin_with_a_name_of_their_own(tmp_path):
    data = '"id","title","text"\n"r1","1","One","x"\n"r2","2","Two","y"\n'
    assert rows(tmp_path, data) == [("1", "One", "x"), ("2", "Two", "y")]


def test_the_end_of_a_broken_row_is_no_short_row(tmp_path):
    data = 'id,title,text,author\n1,A,"one\ntwo "three" four",Bob\n2,B,b,Al\nTotal: 2\n'
    first, second, third, fourth = rows(tmp_path, data)
    assert first == (2, "not a CSV row: ',' expected after '\"'")
    assert second == (3, "the row has 2 fields where the header has 4")
    assert third == ("2", "B", "b")
    assert fourth == (5, "the row has 1 field where the header has 4")


def test_lines_above_the_header_are_told(tmp_path):
    reader = Source("memory", io.BytesIO(b"Archive 2025;;\nMade by hand;;\nid;title;text\n1;A;x\n"))
    assert [item.place for item in table.read(reader)] == [4]
    assert reader.notes == {"lines above the header left out": 2}


def test_a_header_with_one_name_thousands_of_times(tmp_path, collector_off):
    header = "id,title," + ",".join(["x"] * 60_000)
    began = time.thread_time()
    (article,) = items(tmp_path, "a.csv", f"{header}\n1,One,a,b,c\n")
    assert time.thread_time() - began < 5
    assert article.extra == {"x": "a", "x 2": "b", "x 3": "c"}


def test_columns_that_only_the_user_knows(tmp_path):
    data = "Kopf,Leib,Tag\nA,x,26/02/2025\nB,y,05/02/2025\n"
    path = tmp_path / "a.csv"
    path.write_text(data)
    with pytest.raises(SourceError, match="--map title=NAME names another"):
        read([path])
    found = list(read([path], map={"title": "Kopf", "text": "leib", "published": "tag"}, set={"source": "Post"}))
    assert [(item.title, item.text, item.source, item.published) for item in found] == [
        ("A", "x", "Post", date(2025, 2, 26)),
        ("B", "y", "Post", date(2025, 2, 5)),
    ]


# One order of day and month for a file


def days(tmp_path, values, name="a.csv", **options):
    lines = {
        "a.csv": "id,title,date\n" + "".join(f"{n},t,{value}\n" for n, value in enumerate(values)),
        "a.jsonl": "".join(json.dumps({"id": str(n), "title": "t", "date": v}) + "\n" for n, v in enumerate(values)),
    }[name]
    return [item.published for item in items(tmp_path, name, lines, **options)]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
@pytest.mark.parametrize("place", [0, 2, 5])
def test_one_value_decides_for_all_of_its_file(tmp_path, name, place):
    values = ["05/02/2025"] * 5
    british = [*values[:place], "26/02/2025", *values[place:]]
    american = [*values[:place], "02/26/2025", *values[place:]]
    assert set(days(tmp_path, british, name)) == {date(2025, 2, 5), date(2025, 2, 26)}
    assert set(days(tmp_path, american, name)) == {date(2025, 5, 2), date(2025, 2, 26)}
    assert set(days(tmp_path, values, name)) == {date(2025, 5, 2)}
    assert set(days(tmp_path, values, name, dates="day-first")) == {date(2025, 2, 5)}


def test_what_decides_may_stand_behind_what_can_be_held(tmp_path, monkeypatch):
    monkeypatch.setattr(orders, "HELD", 3)
    values = [*["05/02/2025"] * 20, "26/02/2025", *["05/02/2025"] * 20]
    assert set(days(tmp_path, values)) == {date(2025, 2, 5), date(2025, 2, 26)}
    assert set(days(tmp_path, ["05/02/2025"] * 40)) == {date(2025, 5, 2)}


def test_rejections_keep_their_place_while_records_are_held(tmp_path):
    data = "id,title,date\n1,a,05/02/2025\n2,b,05/02/2025,x,y\n3,c,05/02/2025\n4,d,26/02/2025\n"
    found = items(tmp_path, "a.csv", data)
    assert [item.id if isinstance(item, Article) else item[0] for item in found] == ["1", 3, "3", "4"]


def test_files_of_one_article_each_share_an_order(tmp_path):
    for name, day in (("a", "05/02/2025"), ("b", "26/02/2025"), ("c", "07/02/2025")):
        (tmp_path / f"{name}.txt").write_text(f"Title {name}\n\nBy Ana Ruiz | Date {day}\n\nThe text of {name}.\n")
    found = [item.published for item in read([tmp_path])]
    assert found == [date(2025, 2, 5), date(2025, 2, 26), date(2025, 2, 7)]


def test_settings_that_make_no_sense(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,title\n1,t\n")
    for options in ({"dates": "day"}, {"encoding": "klingon"}, {"encoding": "base64"}, {"map": {"x": "y"}}):
        with pytest.raises(UsageError):
            read([path], **options)


# Articles inside other JSON

A, B = {"title": "A", "content": "x", "url": "https://x.example/a"}, {"title": "B", "content": "y", "id": "b"}


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_what_stands_among_wrapped_articles_and_is_no_object_is_told(tmp_path, name):
    (tmp_path / name).write_text(json.dumps({"articles": [A, B, A | {"id": "third"}, 7, None]}))
    items = list(read([tmp_path / name]))
    assert [item.title for item in items[:3]] == [A["title"], B["title"], A["title"]]
    assert [item.reason for item in items[3:]] == [
        "a record must be a JSON object, not a number",
        "a record must be a JSON object, not null",
    ]


@pytest.mark.parametrize(
    "wrapped",
    [
        {"status": "ok", "totalResults": 2, "articles": [A, B]},
        {"response": {"status": "ok", "docs": [A, B], "meta": {"hits": 2}}},
        {"response": {"results": [A, B]}},
        {"took": 3, "hits": {"total": 2, "hits": [{"_id": "1", "_source": A}, {"_id": "b", "_source": B}]}},
        {"data": {"feed": {"edges": [{"node": A}, {"node": B}]}}},
        {"version": "https://jsonfeed.org/version/1.1", "title": "My feed", "description": "d", "items": [A, B]},
        {"rss": {"channel": {"title": "Feed", "item": [A, B]}}},
        {"@context": "https://schema.org", "@graph": [A, B]},
        {"itemListElement": [{"@type": "ListItem", "item": A}, {"@type": "ListItem", "item": B}]},
        {"https://x.example/a": A, "b": B},
        [{"page": 1, "articles": [A]}, {"page": 2, "articles": [B]}],
        {"pages": [{"results": [A]}, {"results": [B]}]},
        {"title": {"0": "A", "1": "B"}, "content": {"0": "x", "1": "y"}},
        {"title": ["A", "B"], "content": ["x", "y"]},
        [{"data": {"item": A}}, {"result": {"article": B}}],
        {"columns": ["title", "content"], "index": [0, 1], "data": [["A", "x"], ["B", "y"]]},
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_wrapped_articles(tmp_path, wrapped, indent):
    found = items(tmp_path, "a.json", json.dumps(wrapped, indent=indent))
    assert [(item.title, item.text) for item in found] == [("A", "x"), ("B", "y")]
    assert len({item.id for item in found}) == 2


@pytest.mark.parametrize(
    "wrapped",
    [
        {"outlet": "Post", "language": "English", "articles": [A, B | {"source": "Mail"}]},
        {"site": {"name": "Post"}, "lang": "en", "data": {"results": [A, B | {"publication": "Mail"}]}},
        {"feed": {"title": "Post"}, "lang": "en", "items": [A, B | {"outlet": "Mail"}]},
        {"publication": "Post", "lang": "eng", "news_found": [A, B | {"publisher": "Mail"}]},
    ],
)
def test_what_an_answer_states_for_all_its_articles(tmp_path, wrapped):
    found = items(tmp_path, "a.json", json.dumps(wrapped))
    assert [(item.title, item.source) for item in found] == [("A", "Post"), ("B", "Mail")]
    if "feed" not in wrapped:
        assert [item.language for item in found] == ["en", "en"]


def test_what_stands_beside_a_single_article_is_its_own(tmp_path):
    record = {"url": "https://x.example/outer", "status": 200, "result": {"title": "A", "text": "x", "lang": "fr"}}
    (found,) = items(tmp_path, "a.json", json.dumps(record | {"meta": {"source": "Post", "language": "en"}}))
    assert (found.url, found.source, found.language) == ("https://x.example/outer", "Post", "fr")


def test_a_page_of_answers_a_line(tmp_path):
    data = "".join(json.dumps({"page": n, "articles": [one]}) + "\n" for n, one in enumerate((A, B)))
    assert [item.title for item in items(tmp_path, "a.jsonl", data)] == ["A", "B"]


@pytest.mark.parametrize(
    "record",
    [
        {"title": "T", "text": "x", "items": [A, B]},
        {"title": "T", "body": [{"type": "p", "text": "One"}, {"type": "p", "text": "Two"}]},
        {"title": "T", "related": [A, B]},
        {"title": "T", "content": {"rendered": "<p>x</p>"}, "_embedded": {"author": [{"name": "N"}]}},
        {"title": "T", "tags": {"a": {"name": "x"}, "b": {"name": "y"}}},
    ],
)
def test_an_article_with_others_in_it_is_one(tmp_path, record):
    (found,) = items(tmp_path, "a.json", json.dumps(record))
    assert found.title == "T"


def test_a_large_answer_is_read_a_member_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(json_values, "_WRAPPER", 10_000)
    monkeypatch.setattr(source, "BLOCK", 4_000)
    many = [{"id": str(n), "title": f"T{n}", "text": "word " * 100} for n in range(200)]
    response = {"n": 200, "docs": many, "meta": {"x": [1]}}
    data = json.dumps({"status": "ok", "outlet": "Post", "response": response, "after": "x" * 5_000})
    assert [(item.id, item.source) for item in items(tmp_path, "a.json", data)] == [
        (str(n), "Post") for n in range(200)
    ]
    *found, cut = items(tmp_path, "b.json", data[:50_000])
    assert [item.id for item in found] == [str(n) for n in range(len(found))]
    assert cut[1] == "the file ends inside this record"

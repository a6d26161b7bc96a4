from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.ingest.agencies import agency_name
from search.ingest.fields import to_article
from search.ingest.formats.plain import parse
from search.records import Article
from tests.placeless import read

DATA = Path(__file__).parent / "data" / "ingest"
BODY = "The river rose through the night and reached the second step of the old market by dawn."


def article(text):
    return to_article({**parse(text), "id": "1"})


def expected(title="", text=BODY, **fields):
    return Article(id="1", title=title, text=text, **fields)


def test_the_layout_of_a_newspaper_s_site():
    (found,) = read([DATA / "ferry.txt"])
    assert found == Article(
        id=found.id,
        title="Ferry strike ends as harbour crews accept new rota",
        text=(
            "Ferry services across the harbour resumed on Tuesday after crews voted to accept a rota that caps night "
            "shifts at four a month, the port authority told IANS.\n\n"
            '"We wanted rest, not money," said Joseph Varkey, who has steered the Number 6 boat for nineteen years.\n\n'
            "‘A fair bargain’\n\n"
            "The authority said that 41 of 44 sailings ran on the first morning, and that the remaining boats would "
            "return once their engines had been checked.\n\n"
            "The strike, which began on October 28, stranded about 12,000 commuters a day."
        ),
        published=date(2024, 11, 5),
        agency="IANS",
        dateline="Kochi",
        caption="Ferries tied up at the Lower Quay",
        extra={
            "posted_by": "Mira Sen",
            "also_read": ["Why the backwaters are losing their boatmen"],
            "published_raw": "05-11-2024",
        },
    )
    assert found.id == to_article({"title": found.title, "text": found.text, "date": "2024-11-05"}).id


def test_no_layout_at_all():
    assert article(f"River rises\n\n{BODY}\n\nA second paragraph.\n") == expected(
        "River rises", f"{BODY}\n\nA second paragraph."
    )
    assert article(f"River rises\n{BODY}") == expected("River rises")
    assert article("River rises") == expected("River rises", "")
    assert article("\n \n\tRiver rises \n\n") == expected("River rises", "")


def test_a_long_first_line_is_a_paragraph():
    long = "word " * 70 + "end."
    assert article(long) == expected("", long)
    assert article(f"{long}\n\n{BODY}") == expected("", f"{long}\n\n{BODY}")
    assert article(f"{'w' * 300}\n\n{BODY}") == expected("w" * 300)


@pytest.mark.parametrize(
    ("lines", "fields"),
    [
        ("Story by Ana Ruiz", {"authors": ("Ana Ruiz",)}),
        ("STORY BY: PTI", {"agency": "PTI"}),
        ("Story by Ana Ruiz and Li Wei | Date 05/11/2024",
         {"authors": ("Ana Ruiz", "Li Wei"), "published": date(2024, 5, 11), "extra": {"published_raw": "05/11/2024"}}),
        ("By Ana Ruiz", {"authors": ("Ana Ruiz",)}),
        ("BY ANA RUIZ", {"authors": ("ANA RUIZ",)}),
        ("By Ana Ruiz, Reuters", {"authors": ("Ana Ruiz",), "agency": "Reuters"}),
        ("By Ana Ruiz, Li Wei and Tom O'Dell", {"authors": ("Ana Ruiz", "Li Wei", "Tom O'Dell")}),
        ("By The Associated Press", {"agency": "AP"}),
        ("By Ana Ruiz\nPublished: 26 February 2025", {"authors": ("Ana Ruiz",), "published": date(2025, 2, 26)}),
        ("By Ana Ruiz\n\nFeb 26, 2025\n", {"authors": ("Ana Ruiz",), "published": date(2025, 2, 26)}),
        ("By Ana Ruiz | Feb 26, 2025 10:30 GMT",
         {"authors": ("Ana Ruiz",), "published": datetime(2025, 2, 26, 10, 30, tzinfo=UTC)}),
        ("Author: Ana Ruiz\nDate: 2025-02-26\nSource: The Harbour Post\nSection: Local",
         {"authors": ("Ana Ruiz",), "published": date(2025, 2, 26), "source": "The Harbour Post", "section": "Local"}),
        ("Source: AFP", {"agency": "AFP"}),
        ("Agency: dpa", {"agency": "dpa"}),
        ("URL: https://example.org/1\nLocation: Porto", {"url": "https://example.org/1", "dateline": "Porto"}),
        ("Published on 26-02-2025", {"published": date(2025, 2, 26)}),
        ("Date: some day", {"extra": {"published_raw": "some day"}}),
        ("Published: 2025-02-26 | Updated: 2025-02-27",
         {"published": date(2025, 2, 26), "extra": {"updated": "2025-02-27"}}),
        ("Edited by Tom O'Dell | Posted by Li Wei", {"extra": {"edited_by": "Tom O'Dell", "posted_by": "Li Wei"}}),
        ("By Ana Ruiz | Porto desk", {"authors": ("Ana Ruiz",), "extra": {"byline": ["Porto desk"]}}),
        ("Story by IANS\nPhoto: The old market", {"agency": "IANS", "caption": "The old market"}),
        ("Story by IANS\n\nPorto, Feb 26", {"agency": "IANS", "dateline": "Porto, Feb 26"}),
        ("The market\nThe market\n", {"caption": "The market"}),
    ],
)  # fmt: skip
def test_lines_of_labels(lines, fields):
    if "raw" in fields:  # a slash date that can be read in two ways
        fields = {
            "authors": fields["authors"],
            "published": date(2024, 5, 11),
            "extra": {"published_raw": "05/11/2024"},
        }
    assert article(f"River rises\n\n{lines}\n{BODY}\n") == expected("River rises", **fields)
    assert article(f"River rises\n{lines}\n\n{BODY}") == expected("River rises", **fields)


@pytest.mark.parametrize(
    "line",
    [
        "By Monday night the river had risen",
        "By dawn.",
        "By The Numbers",
        "Published authors met the mayor on the bridge",
        "Date palms wither in the dry season",
        "Dateline was a programme of the eighties",
        "Source of the river",
        "Bystanders watched",
        "Updated maps of the valley are late",
    ],
)
def test_sentences_that_begin_like_labels_stay_in_the_body(line):
    assert article(f"River rises\n\n{line}\n\n{BODY}") == expected("River rises", f"{line}\n\n{BODY}")


def test_a_standfirst_before_the_byline_goes_to_the_body():
    assert article(f"River rises\n\nMarket traders fear the worst\n\nBy Ana Ruiz\n\n{BODY}") == expected(
        "River rises", f"Market traders fear the worst\n\n{BODY}", authors=("Ana Ruiz",)
    )


def test_a_subhead_is_no_dateline():
    text = f"River rises\n\nBy Ana Ruiz\n\n{BODY}\n\nOld Market\n\n{BODY}"
    assert article(text) == expected("River rises", f"{BODY}\n\nOld Market\n\n{BODY}", authors=("Ana Ruiz",))
    assert article(f"River rises\n\nOld Market\n\n{BODY}") == expected("River rises", f"Old Market\n\n{BODY}")


def test_title_printed_twice_or_labelled():
    assert article(f"River rises\nRiver rises\n\n{BODY}") == expected("River rises")
    assert article(f"Title: River rises\nBy: Ana Ruiz\n\n{BODY}") == expected("River rises", authors=("Ana Ruiz",))


@pytest.mark.parametrize(
    ("start", "fields"),
    [
        ("NEW DELHI, Feb 26 (Reuters) - ", {"dateline": "NEW DELHI", "agency": "Reuters"}),
        ("New Delhi, Feb 26 (IANS) ", {"dateline": "New Delhi", "agency": "IANS"}),
        ("WASHINGTON (AP) — ", {"dateline": "WASHINGTON", "agency": "AP"}),
        ("PARIS, 26 February 2025 (AFP) - ", {"dateline": "PARIS", "agency": "AFP"}),
        ("New Delhi [India], ", {}),
        ("ST. PETERSBURG, Fla. (AP) -- ", {"dateline": "ST. PETERSBURG, Fla.", "agency": "AP"}),
        ("LONDON — ", {"dateline": "LONDON"}),
        ("BREAKING — ", {}),
        ("The council (of elders) - ", {}),
    ],
)
def test_datelines_in_the_text_stay_there(start, fields):
    assert article(f"River rises\n\n{start}{BODY}") == expected("River rises", start + BODY, **fields)


@pytest.mark.parametrize(
    "line", ["ALSO READ: Boats", "Also Read | Boats", "READ MORE: Boats", "Read also - Boats", "MUST READ: Boats"]
)
def test_pointers_to_other_articles_leave_the_body(line):
    assert article(f"River rises\n\n{BODY}\n\n{line}\n\n{BODY}") == expected(
        "River rises", f"{BODY}\n\n{BODY}", extra={"also_read": ["Boats"]}
    )


def test_sentences_that_begin_like_pointers_stay():
    text = "Also read in court was a letter.\n\nRead more slowly, she said."
    assert article(f"River rises\n\n{text}") == expected("River rises", text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("IANS", "IANS"), ("ians", "IANS"), ("Press Trust of India", "PTI"), ("(Reuters)", "Reuters"),
        ("PTI/ANI", "PTI, ANI"), ("AP and AFP", "AP, AFP"), ("Agence France-Presse", "AFP"), ("Agencies", "Agencies"),
        ("Xinhua News Agency", "Xinhua"), ("Ana Ruiz", None), ("AP Dhillon", None), ("", None), ("/", None),
    ],
)  # fmt: skip
def test_agencies(text, name):
    assert agency_name(text) == name


def test_the_agency_of_every_table_entry_names_itself():
    for name in (
        "IANS",
        "PTI",
        "ANI",
        "UNI",
        "AP",
        "Reuters",
        "AFP",
        "dpa",
        "Xinhua",
        "TASS",
        "EFE",
        "Kyodo",
        "Bloomberg",
    ):
        assert agency_name(name) == name


def test_offsets_count_nfc_text():
    found = article("Cafe\u0301 burns\n\nThe cafe\u0301 burned.\r\nNobody was hurt.\x00\x07\n")
    assert found == expected("Café burns", "The café burned.\nNobody was hurt.")


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_any_text_is_laid_out(text):
    fields = parse(text)
    assert isinstance(fields["text"], str)


@given(st.lists(st.lists(st.sampled_from(["By", "river", "date", "dawn.", "and", "Read"]), min_size=8), min_size=1))
def test_no_word_of_a_plain_body_is_lost(paragraphs):
    body = "\n\n".join(f"{number} {' '.join(words)}." for number, words in enumerate(paragraphs))
    assert parse(f"River rises\n\n{body}\n")["text"] == body


# The common layouts


@pytest.mark.parametrize(
    ("head", "fields"),
    [
        ("River rises\nBy Ana Ruiz\nValley Post\n26 February 2025\n",
         {"authors": ("Ana Ruiz",), "source": "Valley Post", "published": date(2025, 2, 26)}),
        ("River rises\n\nBy Ana Ruiz\n\nThe Hill Herald\n\nPublished: Feb 26, 2025\n",
         {"authors": ("Ana Ruiz",), "source": "The Hill Herald", "published": date(2025, 2, 26)}),
        ("River rises\nAna Ruiz | Valley Post | 26 Feb 2025\n",
         {"authors": ("Ana Ruiz",), "source": "Valley Post", "published": date(2025, 2, 26)}),
        ("River rises\nValley Post | 2025-02-26\n", {"source": "Valley Post", "published": date(2025, 2, 26)}),
        ("By Ana Ruiz\nRiver rises\n26 February 2025\n", {"authors": ("Ana Ruiz",), "published": date(2025, 2, 26)}),
        ("Valley Post\nRiver rises\n26 February 2025\n", {"source": "Valley Post", "published": date(2025, 2, 26)}),
        ("The Hill Herald\n\nRiver rises\n\nWednesday, February 26, 2025\n\nBy Ana Ruiz\n",
         {"source": "The Hill Herald", "published": date(2025, 2, 26), "authors": ("Ana Ruiz",)}),
        ("valleypost.example\nRiver rises\n26.02.2025\n",
         {"source": "valleypost.example", "published": date(2025, 2, 26)}),
        ("River rises\n26 février 2025\n", {"published": date(2025, 2, 26)}),
        ("River rises\nBy Ana Ruiz, Political Editor\nValley Post, 26 February 2025\n",
         {"authors": ("Ana Ruiz",), "source": "Valley Post", "published": date(2025, 2, 26)}),
        ("River rises\nPar Ana Ruiz\nPublié le 26 février 2025\n",
         {"authors": ("Ana Ruiz",), "published": date(2025, 2, 26)}),
        ("River rises\nVon Ana Ruiz\nVeröffentlicht am 26.02.2025\n",
         {"authors": ("Ana Ruiz",), "published": date(2025, 2, 26)}),
        ("River rises\n", {}),
    ],
)  # fmt: skip
def test_the_common_layouts(head, fields):
    assert article(f"{head}\n{BODY}\n") == expected("River rises", **fields)


def test_a_standfirst_before_a_date_is_no_headline():
    found = article(f"River rises again\n\nMarket traders fear the worst\n\n26 February 2025\n\n{BODY}\n")
    assert (found.title, found.published) == ("River rises again", date(2025, 2, 26))
    assert found.source == ""


@pytest.mark.parametrize(
    ("start", "fields"),
    [
        ("NEW DELHI, Feb 26 (Reuters) - ", {"dateline": "NEW DELHI", "agency": "Reuters"}),
        ("WASHINGTON (AP) — ", {"dateline": "WASHINGTON", "agency": "AP"}),
        ("PORTO — ", {"dateline": "PORTO"}),
    ],
)
def test_a_wire_story_without_a_headline(start, fields):
    assert article(f"{start}{BODY}\n\nA second paragraph.\n") == expected(
        "", f"{start}{BODY}\n\nA second paragraph.", **fields
    )


@pytest.mark.parametrize(
    "front",
    [
        '---\ntitle: "River rises"\ndate: 2025-02-26\nauthor:\n  - Ana Ruiz\n  - Li Wei\nsource: Valley Post\n'
        "draft: no\n---\n",
        "---\ntitle: River rises\ndate: 2025-02-26 # as printed\nauthors: [Ana Ruiz, 'Li Wei']\nsource: Valley Post\n"
        "draft: no\n---\n",
        '+++\ntitle = "River rises"\ndate = 2025-02-26\nauthors = ["Ana Ruiz", "Li Wei"]\nsource = "Valley Post"\n'
        'draft = "no"\n+++\n',
    ],
)
@pytest.mark.parametrize("heading", ["", "# River rises\n\n"])
def test_markdown_with_front_matter(tmp_path, front, heading):
    path = tmp_path / "a.md"
    path.write_text(f"{front}\n{heading}{BODY}\n\nShort.\n")
    (found,) = read([path])
    assert found == Article(
        id=found.id,
        title="River rises",
        text=f"{BODY}\n\nShort.",
        published=date(2025, 2, 26),
        authors=("Ana Ruiz", "Li Wei"),
        source="Valley Post",
        extra={"draft": "no"},
    )


def test_markdown_without_front_matter(tmp_path):
    path = tmp_path / "a.md"
    path.write_text(f"# River rises\n\n{BODY}\n\n---\n\nAfter a rule.\n")
    (found,) = read([path])
    assert (found.title, found.text) == ("River rises", f"{BODY}\n\n---\n\nAfter a rule.")

"""The page: what stands in the address is what is shown, without a script, and a stranger's text stays text."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from search import Archive, Article, query
from search.exports.citations import apa, chicago, csl, mla
from search.query.removal import removable
from search.records import Highlight
from search.serve import running
from search.serve.app import create_app
from search.serve.desk import Settings
from search.serve.web import doors, pages
from search.serve.web.address import Asked
from search.serve.web.text import marked, paragraphs

from .effects import DEAL, HALLORANS, LEAKED, STRIKES
from .test_furniture import FOOTER, PROMPT, paper

TOKEN = "a-token-of-some-length"
NOW = datetime(2025, 3, 1, tzinfo=UTC)
LAWS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}{%x%}\u202e\x1b[31m"
PARTS = ("title", "text", "source", "section", "agency", "dateline", "caption", "language")
VOID = frozenset({"meta", "link", "input", "path", "br", "hr", "img"})


class Parsed(HTMLParser):
    """The page as a browser reads it: links, forms' fields, marks, texts; refuses what is not closed."""

    def __init__(self, text):
        super().__init__()
        self.links, self.loaded, self.fields, self.inline, self.marks, self.handlers = [], [], {}, [], [], []
        self.tags, self.ids, self.text, self.dimmed, self._dim = [], [], "", "", 0
        self.feed(text)
        assert self.tags == []

    def handle_starttag(self, tag, attributes):
        attributes_of = dict(attributes)
        if tag not in VOID:
            self.tags.append(tag)
        self.handlers += [name for name in attributes_of if name.startswith("on") or name == "style"]
        self.loaded += [attributes_of[name] for name in ("src", "srcset") if name in attributes_of]
        self.ids += [attributes_of["id"]] if "id" in attributes_of else []
        if "href" in attributes_of:
            (self.loaded if tag == "link" else self.links).append(attributes_of["href"])
        if tag == "input":
            self.fields[attributes_of["name"]] = attributes_of.get("value", "")
        if tag == "mark":
            self.marks.append("")
        if attributes_of.get("class") == "furniture":
            self._dim = len(self.tags)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.tags.pop() == tag
        self._dim = self._dim if len(self.tags) >= self._dim else 0

    def handle_data(self, data):
        if self.tags and self.tags[-1] in ("script", "style") and data.strip():
            self.inline.append(data)
        if self.tags and self.tags[-1] == "mark":
            self.marks[-1] += data
        self.dimmed += data if self._dim else ""
        self.text += data


def serving(folder, **settings):
    app = create_app(running.settings_for(Settings(folder=folder, **settings), "127.0.0.1"))
    return TestClient(app, base_url="http://127.0.0.1:8000", follow_redirects=False)


@pytest.fixture(scope="module")
def client(sample_archive):
    with serving(sample_archive) as client:
        yield client


@pytest.fixture(scope="module")
def archive(sample_archive):
    with Archive.open(sample_archive) as archive:
        yield archive


def shown(client, address, status=200):
    answer = client.get(address)
    assert answer.status_code == status, answer.text[:300]
    assert answer.headers["content-security-policy"] == doors.POLICY
    return Parsed(answer.text)


def opened(page):
    """The ids that the hits' titles open, in order."""
    ids = [parse_qs(urlsplit(link).query).get("open", [None])[0] for link in page.links if link.startswith("/?")]
    return list(dict.fromkeys(one for one in ids if one))


def test_hits_are_those_of_the_search(client, archive):
    page = shown(client, "/?q=Halloran&mode=keyword")
    assert opened(page) == HALLORANS
    assert set(page.marks) == {"Halloran"}
    assert page.fields["q"] == "Halloran"
    newest = shown(client, "/?q=title%3Astrike&sort=newest")
    assert opened(newest) == STRIKES
    assert "8 articles match" in newest.text
    total = archive.search("the", limit=1).total
    assert total > 20
    second = shown(client, "/?q=the&sort=newest&page=2")
    assert opened(second) == [hit.article.id for hit in archive.search("the", sort="newest", offset=10)]
    assert f"page 2 of {-(-total // 10)}" in second.text


@pytest.mark.parametrize(
    ("address", "settings"),
    [
        ("from=2025-01&to=2025-02", {"filters": {"since": "2025-01", "until": "2025-02"}}),
        ("source=Harrowmouth+Courier", {"filters": {"sources": "Harrowmouth Courier"}}),
        ("author=Nell+Garrity", {"filters": {"authors": "Nell Garrity"}}),
        ("section=Technology", {"filters": {"sections": "Technology"}}),
        ("language=en", {"filters": {"languages": "en"}}),
        ("as_of=2024-12-01", {"as_of": "2024-12-01"}),
        ("mode=vector", {"mode": "vector"}),
        ("sort=oldest", {"sort": "oldest"}),
        ("copies=collapse", {"copies": "collapse"}),
        ("detect=off", {"detect": "off"}),
        ("recency=30d&as_of=2025-03-01", {"recency": "30d", "as_of": "2025-03-01"}),
        ("literal=1", {"literal": True}),
    ],
)
def test_each_setting_of_the_address_is_that_of_the_search(client, archive, address, settings):
    query_text = "dam strike October 2024"
    expected = archive.search(query_text, **settings)
    page = shown(client, f"/?q=dam+strike+October+2024&{address}")
    assert [one for one in opened(page) if one in {hit.article.id for hit in expected}] == [
        hit.article.id for hit in expected
    ]
    assert f"{expected.total:,} article" in page.text
    plain = archive.search(query_text)
    assert settings == {"literal": True} or values(plain) != values(expected)
    for name, value in parse_qs(address).items():  # the form sends it again
        if name not in ("sort", "mode", "copies", "detect"):
            assert page.fields[name] == value[0]


def values(results):
    return [(hit.article.id, hit.score) for hit in results], results.total, results.stories


def test_facets_narrow_and_leave_out(client, archive):
    page = shown(client, "/?q=title%3Astrike&from=2024-01")
    facet = archive.facets("title:strike", fields=["source"], limit=6, filters={"since": "2024-01"}).facets[0]
    for value in facet.values:
        narrowed = next(link for link in page.links if parse_qs(urlsplit(link).query).get("q") == [value.query])
        left_out = next(link for link in page.links if parse_qs(urlsplit(link).query).get("q") == [value.others])
        total = archive.search("title:strike", limit=1, filters={"since": "2024-01"}).total
        assert f"{value.count} article" in shown(client, narrowed).text
        assert f"{total - value.count} article" in shown(client, left_out).text


def test_the_timeline_is_that_of_the_archive_and_its_bars_narrow(client, archive):
    page = shown(client, "/?q=Halloran&by=month")
    line = archive.timeline("Halloran", by="month")
    bars = [bar for bar in line.buckets if bar.count]
    links = [link for link in page.links if "from=" in link]
    assert len(links) == len(bars) > 2
    for bar, link in zip(bars, links, strict=True):
        assert f"{bar.count} article" in shown(client, link).text
        assert f"{bar.label}: {bar.count} of {bar.articles}" in page.text
    assert "share of all articles by month" in shown(client, "/?q=Halloran&by=month&share=1").text


def test_queries_are_compared_over_time(client, archive):
    page = shown(client, "/?q=Halloran&by=month&compare=strike&compare=dam+-port&compare=")
    found = archive.timeline("Halloran", by="month", compare=["strike", "dam -port"])
    lines = [("Halloran", found), *((one.name, one) for one in found.series)]
    for name, line in lines:
        assert f"{name} {line.total}" in page.text
    _, _, rest = page.text.partition("As a table")[2].partition("Compare, or take it along")[0].partition("share\n")
    for at, bar in enumerate(found.buckets):
        cells = [f"{line.buckets[at].count:,}" for _, line in lines]
        assert bool(any(one.buckets[at].count for _, one in lines)) == (
            f"{bar.label}: " in page.text and bar.label in rest
        )
        assert "; ".join(
            [f"{bar.label}: {cells[0]} of {bar.articles:,}", f"strike: {cells[1]}", f"dam -port: {cells[2]}"]
        ) in (page.text)
    asked = [parse_qs(urlsplit(link).query) for link in page.links]
    assert {"q": ["Halloran"], "by": ["month"], "compare": ["strike"]} in asked
    assert {"q": ["Halloran"], "by": ["month"], "compare": ["dam -port"]} in asked
    narrowed = next(link for link in page.links if "from=" in link)
    assert parse_qs(urlsplit(narrowed).query)["compare"] == ["strike", "dam -port"]
    whole = "/?q=a&from=2024&compare=b"
    kept = [link for link in shown(client, whole).links if link.startswith("/?") and "source%3A" in link]
    assert kept
    assert all("from=2024" in link for link in kept)  # the other query is within it, too
    assert 'name="compare" required' in client.get("/?q=a&compare=b&compare=c&compare=d").text
    assert 'name="compare" required' not in client.get("/?q=a&compare=b&compare=c&compare=d&compare=e").text
    assert "compare" in shown(client, "/?q=a" + 5 * "&compare=b", 400).text
    wrong = client.get("/?q=strike&compare=title%3A%22x")
    assert (wrong.status_code, "data-position" in wrong.text) == (400, False)  # the mistake is not in the box
    shares = shown(client, "/?q=Halloran&by=month&compare=strike&share=1").text
    assert "share of all articles by month" in shares


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_counts_leave_as_files(client, archive, form):
    import openpyxl

    query = "q=Halloran&by=month&compare=strike&from=2024-10"
    found = archive.timeline("Halloran", by="month", compare=["strike"], filters={"since": "2024-10"})
    wanted = [["series", "month"], *(["Halloran", one.label] for one in found.buckets)]
    wanted += [["strike", one.label] for one in found.series[0].buckets]
    counts = archive.facets("Halloran", limit=None, filters={"since": "2024-10"})
    sources = {one.value: one.count for one in counts.facets[0].values}

    def rows(name):
        answer = client.get(f"/{name}.{form}?{query}")
        assert answer.status_code == 200
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}.{form}"'
        assert answer.headers["content-security-policy"] == doors.POLICY
        if form == "csv":
            return [[*line] for line in csv.reader(io.StringIO(answer.text))]
        book = openpyxl.load_workbook(io.BytesIO(answer.content))
        return [list(row) for row in book[name].iter_rows(values_only=True)]

    timeline, facets = rows("timeline"), rows("facets")
    assert [row[:2] for row in timeline] == wanted
    assert [int(row[4]) for row in timeline[1 : len(found.buckets) + 1]] == [one.count for one in found.buckets]
    assert {row[1]: int(row[2]) for row in facets if row[0] == "source" and row[1]} == sources
    assert client.get(f"/timeline.{form}?q=title%3A%22a").status_code == 400
    assert client.post(f"/timeline.{form}").status_code == 405


def test_a_lone_far_date_does_not_press_the_others_into_a_corner(tmp_path):
    with Archive.open(tmp_path, create=True) as archive:
        days = [date(2019 + n // 150, 1 + n % 12, 1 + n % 28) for n in range(300)]
        items = [Article(id=str(n), text="Rain.", published=day) for n, day in enumerate(days)]
        archive.add([*items, Article(id="old", text="Rain.", published=date(1, 1, 1))], vectors=False)
        found = pages.timeline(archive, Asked(q="rain"))
        assert (found.buckets[0].label, found.buckets[-1].label, found.total) == ("2018-12-31", "2020-12-28", 300)
        assert len(pages.timeline(archive, Asked(q="rain", by="year")).buckets) == 2020
        assert pages.timeline(archive, Asked(q="rain", by="day")) is None  # too many to be counted
    with serving(tmp_path) as client:
        assert "1 of the articles is not shown here" in shown(client, "/?q=rain").text


def test_an_article_opens_beside_its_hit(client, archive):
    page = shown(client, f"/?q=Halloran&mode=keyword&open={LEAKED}")
    article = archive.get(LEAKED)
    for paragraph in article.text.split("\n"):
        assert paragraph in page.text
    assert apa(article) in page.text
    steps = [parse_qs(urlsplit(link).query)["open"][0] for link in page.links if "open=" in link]
    at = HALLORANS.index(LEAKED)
    assert HALLORANS[at - 1] in steps
    assert HALLORANS[at + 1] in steps
    count = len([mark for mark in archive.marks(LEAKED, "Halloran") if mark.field == "text"])
    assert page.marks.count("Halloran") > count > 0
    shown(client, "/?open=nobody", 404)


def listed(page):
    """The titles' addresses of what is of an article's subject."""
    return [parse_qs(urlsplit(link).query) for link in page.links if "open=" in link]


@pytest.mark.parametrize("kind", ["similar", "background"])
def test_what_is_of_its_subject_is_listed_below_an_article(client, archive, kind):
    address = f"/?q=Halloran&mode=keyword&open={LEAKED}&as_of=2025-02"
    plain = shown(client, address)
    (link,) = [link for link in plain.links if f"related={kind}" in link]
    page = shown(client, link.partition("#")[0])
    found = getattr(archive, kind)(LEAKED, as_of="2025-02", limit=8)
    assert len(found.hits) > 1
    start = page.text.index({"similar": "Similar articles", "background": "To have read before"}[kind])
    for hit in found.hits:
        place = page.text.index(" ".join(hit.article.title.split()), start)
        assert " ".join(hit.why.split()) in page.text[place:]
        start = place
        wanted = {"q": ["Halloran"], "mode": ["keyword"], "as_of": ["2025-02"], "open": [hit.article.id]}
        assert wanted in listed(page)  # another article, with nothing listed beside it
    (hide,) = [link for link in page.links if link.endswith("#related") and "related=" not in link]
    assert shown(client, hide.partition("#")[0]).text == plain.text
    shown(client, f"/?related={kind}")  # of nothing
    assert "related" in shown(client, "/?open=a&related=all", 400).text


def test_what_a_source_prints_under_many_articles_is_dimmed(tmp_path):
    with Archive.open(tmp_path / "desk", create=True) as archive:
        archive.add(paper(within=[PROMPT], after=[FOOTER]), vectors=False)
        one = next(article for article in archive if archive.furniture(article.id))
        blocks = [block.text for block in archive.furniture(one.id)]
    assert PROMPT in blocks[0]
    with serving(tmp_path / "desk") as client:
        page = shown(client, f"/?open={one.id}")
        assert page.dimmed == "".join(blocks).replace("\n", "")
        assert "Dimmed: what its source prints" in page.text


def test_the_passage_that_fits_best_is_led_to(client, archive):
    results = archive.search("who leaked the report on the dam", limit=10)
    hit = next(hit for hit in results if hit.article.text[: hit.passages[0].start].count("\n"))
    page = client.get("/", params={"q": "who leaked the report on the dam", "open": hit.article.id}).text
    assert '<a href="#sought">' in page
    drawn = re.findall(r'<p dir="auto" class="sought"[^>]*>(.*?)</p>', page, re.S)
    best = hit.article.text[hit.passages[0].start : hit.passages[0].end]
    lines = [line for line in best.split("\n") if line.strip()]
    assert len(drawn) == len(lines)
    assert page.count('id="sought"') == 1
    for shown_, line in zip(drawn, lines, strict=True):
        assert " ".join(line.split()) in " ".join(Parsed(shown_).text.split())
    assert "#sought" not in client.get("/", params={"open": hit.article.id}).text


def test_the_copies_of_an_article_stand_below_it(client, archive):
    original, copies = "sarayo-2024-12-09-orange", archive.story("sarayo-2024-12-09-orange").copies
    page = shown(client, f"/?q=orange+alert&copies=collapse&open={original}")
    assert f"{len(copies)} copies in" in page.text
    assert {one.id for one in copies} - {original} <= set(opened(page))
    for copy in copies:
        for change in copy.changes:
            assert " ".join(change.after.split()) in page.text
    assert "copies in" not in shown(client, f"/?open={DEAL}").text


def test_conditions_are_taken_away_one_by_one(client):
    page = shown(client, "/?q=strike+source%3ALedger+-wages&from=2024-10&author=Nell+Garrity")
    asked = [parse_qs(urlsplit(link).query) for link in page.links]
    fields = {"from": ["2024-10"], "author": ["Nell Garrity"]}
    for left in ("strike -wages", "strike source:Ledger"):
        assert fields | {"q": [left]} in asked
    for name in fields:
        rest = {other: value for other, value in fields.items() if other != name}
        assert rest | {"q": ["strike source:Ledger -wages"]} in asked
    assert "without 'wages'" in page.text


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ("strike", []),
        ("strike -wages", [("without 'wages'", "strike")]),
        (
            '"crane driver" since:2024-10',
            [("with 'crane driver'", "since:2024-10"), ("published since 1 Oct 2024", '"crane driver"')],
        ),
        (
            "(dam OR reservoir) source:(BBC OR Ledger)",
            [("with 'dam' or 'reservoir'", "source:(BBC OR Ledger)"), ("from BBC or Ledger", "(dam OR reservoir)")],
        ),
        ("dam AND reservoir", [("with 'dam'", None), ("with 'reservoir'", None)]),
        ("since:2024-10", [("published since 1 Oct 2024", "")]),
    ],
)
def test_removable_conditions(text, conditions):
    assert [tuple(one) for one in removable(query.parse(text, now=NOW), NOW)] == conditions


CLAUSES = st.lists(
    st.sampled_from(
        [
            "strike",
            "dam",
            "-wages",
            "+crane",
            '"the dam"',
            "source:Ledger",
            "-source:BBC",
            "since:2024",
            "(a OR b)",
            "by:(x OR y)",
        ]
    ),
    min_size=1,
    max_size=6,
)


@LAWS
@given(CLAUSES)
def test_a_removable_condition_leaves_all_others(clauses):
    parsed = query.parse(" ".join(clauses), now=NOW)
    conditions = query.describe(parsed).split(", ranked")[0]
    for one in removable(parsed, NOW):
        assert one.words in conditions or one.words.startswith("with ")
        if one.without:
            rest = query.parse(one.without, now=NOW)
            assert rest.words == parsed.words
            assert len(removable(rest, NOW)) == len(removable(parsed, NOW)) - 1


def test_the_first_page_is_small_and_says_what_is_here(client, archive):
    page = client.get("/")
    size = len(page.content) + sum(len(client.get(path).content) for path in Parsed(page.text).loaded)
    assert size <= 60_000
    assert f"{len(archive):,} articles" in page.text
    assert "Newest first" in page.text


def test_mistakes_point_into_the_box(client):
    page = client.get('/?q=title%3A"strike')
    assert page.status_code == 400
    assert 'aria-invalid="true"' in page.text
    assert 'data-position="6"' in page.text
    assert "never closed" in page.text
    for address, part in (
        ("/?mode=magic", "mode"),
        ("/?page=0", "page"),
        ("/?foo=1", "foo"),
        ("/?from=2024-13-45&q=a", "since"),
    ):
        answer = client.get(address)
        assert (answer.status_code, part in answer.text) == (400, True), address
    assert "<main" not in client.get("/?q=strike&part=hits").text


def test_the_help_pages_are_there(client):
    listed = shown(client, "/help").links
    topics = [link for link in listed if link.startswith("/help/")]
    assert len(topics) > 10
    for link in topics:
        page = shown(client, link)
        assert len(page.text) > 500
        assert "<!--" not in page.text
    shown(client, "/help/nothing", 404)


def test_citations_for_a_reference_manager(client, archive):
    article = archive.get(DEAL)
    answer = client.get(f"/cite?id={DEAL}&format=bibtex")
    assert answer.text.startswith("@article{harbour-2024-11-02-deal,")
    assert 'filename="article.bib"' in answer.headers["content-disposition"]
    assert client.get(f"/cite?id={DEAL}&format=csl").json() == [csl(article)]
    assert client.get(f"/cite?id={DEAL}&format=ris").text.startswith("TY  - NEWS")
    assert client.get(f"/cite?id={DEAL}&format=exe").status_code == 400
    assert client.get("/cite?id=nobody&format=ris").status_code == 404


def test_styles_of_citations():
    article = Article(
        id="x",
        title="Dam leaks",
        source="Valley Post",
        authors=("Nell Q. Garrity", "Jan van der Berg"),
        published=date(2024, 9, 3),
        url="https://valley.example/dam",
    )
    assert (
        apa(article)
        == "Garrity, N. Q., & van der Berg, J. (2024, September 3). Dam leaks. Valley Post. https://valley.example/dam"
    )
    assert (
        chicago(article)
        == "Garrity, Nell Q., and Jan van der Berg. “Dam leaks.” Valley Post, September 3, 2024. https://valley.example/dam."
    )
    assert (
        mla(article)
        == "Garrity, Nell Q., and Jan van der Berg. “Dam leaks.” Valley Post, 3 Sept. 2024, valley.example/dam."
    )
    wire = Article(id="y", title="Who pays?", agency="Reuters", source="")
    assert (apa(wire), chicago(wire), mla(wire)) == (
        "Reuters. (n.d.). Who pays?",
        "Reuters. “Who pays?” n.d.",
        "Reuters. “Who pays?”",
    )
    bare = Article(id="z", authors=("王小明", "Staff Reporter", "O'Neil, Ada"), published=date(2020, 5, 1))
    assert apa(bare).startswith("王小明, Staff Reporter, & O'Neil, A. (2020, May 1). [Untitled article].")
    assert mla(bare).startswith("王小明, et al. Untitled article.")
    assert csl(bare)["author"] == [
        {"literal": "王小明"},
        {"literal": "Staff Reporter"},
        {"family": "O'Neil", "given": "Ada"},
    ]
    assert csl(bare)["issued"] == {"date-parts": [[2020, 5, 1]]}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile") / 'x"><b>'
    with Archive.open(folder, create=True) as archive:
        fields = dict.fromkeys(PARTS, f"storm {EVIL}")
        items = [
            Article(
                id=EVIL.replace("\u202e\x1b", "&#"),
                authors=(EVIL, f"a {EVIL}"),
                url=f"javascript:alert(1)//{EVIL}",
                extra={EVIL: EVIL},
                **fields,
            ),
            Article(id="u", text="storm", url='https://a.example/"><script>', published=date(2020, 1, 1)),
        ]
        archive.add(items, vectors=False)
    return folder


def test_a_strangers_text_is_text(hostile):
    with serving(hostile) as client:
        addresses = ["/?q=storm&explain=1", "/?q=storm", "/", "/?q=" + "%22%3E%3Cscript%3Ealert(1)%3C/script%3E"]
        start = shown(client, "/?q=storm")
        addresses += [link for link in start.links if link.startswith("/?")]
        evil = urlencode({"q": "storm", "compare": re.sub('["\u202e\x1b]', "", EVIL)})
        addresses += [
            f"/?{evil}",
            f"/?{evil}&share=1&open=u",
            "/?open=u&related=similar",
            "/?open=u&related=background",
            "/?q=storm&open=u&related=similar",
        ]
        assert len(addresses) > 10
        for address in addresses:
            answer = client.get(address)
            page = Parsed(answer.text)
            assert page.inline == page.handlers == []
            assert not re.search(r"<(script(?! type=\"module\" src=\"/assets)|img|iframe|b>)", answer.text)
            assert not set("\u202e\x1b\x9b") & set(answer.text)
            assert "49" not in page.text or "{{7*7}}" in page.text
            for link in page.links:
                parts = urlsplit(link)
                assert parts.scheme in ("", "https"), link
                assert not parts.netloc or parts.netloc == "a.example"
            assert all(link.startswith("/assets/") for link in page.loaded)
            assert len(page.ids) == len(set(page.ids))


def test_counts_of_a_strangers_run_nothing_in_a_spreadsheet(tmp_path):
    import openpyxl

    evil = ["=1+1", "@SUM(1)", "-2+3", "\t=cmd|' /C calc'!A0", "＝1"]
    with Archive.open(tmp_path, create=True) as archive:
        items = [Article(id=str(at), text="storm", source=one, section=one) for at, one in enumerate(evil)]
        archive.add(items, vectors=False)
    with serving(tmp_path) as client:
        for name in ("facets", "timeline"):
            query = "q=storm&compare=%2Bstorm&by=year&from=2024&to=2025"
            for row in csv.reader(io.StringIO(client.get(f"/{name}.csv?{query}").text)):
                assert not [cell for cell in row if cell.lstrip().startswith(("=", "@", "+", "-", "＝"))], row
            book = openpyxl.load_workbook(io.BytesIO(client.get(f"/{name}.xlsx?{query}").content))
            assert not [cell for row in book[name] for cell in row if cell.data_type == "f"]


def test_who_has_no_token_is_led_to_the_login_and_back(sample_archive):
    with serving(sample_archive, token=TOKEN) as client:
        for path in ("/?q=dam", "/help", "/help/query", "/cite?id=a&format=ris"):
            answer = client.get(path)
            assert answer.status_code == 303
            assert parse_qs(urlsplit(answer.headers["location"]).query)["next"] == [path]
        assert client.get("/login").status_code == client.get("/assets/page.css").status_code == 200
        assert client.post("/").status_code == 401
        wrong = client.post("/login", content="token=nonsense&next=/")
        assert (wrong.status_code, "set-cookie" in wrong.headers) == (403, False)
        right = client.post("/login", content=f"token={TOKEN}&next=%2F%3Fq%3Ddam")
        assert (right.status_code, right.headers["location"]) == (303, "/?q=dam")
        cookie = right.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert TOKEN not in cookie
        assert client.get("/?q=dam").status_code == 200  # the client keeps it
        assert client.get("/v1/search?q=dam").status_code == 401  # it opens pages alone
        assert client.post("/v1/search", json={"q": "dam"}).status_code == 401
        for target in ("https://evil.example/", "//evil.example", "/\\evil.example", "/v1/search", "javascript:x"):
            answer = client.post("/login", data={"token": TOKEN, "next": target})
            assert answer.headers["location"] == "/"
        assert client.post("/logout").headers["location"] == "/login"
        client.cookies.clear()
        client.cookies.set(doors.COOKIE, "0" * 64)
        assert client.get("/").status_code == 303


def test_a_link_of_another_site_asks_nothing(client):
    visit = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    answer = client.get('/?q=dam"><script>', headers=visit)
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert Parsed(f"{answer.text}</html>").links == ["/?q=dam%22%3E%3Cscript%3E"]
    for headers in ({"Sec-Fetch-Site": "cross-site"}, visit | {"Sec-Fetch-Dest": "iframe"}):
        assert client.get("/?q=dam", headers=headers).json()["error"]["type"] == "OriginRefused"


def test_nothing_is_changed_by_asking(client, archive):
    before = archive.counts()
    for path in (doors.HOME, doors.HELP, doors.CITE, doors.LOGIN):
        assert client.delete(path).status_code == 405
        assert client.put(path).status_code == 405
    assert client.get("/logout").status_code == 405
    assert archive.counts() == before


@LAWS
@given(st.text(alphabet="ab <&\n\u202e\x1b", max_size=40), st.data())
def test_marks_are_where_they_were(text, data):
    edges = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=6)))
    spans = list(zip(edges[::2], edges[1::2], strict=False))
    highlights = [Highlight(field="text", start=a, end=b, kind="word") for a, b in spans]

    def visible(part):
        return re.sub(r"\x1b[ -/]*[0-~]|[\u202e\x1b]", "", part)

    drawn = Parsed(str(marked(text, highlights, "text")))
    assert drawn.text.replace("\n", "") == visible(text).replace("\n", "") or "\x1b" in text
    if "\x1b" not in text:
        assert drawn.marks == [shown for shown in (visible(text[a:b]) for a, b in spans) if shown]
        blocks = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=6)))
        furniture = list(zip(blocks[::2], blocks[1::2], strict=False))
        read = [Parsed(str(one.text)) for one in paragraphs(text, highlights, furniture)]
        lines = [line.span() for line in re.finditer(r"[^\n]+", text) if line[0].strip()]

        def within(wanted):
            parts = [text[max(a, start) : min(b, end)] for start, end in lines for a, b in wanted]
            return visible("".join(parts))

        assert "".join("".join(one.marks) for one in read) == within(spans)
        assert "".join(one.dimmed for one in read) == within(furniture)
        inside = "".join(one.text for one in read)
        assert inside == "".join(visible(line) for line in text.split("\n") if line.strip())

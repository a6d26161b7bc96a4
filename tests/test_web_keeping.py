"""The page keeps: receipts of searches, and articles in collections; by POST alone, and from this server alone."""

from __future__ import annotations

import csv
import io
import json

import pytest

from search import Archive
from search.serve.web import doors

from .effects import LEAKED, TUGS, VOTE
from .test_web import EVIL, TOKEN, Parsed, serving


@pytest.fixture
def desk(sample_copy):
    """A copy of the sample archive, and a browser before it."""
    with Archive.open(sample_copy) as archive, serving(sample_copy) as client:
        yield archive, client


def test_a_search_has_a_receipt_that_can_be_verified(desk):
    archive, client = desk
    address = "/?q=title%3Astrike&sort=newest&from=2024-10&page=1"
    page = Parsed(client.get(address).text)
    (link,) = [one for one in page.links if one.startswith("/receipt.json")]
    answer = client.get(link)
    receipt = answer.json()
    assert answer.headers["content-disposition"] == f'attachment; filename="receipt-{receipt["receipt"]}.json"'
    assert (receipt["query"], receipt["settings"]["since"], receipt["settings"]["sort"]) == (
        "title:strike",
        "2024-10",
        "newest",
    )
    hits = archive.search("title:strike", filters={"since": "2024-10"}, sort="newest")
    assert receipt["outcome"]["ids"] == [hit.article.id for hit in hits]
    assert archive.verify(answer.text).same
    (text,) = [one for one in page.links if one.startswith("/receipt.md")]
    assert client.get(text).text.startswith("# Search: title:strike\n")
    assert client.get("/receipt.json?q=%22a").status_code == 400
    assert client.get("/receipt.json?nonsense=1").status_code == 400
    assert not [one for one in Parsed(client.get("/").text).links if one.startswith("/receipt")]


def test_an_article_is_kept_by_its_form(desk):
    archive, client = desk
    page = Parsed(client.get(f"/?q=strike&open={VOTE}").text)
    assert page.fields["id"] == VOTE
    sent = {"id": VOTE, "back": page.fields["back"], "name": "port", "tag": "seen", "note": EVIL}
    answer = client.post("/collect", data=sent)
    assert answer.status_code == 303
    told = client.get(answer.headers["location"])
    shown = Parsed(told.text)
    assert shown.handlers == shown.inline == []
    assert "alert(1)" in shown.text
    assert f"/?q=strike&open={VOTE}" in shown.links
    (member,) = archive.collection("port")
    assert (member.id, member.tags, member.note) == (VOTE, ("seen",), EVIL)
    assert f"/?q=in%3A%22port%22&open={VOTE}" in shown.links
    assert client.get("/?q=in%3A%22port%22").text.count("data-hit") == 1
    assert "1 article" in Parsed(client.get("/collections").text).text
    assert archive.receipt("search", "strike").stages.matched  # the archive is as it was


def test_all_that_matches_is_kept_with_a_receipt(desk):
    archive, client = desk
    page = Parsed(client.get("/?q=title%3Astrike&from=2024-11").text)
    assert client.post("/collect", data={"back": page.fields["back"], "name": "strikes"}).status_code == 303
    wanted = archive.search("title:strike", filters={"since": "2024-11"}, limit=100)
    assert {one.id for one in archive.collection("strikes")} == {hit.article.id for hit in wanted}
    (receipt,) = archive.dossier("strikes").receipts
    assert (receipt.query, receipt.settings["since"]) == ("title:strike", "2024-11")


@pytest.mark.parametrize("form", ["csv", "xlsx", "json", "bibtex", "ris", "csl", "ids", "html", "docx"])
def test_collections_as_files(desk, form):
    archive, client = desk
    archive.collect("port", [VOTE, TUGS])
    answer = client.get("/collections/file", params={"name": "port", "format": form})
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith('attachment; filename="collection.')
    if form == "csv":
        assert [row["id"] for row in csv.DictReader(io.StringIO(answer.text))] == [VOTE, TUGS]
    if form == "json":
        assert [one["id"] for one in json.loads(answer.text)["articles"]] == [VOTE, TUGS]
    assert client.get("/collections/file", params={"name": "port", "format": "exe"}).status_code == 400
    assert client.get("/collections/file", params={"name": "none", "format": form}).status_code == 400


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"id": VOTE}, 400),
        ({"id": VOTE, "name": "../up"}, 400),
        ({"id": VOTE, "name": EVIL}, 400),
        ({"id": VOTE, "name": "port", "tag": EVIL}, 400),
        ({"id": "nobody", "name": "port"}, 404),
        ({"name": "port", "back": "/?q=%22a"}, 400),
        ({"name": "port", "back": "/?nonsense=1"}, 400),
        ({"id": VOTE, "name": "port", "note": "x" * 100_000}, 413),
    ],
)
def test_what_cannot_be_kept(desk, sent, status):
    archive, client = desk
    answer = client.post("/collect", data=sent)
    assert answer.status_code == status
    page = Parsed(answer.text)
    assert page.handlers == page.inline == []
    assert all(one.articles == 0 for one in archive.collections())


def test_back_leads_nowhere_else(desk):
    _, client = desk
    sent = {"id": VOTE, "name": "port", "back": "//evil.example/?q=x"}
    assert client.post("/collect", data=sent).headers["location"] == "/collections?name=port&back=%2F"
    shown = Parsed(client.get("/collections?name=port&back=https%3A%2F%2Fevil.example").text)
    assert not [link for link in shown.links if "evil" in link]


def test_no_link_keeps_anything(desk):
    archive, client = desk
    pages = (f"/?q=strike&open={VOTE}", "/collections?name=port", "/receipt.json?q=a")
    for address in ("/collect?id=x&name=port", *pages):
        client.get(address)
    assert client.get(f"/collect?id={VOTE}&name=port").status_code in (404, 405)
    assert archive.collections() == ()


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"origin": "https://evil.example", "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
    ],
)
def test_no_other_site_keeps_anything(desk, headers):
    archive, client = desk
    answer = client.post("/collect", data={"id": VOTE, "name": "port"}, headers=headers)
    assert answer.status_code == 403
    assert archive.collections() == ()


def test_with_a_token_the_cookie_keeps_and_nothing_else_does(sample_copy):
    with serving(sample_copy, token=TOKEN) as client, Archive.open(sample_copy) as archive:
        assert client.post("/collect", data={"id": VOTE, "name": "port"}).status_code == 401
        for page in ("/collections", "/receipt.json?q=a", "/collections/file?name=a&format=csv"):
            assert client.get(page).status_code == 303
        client.cookies.set(doors.COOKIE, doors.stamp(TOKEN.encode()))
        assert client.post("/collect", data={"id": VOTE, "name": "port"}).status_code == 303
        assert client.get("/collections").status_code == 200
        assert client.post("/v1/search", json={"q": "strike"}).status_code == 401
        assert [one.id for one in archive.collection("port")] == [VOTE]


def test_what_is_gone_is_said(desk):
    archive, client = desk
    archive.collect("port", [LEAKED, VOTE])
    archive.delete([VOTE])
    page = Parsed(client.get("/collections?name=port").text)
    assert "not in the archive any more" in page.text
    assert not [link for link in page.links if VOTE in link]


def test_a_damaged_file_of_collections_leaves_the_searches(desk, sample_copy):
    _, client = desk
    sample_copy.with_name(sample_copy.name + ".collections").write_bytes(b"no SQLite" * 500)
    assert client.get("/collections").status_code >= 400
    assert client.post("/collect", data={"id": VOTE, "name": "port"}).status_code >= 400
    assert client.get(f"/?q=strike&open={VOTE}").status_code == 200

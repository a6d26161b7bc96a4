"""Share of the needed articles inside a context: ``retrieve`` against the top hits' passages in rank order.

Questions and articles are the fictional sample of tests/sample. Two plain sides dump whole passages under the same
headings and the same token counter until the next one does not fit: ``plain`` each hit's best, in the order of
``search``; ``nearest`` those of the highest cosine, as a vector store would.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from search import Archive
from search.ingest import read
from search.rag import question, render, retrieval, select
from search.rag.context import Context
from search.rag.question import Reading
from search.rag.tokens import estimate_tokens
from search.records import Citation, Hit, Passage

SAMPLE = Path(__file__).parent.parent / "tests" / "sample"
AS_OF = "2025-02-28"
ALL = 1_000_000  # tokens: no limit
TWICE = 0.6  # of the shorter passage's runs of four words


def questions() -> list[dict[str, Any]]:
    """The labelled questions."""
    return [json.loads(line) for line in (SAMPLE / "questions.jsonl").read_text().splitlines()]


def build(folder: Path) -> Archive:
    """The sample archive."""
    archive = Archive.open(folder, create=True)
    archive.add(read([str(SAMPLE / name) for name in ("articles", "articles.jsonl", "articles.csv")]))
    return archive


def _dump(question: str, budget: int, found: Iterable[tuple[Hit, Passage]]) -> tuple[Citation, ...]:
    """Whole passages in the order given, as far as the budget goes."""
    taken: tuple[Citation, ...] = ()
    for hit, passage in found:
        article = hit.article
        one = Citation(
            number=len(taken) + 1,
            article_id=article.id,
            start=passage.start,
            end=passage.end,
            text=passage.text,
            title=article.title,
            source=article.source,
            published=article.published,
            authors=article.authors,
            url=article.url,
            score=hit.score,
            tokens=0,
        )
        if estimate_tokens(render.render(question, (*taken, one))) > budget:
            return taken
        taken += (one,)
    return taken


def plain(archive: Archive, question: str, budget: int) -> tuple[Citation, ...]:
    """The best passage of each hit of a hybrid search, in rank order."""
    hits = archive.search(question, limit=50, as_of=AS_OF)
    return _dump(question, budget, ((hit, passage) for hit in hits for passage in hit.passages))


def nearest(archive: Archive, question: str, budget: int) -> tuple[Citation, ...]:
    """The passages nearest in meaning, of whatever article."""
    hits = archive.search(question, limit=50, as_of=AS_OF, mode="vector", passages=10)
    found = [(hit, passage) for hit in hits for passage in hit.passages]
    return _dump(question, budget, sorted(found, key=lambda one: -(one[1].score or 0.0)))


def twice(passages: Sequence[Citation]) -> float:
    """Share of the passages whose text mostly stands in an earlier one."""
    seen = [select.shingles(one.text.lower().split()) for one in passages]
    copies = sum(any(select.same_text(one, other) for other in seen[:i]) for i, one in enumerate(seen))
    return copies / len(passages) if passages else 0.0


def measure(archive: Archive, asked: Sequence[dict[str, Any]], budget: int) -> dict[str, dict[str, float]]:
    """Means over the questions: needed articles found by kind; of the sentences that answer, those inside a passage;
    text given twice; and, for unanswerable questions, how often each side gives nothing (``refused``)."""
    sums: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for asking in asked:
        context = archive.retrieve(asking["text"], budget=budget, as_of=AS_OF)
        for side, passages in (
            ("retrieve", context.passages),
            ("plain", plain(archive, asking["text"], budget)),
            ("nearest", nearest(archive, asking["text"], budget)),
        ):
            needed = set(asking["needs"])
            carried = _carried(passages)
            if needed:
                share = len(needed & carried) / len(needed)
                sums[side]["all"].append(share)
                sums[side][asking["kind"]].append(share)
                held = sum(any(answer in one.text for one in passages) for answer in asking["answers"])
                sums[side]["answers"].append(held / len(needed))
            else:
                sums[side]["refused"].append(float(not passages))
            sums[side]["passages"].append(len(passages))
            sums[side]["twice"].append(twice(passages))
    return {side: {name: sum(v) / len(v) for name, v in found.items()} for side, found in sums.items()}


class Lost(NamedTuple):
    """What taking questions apart loses: of ``split`` questions that have parts, the articles (``question: id``) that
    asking the whole at once finds and the parts do not, without a limit; and the needed ones that it has in a budget.
    """

    split: int
    candidates: list[str]
    needed: dict[int, list[str]]


def lost(archive: Archive, asked: Sequence[dict[str, Any]], budgets: Sequence[int] = (1000, 2000)) -> Lost:
    """Ask each question in parts and as a whole."""
    found = Lost(0, [], {budget: [] for budget in budgets})
    for asking in asked:
        text = asking["text"]
        parts = archive.retrieve(text, budget=ALL, as_of=AS_OF)
        if len(parts.parts) < 2:
            continue
        found = found._replace(split=found.split + 1)
        gone = _carried(_whole(archive, text, ALL)) - _carried(parts)
        found.candidates.extend(f"{asking['id']}: {one}" for one in sorted(gone))
        for budget in budgets:
            gone = _carried(_whole(archive, text, budget)) - _carried(
                archive.retrieve(text, budget=budget, as_of=AS_OF)
            )
            found.needed[budget].extend(f"{asking['id']}: {one}" for one in sorted(gone & set(asking["needs"])))
    return found


def _carried(passages: Iterable[Citation]) -> set[str]:
    """The articles whose text a context has, copies included."""
    return {one.article_id for one in passages} | {copy for one in passages for copy in one.copies}


def _whole(archive: Archive, text: str, budget: int) -> Context:
    """The context of a question that is not taken apart."""

    def unparted(*arguments: Any) -> Reading:
        reading = question.read(*arguments)
        return reading if reading.whole is None else reading._replace(parts=[reading.whole], whole=None)

    with patch.object(retrieval, "read", unparted):
        return archive.retrieve(text, budget=budget, as_of=AS_OF)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--budget", type=int, nargs="*", default=[500, 1000, 2000])
    parser.add_argument("--split", choices=("tuning", "held-out"), nargs="*", default=["tuning", "held-out"])
    parser.add_argument("--archive", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        known = arguments.archive
        with Archive.open(known) if known else build(Path(scratch) / "sample") as archive:
            for split in arguments.split:
                asked = [one for one in questions() if one["split"] == split]
                for budget in arguments.budget:
                    print(f"{split}, {len(asked)} questions, {budget:,} tokens")
                    for side, found in measure(archive, asked, budget).items():
                        print(f"  {side:9}", "  ".join(f"{name} {value:.3f}" for name, value in found.items()))
                gone = lost(archive, asked, arguments.budget)
                print(
                    f"{split}: {gone.split} taken apart; lost of what the whole finds: {len(gone.candidates)};", end=""
                )
                print(" of needed:", ", ".join(f"{len(ids)} in {budget:,}" for budget, ids in gone.needed.items()))
                print("  ", *gone.candidates, *(one for ids in gone.needed.values() for one in ids))


if __name__ == "__main__":
    main()

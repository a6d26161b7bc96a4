"""Measure which articles are told to be copies: scripts/bench/run stories --data news-20k.jsonl.gz [--seed N]

Of 500 articles of the data copies are made by one to five kinds of change each (copies.py), among real articles that
report the same and series that papers print. Printed are pairwise precision and recall, the adjusted Rand index, and
the recall of each kind of change; then CPU time an article, of the fingerprints and of finding and comparing copies.
Real articles that are copies of each other count as wrong: look at what is printed of them.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from bench import copies
from bench.report import Report
from search import Article, ingest
from search.engine.stories import WINDOW, find
from search.engine.stories.groups import components
from search.engine.stories.part import prints

BASES = 500


def labelled(articles: list[Article], chance: random.Random) -> list[copies.Labelled]:
    """Articles with their stories, in no order."""
    pool = [one for one in articles if 150 <= len(one.text.split()) <= 3000 and one.published is not None]
    chance.shuffle(pool)
    kinds = [*copies.CHANGES, *("+".join(both) for both in copies.TWICE)]
    found: list[copies.Labelled] = []
    for base, other in zip(pool[:BASES], pool[BASES : 2 * BASES], strict=False):
        found += copies.copies(base, other, chance.sample(kinds, chance.choice([1, 1, 2, 3, 5])), chance)
    found += copies.series(12, chance)
    known = {one.article.id for one in found}
    for pair in copies.alike(articles):
        found += [copies.Labelled(one, one.id, "alike") for one in pair if one.id not in known]
        known |= {one.id for one in pair}
    chance.shuffle(found)
    return found


def pairs(sizes: Iterable[int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)


def main(report: Report) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=2, help="1 is the set that the thresholds were chosen on")
    asked = report.parse(parser)
    articles = [one for one in ingest.read([asked.data]) if isinstance(one, Article)]
    some = labelled(articles, random.Random(asked.seed))
    rows = dict(enumerate((one.article for one in some), 1))
    began = time.process_time()
    new = prints(list(rows.values()), list(rows))
    read = time.process_time()
    links = find.links(new, rows, [], np.empty(0, np.int64), WINDOW, lambda wanted: {})
    ended = time.process_time()
    groups = components(len(rows) + 1, links)[1:].tolist()
    stories, told = Counter(one.story for one in some), Counter(groups)
    both = Counter((one.story, group) for one, group in zip(some, groups, strict=True))
    right, wanted, given = pairs(both.values()), pairs(stories.values()), pairs(told.values())
    chance = wanted * given / pairs([len(some)])
    report.add("precision of pairs", right / given, "share")
    report.add("recall of pairs", right / wanted, "share")
    report.add("adjusted Rand index", (right - chance) / ((wanted + given) / 2 - chance), "share")
    original = {one.story: group for one, group in zip(some, groups, strict=True) if one.kind == "original"}
    kinds: dict[str, list[bool]] = defaultdict(list)
    for one, group in zip(some, groups, strict=True):
        if one.story in original and one.kind != "original":
            kinds[one.kind].append(group == original[one.story])
    for kind, met in sorted(kinds.items()):
        report.add(f"recall, {kind}", sum(met) / len(met), "share")
    report.add("fingerprints", (read - began) / len(some) * 1e6, "us")
    report.add("finding and comparing", (ended - read) / len(some) * 1e6, "us")
    for name, figure in report.figures.items():
        print(f"{name:<28}{figure['value']:>10.4g} {figure['unit']}")
    mixed: dict[int, list[copies.Labelled]] = defaultdict(list)
    for one, group in zip(some, groups, strict=True):
        mixed[group].append(one)
    for group in mixed.values():
        if len({one.story for one in group}) > 1:
            print("of several stories:", "; ".join(f"{one.kind}: {one.article.title[:60]}" for one in group))

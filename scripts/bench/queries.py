"""Time real research questions over an archive of news-20k: scripts/bench/run queries --index FOLDER

Each question is run in keyword mode (match set, ranking, ten hits with snippets) and, where the archive has vectors,
as hybrid; then facets and timelines over the largest match set. Medians of --repeat runs after a warm-up run.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from bench.report import Report
from search import Archive

QUESTIONS = (
    "impeachment w/10 ukraine",
    '"supreme court" w/s abortion',
    "+mueller +manafort -stone",
    "title:(shutdown OR furlough) date:2018-12..2019-02",
    'by:"Associated Press" hurricane',
    'source:"BBC News" brexit',
    '"climate change" AND (paris OR kyoto) NOT coal',
    "atleast5(immigration) section:politics",
    "snowden pre/3 nsa",
    "(gun OR firearm) w/p (school OR campus) since:2018",
    "benghazi w/s clinton date:2012-09..2013-06",
    'obamacare AND "death panel"',
    "exact:ICE deport*",
    "kavanaugh w/5 (hearing OR testimony)",
    '"green new deal" since:2019-01 before:2019-07',
    "teacher* strike -baseball",
    'source:Reuters "interest rate" AND fed',
    "coronavirus title:(mask OR lockdown) date:2020-03..2020-06",
    "zimmerman w/10 verdict",
    '"affordable care act" w/p premium',
    "netanyahu~ AND settlement",
    "(tariff OR tariffs) AND soybean*",
    "who leaked the emails of the democratic national committee?",
    "how did states expand medicaid after the ruling?",
    "what did economists say about the trade war with China?",
    "flint w/5 water -michigan",
    'length:>1500 "police shooting"',
    '"fast and furious" AND holder',
    "title:ebola on:2014-10-15",
    "wom?n w/3 march date:2017-01",
)


def timed(work: Callable[[], object], repeat: int) -> float:
    """Median milliseconds of ``repeat`` runs after one that does not count."""
    work()
    times = []
    for _ in range(repeat):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def main(report: Report) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--repeat", type=int, default=5)
    options = report.parse(parser)
    with Archive.open(options.index) as archive:
        hybrid = archive.settings["vectors"]
        print(
            f"{len(archive):,} articles\n{'keyword ms':>10} {'hybrid ms' if hybrid else '':>10} {'total':>7}  question"
        )
        keyword, both, largest = [], [], (QUESTIONS[0], 0)
        for question in QUESTIONS:
            total = archive.search(question, mode="keyword").total
            largest = max(largest, (question, total), key=lambda pair: pair[1])
            keyword.append(timed(lambda q=question: archive.search(q, mode="keyword"), options.repeat))
            cell = ""
            if hybrid:
                both.append(timed(lambda q=question: archive.search(q), options.repeat))
                cell = f"{both[-1]:.1f}"
            print(f"{keyword[-1]:>10.1f} {cell:>10} {total:>7,}  {question}")
        print(f"median: keyword {statistics.median(keyword):.1f} ms", end="")
        print(f", hybrid {statistics.median(both):.1f} ms" if both else "")
        report.add("questions by words, median", statistics.median(keyword), "ms")
        if both:
            report.add("questions, hybrid, median", statistics.median(both), "ms")
        for question in (largest[0], "*"):
            total = archive.search(question, sort="newest").total
            facets = timed(lambda q=question: archive.facets(q), options.repeat)
            timeline = timed(lambda q=question: archive.timeline(q, by="year"), options.repeat)
            print(f"over {total:,} matches of {question!r}: facets {facets:.1f} ms, timeline {timeline:.1f} ms")
            what = "everything" if question == "*" else "the largest match set"
            report.add(f"facets over {what}", facets, "ms")
            report.add(f"timeline over {what}", timeline, "ms")

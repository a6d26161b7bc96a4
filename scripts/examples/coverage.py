"""Who reported on a subject, and when: coverage.py ARCHIVE QUERY

A line for each outlet: how many articles match, in which months, and the first of them.
"""

from __future__ import annotations

import sys

from search import Archive, Filters


def main(folder: str, query: str) -> int:
    with Archive.open(folder) as archive:
        outlets = archive.facets(query, fields=["source"], limit=None).facets[0].values
        for outlet in outlets:
            only = Filters(sources=[outlet.value])
            months = [
                bucket.label for bucket in archive.timeline(query, by="month", filters=only).buckets if bucket.count
            ]
            first = archive.search(query, sort="oldest", limit=1, passages=0, filters=only)[0].article
            print(f"{outlet.count:>5}  {outlet.value:<30} {', '.join(months)}\n       first: {first.title}")
    return 0 if outlets else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

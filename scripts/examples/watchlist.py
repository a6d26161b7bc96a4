"""Tell what is new to a list of queries: watchlist.py ARCHIVE QUERIES.txt

Each line of the file is a query. The first run saves it as an alert and tells everything; later runs tell what has come
in since, and what was corrected.
"""

from __future__ import annotations

import sys
from pathlib import Path

from search import Archive


def main(folder: str, queries: str) -> int:
    wanted = [line.strip() for line in Path(queries).read_text(encoding="utf-8").splitlines() if line.strip()]
    with Archive.open(folder, wait=True) as archive:
        known = {alert.query for alert in archive.alerts()}
        for number, query in enumerate(wanted):
            if query not in known:
                archive.add_alert(f"watch-{len(known) + number}", query, everything=True)
        names = [alert.name for alert in archive.alerts() if alert.query in wanted]
        for news in archive.run_alerts(names):
            print(f"{news.alert.query}: {len(news.items)} new")
            for item in news.items:
                print(f"  {item.published} {item.source}: {item.title}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

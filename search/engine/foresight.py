"""What ``add`` would make of articles, without making it: they are sorted as for it, over a catalog as it would be."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing

from search.engine.intake import Intake, Teller
from search.engine.watch import unwatched
from search.records import AddReport, Article, Rejection
from search.storage.catalog import Catalog
from search.storage.foreseen import Foreseen

_BATCH = 500


def foresee(items: Iterable[Article | Rejection], catalog: Catalog | None) -> AddReport:
    """The report that ``add`` would give, but for languages. ``catalog``: None where there is no archive yet."""
    with closing(Foreseen(catalog)) as foreseen:
        intake = Intake(foreseen, _BATCH, Teller(None))
        for batch in intake.batches(items, unwatched, lambda: None):
            foreseen.take(batch.buried, batch.records())
        return intake.report

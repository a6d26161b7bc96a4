"""The archive: one object to add, delete, search and check. It orchestrates, and owns nothing else."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack

import numpy as np

from search import query as language
from search.deadline import in_thread
from search.engine import excerpts
from search.engine import search as searching
from search.engine.request import RelatedSettings, Request, choice
from search.engine.session import Session
from search.engine.watch import Watch, unwatched
from search.errors import RecordsRejected
from search.records import (
    Allocation,
    Answer,
    Article,
    Copies,
    Detect,
    FacetField,
    Filters,
    Fusion,
    Highlight,
    Mode,
    Passage,
    Period,
    Results,
    Shown,
    Sort,
    Split,
)

if TYPE_CHECKING:
    from search.encode import Encoder, Precision, Reranker
    from search.engine.intake import Progress
    from search.engine.ranking import Normalise
    from search.engine.watching import Watcher
    from search.keyword.analysis import Analysis
    from search.rag.context import Context, CountTokens
    from search.records import (
        AddReport,
        Alert,
        BackupReport,
        Carried,
        CarriedStories,
        Counts,
        DeadLetter,
        Dirt,
        Facets,
        ImportReport,
        News,
        Receipt,
        Rejection,
        Related,
        RepairReport,
        RestoreReport,
        Sample,
        Story,
        Terms,
        Timeline,
        Verification,
    )
    from search.records.collections import Collected, Collection, Dossier, Member

DEFAULT_BATCH = 1000


class Archive:
    """An open archive. Threads may share it; any number of processes may read while one writes.

    A long-lived archive sees new commits between calls. Use it as a context manager, or call ``close``.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        create: bool = False,
        model: str | Encoder | None = None,
        wait: bool = False,
        dimension: int | None = None,
        precision: Precision | str = "auto",
        outdated: bool = False,
        analysis: Analysis | str | None = None,
    ) -> Self:
        """Open the archive in a folder, or make one there with ``create``.

        ``model`` names the encoder of a new archive, or is one (see ``search.encode.Encoder``), and must agree with an
        existing one's. ``wait`` lets writing wait
        for another writer instead of raising ArchiveLocked. ``dimension`` keeps that many leading dimensions of a new
        archive's vectors, for models trained so (Matryoshka), and must agree with an existing one's. ``precision`` is
        the arithmetic in which this process embeds passages: "auto", "float32" or "bfloat16". ``outdated`` opens also
        an archive whose words another version of the analysis has analysed, to check, repair, export or back it up.
        ``analysis`` is what a new archive takes for words: an ``Analysis`` of your own, or the name of an installed
        one (entry points ``broadsheet.languages``); None reads each article in its own language, "english" all as
        English. It must agree with an existing archive's, for which an installed one need not be named.
        Raises ArchiveNotFound, ArchiveMismatch, ArchiveDamaged, ArchiveLocked, StorageError, or UsageError for an
        unknown precision or language.
        """
        return cls(Session.open(Path(path), create, model, wait, dimension, precision, outdated, analysis))

    def close(self) -> None:
        """Release the snapshot and the catalog. Safe to call twice."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def path(self) -> Path:
        """The archive's folder, as it was named."""
        return self._session.path

    @property
    def settings(self) -> dict[str, Any]:
        """What the archive was built with: format, encoder identity, passage size, BM25 parameters."""
        return dict(self._session.settings.values)

    def __repr__(self) -> str:
        return f"<Archive {str(self.path)!r}>"

    # Reading

    def __len__(self) -> int:
        with self._session.reading() as view:
            return int(np.count_nonzero(view.snapshot.live))

    def __contains__(self, article_id: object) -> bool:
        with self._session.reading() as view:
            return isinstance(article_id, str) and view.ordinal(article_id) is not None

    def __iter__(self) -> Iterator[Article]:
        """Every article of the newest commit, in the order in which they came. The commit is held until the end."""
        with self._session.reading() as view:
            for ordinals in view.stretches():
                yield from (article for article in view.articles(ordinals) if article is not None)

    def ids(self) -> Iterator[str]:
        """The id of every article, as ``iter`` gives the articles."""
        with self._session.reading() as view:
            for ordinals in view.stretches():
                yield from view.columns.ids(ordinals.tolist())

    def get(self, article_id: str) -> Article:
        """The live article of this id. Raises ArticleNotFound."""
        with self._session.reading() as view:
            return view.article(article_id)[1]

    def passages(self, article_id: str) -> tuple[Passage, ...]:
        """The passages of an article in text order, as they are embedded (or, without vectors, as they are shown)."""
        with self._session.reading() as view:
            ordinal, article = view.article(article_id)
            (spans,) = view.passages(np.array([ordinal]), [article])
        return tuple(Passage(article_id=article.id, start=s, end=e, text=article.text[s:e]) for s, e in spans)

    def marks(self, article_id: str, query: str, *, literal: bool = False) -> tuple[Highlight, ...]:
        """Where the words of a query stand, and its conditions are met, in the title and the text of an article.

        Raises ArticleNotFound, and QueryError for a query that does not parse.
        """
        request = Request(query=query, literal=literal)
        with self._session.reading() as view:
            sought = excerpts.Sought.of(view.plan(request).query, view.analysis)
            ordinal, article = view.article(article_id)
            (filed,) = view.filed(np.array([ordinal]), [article])
            return () if filed is None else excerpts.marked(filed, sought)

    def furniture(self, article_id: str) -> tuple[Passage, ...]:
        """What an article's source prints under many of its articles, as it stands in this one, in text order: learned
        of the archive, and left out of what represents the article. Raises ArticleNotFound."""
        with self._session.reading() as view:
            ordinal, article = view.article(article_id)
            (spans,) = view.furniture(np.array([ordinal]), [article])
        return tuple(Passage(article_id=article.id, start=s, end=e, text=article.text[s:e]) for s, e in spans)

    def search(
        self,
        query: str,
        *,
        limit: int = 10,
        offset: int = 0,
        mode: Mode | str = Mode.AUTO,
        filters: Filters | Mapping[str, Any] | None = None,
        recency: str | None = None,
        as_of: str | datetime | None = None,
        sort: Sort | str = Sort.RELEVANCE,
        copies: Copies | str = Copies.SHOW,
        shown: Shown | str = Shown.BEST,
        prefer: str | Sequence[str] | None = None,
        diversity: float = 0.0,
        per_source: int | None = None,
        fusion: Fusion | Normalise | str = Fusion.DBSF,
        weight: float | None = None,
        passages: int = 1,
        explain: bool = False,
        rerank: str | Reranker | None = None,
        detect: Detect | str = Detect.PREFER,
        literal: bool = False,
        cursor: str | None = None,
        where: Any = None,
        watch: Watch = unwatched,
    ) -> Results:
        """Ranked hits for a query.

        ``recency`` is a half-life such as "30d"; ``as_of`` hides what was published later; ``copies`` "collapse" makes
        one hit of all copies of a text, so that ``limit`` stories come back, and ``shown`` says which of them it is
        ("best" match, "earliest", "latest", likely "original"), ``prefer`` of which source, if there is one of it;
        ``per_source`` is the most hits of one source: others take their places, and a note says what was passed over;
        ``weight`` is the vector leg's share, 0 to 1, None the archive's (0.5 unless it was tuned); ``detect`` says what
        becomes of sources and dates that the query names: their articles come higher ("prefer"), alone ("filter"), or
        as any others ("off"); ``rerank`` puts the first thirty in the order of a sentence-transformers CrossEncoder by
        name or path, or of a ``Reranker`` of your own, while their scores stay as they are; ``cursor`` continues where
        earlier results ended; ``where`` is a query object of Whoosh's (``whoosh.query.Query``), a hard condition beside
        those of the query; ``watch`` sees the stages, as a ``Stopwatch`` does. Raises QueryError for a query that does
        not parse or cannot be answered, ModeError for a mode that the archive cannot serve, UsageError for a value out
        of range, EncoderError for a reranker that cannot be found, trusted or run.
        """
        request = Request.of(
            query=query,
            limit=limit,
            offset=offset,
            mode=mode,
            filters=filters,
            recency=recency,
            as_of=as_of,
            sort=sort,
            copies=copies,
            shown=shown,
            prefer=prefer,
            diversity=diversity,
            per_source=per_source,
            fusion=fusion,
            weight=weight,
            passages=passages,
            explain=explain,
            rerank=rerank,
            detect=detect,
            literal=literal,
            cursor=cursor,
            where=where,
        )
        if request.mode is not Mode.KEYWORD and request.sort is Sort.RELEVANCE:
            self._session.queries.load_ahead()
        with self._session.reading(watch) as view:
            return searching.search(view, request, watch)

    async def asearch(self, query: str, **settings: Any) -> Results:
        """``search`` in a thread, so that the event loop goes on. The work of a search whose task is cancelled ends at
        its next look at the deadline."""
        return await in_thread(partial(self.search, query, **settings))

    def retrieve(
        self,
        question: str,
        *,
        budget: int = 2000,
        filters: Filters | Mapping[str, Any] | None = None,
        as_of: str | datetime | None = None,
        mode: Mode | str = Mode.AUTO,
        detect: Detect | str = Detect.PREFER,
        recency: str | None = None,
        per_source: int | None = None,
        rerank: str | Reranker | None = None,
        count_tokens: CountTokens | None = None,
        where: Any = None,
        watch: Watch = unwatched,
    ) -> Context:
        """The passages that answer a question, for a model's prompt: numbered, in at most ``budget`` tokens.

        ``detect`` says what becomes of sources and dates that the question names: "prefer", "filter" or "off".
        ``per_source`` is the most articles of one source that passages are taken from. ``rerank`` is a
        sentence-transformers CrossEncoder by name or path, or a ``Reranker`` of your own.
        ``count_tokens`` counts as your model does (None: an estimate on the safe side). ``where`` is as in ``search``.
        No question raises: what has nothing to search for gives no passages, of what is too long the beginning is
        searched, and a note says so. Raises QueryError for filters and dates that cannot be read, ModeError and
        UsageError as ``search``, EncoderError for a reranker that cannot be found, trusted or run.
        """
        from search.rag import retrieval

        request = Request.of(
            query=question,
            detect=Detect.OFF,  # it is taken apart first, and its sources and dates are those of its parts
            mode=mode,
            filters=filters,
            as_of=as_of,
            recency=recency,
            per_source=per_source,
            where=where,
        )
        how = choice(Detect, detect)
        if isinstance(rerank, str):
            from search import encode

            rerank = encode.load_reranker(rerank)
        with self._session.reading(watch) as view:
            return retrieval.retrieve(view, request, how, budget, count_tokens, rerank, watch)

    async def aretrieve(self, question: str, **settings: Any) -> Context:
        """``retrieve`` in a thread, as ``asearch``."""
        return await in_thread(partial(self.retrieve, question, **settings))

    def receipt(self, of: Answer | str, query: str, *, watch: Watch = unwatched, **settings: Any) -> Receipt:
        """Ask, and get a receipt of the answer: what was asked, of what, and what came out, to be cited and verified.

        ``of`` is "search", "facets", "timeline" or "context", and ``settings`` are those of the method that answers
        it; the answer itself is the receipt's ``answer``. Of a match set of up to 5,000 articles each is kept by its id
        and a fingerprint. Raises what that method raises, and UsageError for what a receipt cannot hold: a tree of
        conditions, a query object of Whoosh's, a fusion, a reranker or a counter of tokens of your own.
        """
        from search.engine import receipts
        from search.rag.answers import answer

        asked = receipts.asked(of, query, settings)
        with self._session.reading(watch) as view:
            asking = receipts.Asking(self.path.absolute().name, self._session.settings, answer)
            return receipts.make(view, asking, asked, watch=watch)

    def verify(
        self, receipt: Receipt | str | bytes, *, rerank: str | None = None, watch: Watch = unwatched
    ) -> Verification:
        """Whether this archive gives the answer of a receipt, and what changed if it does not, by id.

        ``receipt`` is one, or the JSON of one. It is asked relative to when it was made, and nothing that it names is
        loaded: where a cross-encoder ordered the answer, ``rerank`` has to name it. Raises UsageError for what is no
        receipt or was changed, and what the answer raises.
        """
        from search.engine import receipts
        from search.rag.answers import answer

        read = receipts.read(receipt) if isinstance(receipt, str | bytes) else receipt
        with self._session.reading(watch) as view:
            asking = receipts.Asking(self.path.absolute().name, self._session.settings, answer)
            return receipts.verify(view, asking, read, rerank, watch)

    def similar(self, article_id: str, *, watch: Watch = unwatched, **settings: Unpack[RelatedSettings]) -> Related:
        """Articles of the same subject as one that is here: by its distinctive words and by the mean of its passages,
        fused. None is a copy of it, and each story is there once; each hit says why.

        ``settings`` are ``limit``, ``mode``, ``filters``, ``as_of``, ``per_source`` and ``explain``, as in ``search``.
        Raises ArticleNotFound, and ModeError, QueryError and UsageError as ``search``.
        """
        from search.engine import related

        with self._session.reading(watch) as view:
            return related.similar(view, article_id, Request.of(query="", **settings), watch)

    def background(self, article_id: str, *, watch: Watch = unwatched, **settings: Unpack[RelatedSettings]) -> Related:
        """What to have read before an article that is here: older ones of its subject, of different sides of it, no
        copies, no opinion and no letters as far as sections tell; each hit says why.

        Of an article without a date nothing is known to be older: that is noted, and all are taken. ``settings``, and
        what is raised, are as in ``similar``.
        """
        from search.engine import related

        with self._session.reading(watch) as view:
            return related.background(view, article_id, Request.of(query="", **settings), watch)

    def describe(
        self,
        query: str,
        *,
        as_of: str | datetime | None = None,
        literal: bool = False,
        filters: Filters | Mapping[str, Any] | None = None,
        where: Any = None,
    ) -> str:
        """What a query means, in words."""
        request = Request.of(query=query, as_of=as_of, literal=literal, filters=filters, where=where)
        with self._session.reading() as view:
            return language.describe(view.plan(request).query)

    def facets(
        self,
        query: str,
        *,
        fields: Iterable[FacetField | str] | None = None,
        limit: int | None = 20,
        filters: Filters | Mapping[str, Any] | None = None,
        as_of: str | datetime | None = None,
        literal: bool = False,
        copies: Copies | str = Copies.SHOW,
        where: Any = None,
        watch: Watch = unwatched,
    ) -> Facets:
        """Counts of the whole match set by source, author, section, agency, language, year and month, each with the
        query that narrows to it (None where none can: not under ``where``). ``fields`` None: all; ``limit`` None: every
        value. ``copies`` "collapse" counts stories, once for each value that a copy in the match set has."""
        from search.engine import facets as aggregation

        request = Request.of(query=query, as_of=as_of, literal=literal, copies=copies, filters=filters, where=where)
        with self._session.reading(watch) as view:
            return aggregation.facets(view, request, fields, limit, watch)

    def timeline(
        self,
        query: str,
        *,
        by: Period | str = "month",
        compare: Iterable[str] | None = None,
        split: Split | str | None = None,
        limit: int = 5,
        filters: Filters | Mapping[str, Any] | None = None,
        as_of: str | datetime | None = None,
        literal: bool = False,
        copies: Copies | str = Copies.SHOW,
        where: Any = None,
        watch: Watch = unwatched,
    ) -> Timeline:
        """Counts of the whole match set by day, week, month or year, and their share of all articles in each;
        with ``copies`` "collapse" of stories, once in each. ``compare`` are more queries, counted beside in the same
        periods; ``split`` "source" counts the ``limit`` sources that have most.

        Raises UsageError where the periods would be too many, and for ``compare`` with ``split``.
        """
        from search.engine import facets as aggregation

        request = Request.of(query=query, as_of=as_of, literal=literal, copies=copies, filters=filters, where=where)
        with self._session.reading(watch) as view:
            queries = [compare] if isinstance(compare, str) else list(compare or ())
            return aggregation.timeline(view, request, by, queries, split, limit, watch)

    def story(self, article_id: str, *, as_of: str | datetime | None = None, limit: int = 50) -> Story:
        """The copies of an article's text, itself among them: what each likely is (the original, a reprint, a later
        version of one outlet, a correction), how much it has in common with the original, and which sentences it cut,
        added or changed. ``as_of``: as it was known then. At most ``limit`` copies are shown, the earliest.

        Raises ArticleNotFound, also where the article was not there by then, and UsageError.
        """
        from search.engine.stories import told

        with self._session.reading() as view:
            return told.story(view, article_id, as_of, limit)

    def stories(
        self,
        query: str,
        *,
        limit: int = 10,
        sort: Carried | str = "copies",
        filters: Filters | Mapping[str, Any] | None = None,
        as_of: str | datetime | None = None,
        literal: bool = False,
        where: Any = None,
        watch: Watch = unwatched,
    ) -> CarriedStories:
        """The stories that several articles of a match set tell, the most carried first, or with ``sort`` "newest"
        those with the newest copy: how many copies each has there, of how many outlets, from when to when, and the
        likely original among them. Raises QueryError and UsageError as ``search``."""
        from search.engine.stories import told
        from search.records import Carried

        request = Request.of(
            query=query, as_of=as_of, literal=literal, filters=filters, where=where, copies=Copies.COLLAPSE
        )
        with self._session.reading(watch) as view:
            return told.carried(view, request, choice(Carried, sort), limit, watch)

    def first(
        self,
        query: str,
        *,
        limit: int = 10,
        filters: Filters | Mapping[str, Any] | None = None,
        as_of: str | datetime | None = None,
        literal: bool = False,
        where: Any = None,
        watch: Watch = unwatched,
    ) -> Results:
        """The earliest articles of the whole match set, of the copies of one text the earliest alone. Articles without
        a date are not among them; a note counts them."""
        from search.engine import first as earliest

        request = Request.of(query=query, limit=limit, as_of=as_of, literal=literal, filters=filters, where=where)
        with self._session.reading(watch) as view:
            return earliest.first(view, request, watch)

    def sample(
        self,
        query: str,
        *,
        limit: int = 100,
        seed: int = 0,
        by: FacetField | str | None = None,
        allocation: Allocation | str = Allocation.PROPORTIONAL,
        filters: Filters | Mapping[str, Any] | None = None,
        as_of: str | datetime | None = None,
        literal: bool = False,
        copies: Copies | str = Copies.SHOW,
        where: Any = None,
        watch: Watch = unwatched,
    ) -> Sample:
        """Articles drawn at random from the whole match set: the same for the same ``seed``, and a larger sample holds
        the smaller one. ``by`` draws from each "source", "section", "agency", "language", "year" or "month", its share
        or as many of each (``allocation`` "proportional" or "equal"), and tells how large each is. ``copies``
        "collapse" draws one article of each story at most.

        Raises QueryError and UsageError as ``search``, and UsageError for more than 10,000 articles.
        """
        from search.engine import sampling

        request = Request.of(
            query=query, limit=limit, as_of=as_of, literal=literal, copies=copies, filters=filters, where=where
        )
        field, how = None if by is None else choice(FacetField, by), choice(Allocation, allocation)
        with self._session.reading(watch) as view:
            return sampling.sample(view, request, seed, field, how, watch)

    def terms(
        self,
        query: str,
        *,
        by: Period | str | None = None,
        limit: int = 20,
        filters: Filters | Mapping[str, Any] | None = None,
        as_of: str | datetime | None = None,
        literal: bool = False,
        where: Any = None,
        watch: Watch = unwatched,
    ) -> Terms:
        """The words and phrases that set the whole match set apart from the rest of the archive: log-odds with a prior,
        in standard deviations. ``by`` also tells of each period what sets it apart from the others.

        Raises UsageError where the periods would be too many.
        """
        from search.engine import terms as telling

        request = Request.of(query=query, as_of=as_of, literal=literal, filters=filters, where=where)
        with self._session.reading(watch) as view:
            return telling.terms(view, request, by, limit, watch)

    @contextmanager
    def whoosh(self) -> Iterator[Any]:
        """A stock ``whoosh.searching.Searcher`` over the live articles of the newest commit, which is held until the
        block ends.

        Whoosh's queries, collectors, facets and ``more_like`` work over its schema: the fields ``title``, ``caption``,
        ``dateline``, ``byline``, ``text``, ``source``, ``section``, ``authors``, ``agency``, ``language``, ``id``,
        ``published`` (in UTC), ``length``; a hit's stored fields are the article's. See ``broadsheet help whoosh``.
        """
        with self._session.reading() as view:
            searcher = view.whoosh()
            try:
                yield searcher
            finally:
                searcher.close()

    def alerts(self) -> tuple[Alert, ...]:
        """The saved queries, by name; those that are damaged are left out, and warned of (``AlertsDamaged``)."""
        from search.engine import alerts

        return tuple(alerts.saved(self._session))

    def run_alerts(
        self, names: Iterable[str] | None = None, *, peek: bool = False, copies: Copies | str = Copies.COLLAPSE
    ) -> tuple[News, ...]:
        """What is new to these alerts (None: all) since they last ran; ``peek`` leaves it new.

        A story is told once, by its likely original with the copies that came with it; a later copy is no news, unless
        it is a correction or an update: it is among the ``copies`` of the ``News``. ``copies`` "show" tells each.

        Raises UsageError for an unknown name; a query that fails is told in its ``News`` and stays as it was.
        """
        from search.engine import alerts

        return alerts.run(self._session, names, peek, choice(Copies, copies))

    def stats(self) -> dict[str, Any]:
        """Counts, sizes, dates, sources and settings, as plain values."""
        from search.engine.stats import stats

        return stats(self._session)

    def dead_letters(self) -> tuple[DeadLetter, ...]:
        """What watches could not read, the oldest first."""
        from search.engine.watching import letters

        return letters(self._session)

    def counts(self) -> Counts:
        """Of how many live articles catalog, words and vectors have something; they agree in a sound archive."""
        with self._session.reading() as view:
            return view.counts

    def check(self, progress: Callable[[str], None] | None = None, *, thorough: bool = False) -> list[str]:
        """Verify everything: checksums, records, and that all parts hold the same articles. Returns the problems.

        ``thorough`` also indexes the words of all articles again, and compares: it takes as long as indexing does.
        """
        from search.engine import doctor

        return doctor.check(self._session.catalog, progress, thorough, self._session.installed_analysis)

    def export(
        self,
        query: str | None = None,
        *,
        filters: Filters | Mapping[str, Any] | None = None,
        copies: Copies | str = Copies.SHOW,
    ) -> Iterator[str]:
        """Everything in the archive, or what matches a query, as lines of JSON for ``import_``, without line ends.

        The first line has the settings and the alerts, the last one counts the articles; between them each article has
        a line with all its fields, in the order in which they came. A damaged record has a line that says so. Without a
        query the catalog alone is read, whatever state the segments are in. ``copies`` "collapse" leaves one article of
        each story, the likely original among those that match. Memory does not grow with the archive; the commit is
        held until the end. Raises QueryError and UsageError as ``search``.
        """
        from search.engine.transfer import export

        how = choice(Copies, copies)
        everything = query is None and filters is None and how is Copies.SHOW
        asked = Request(query=query or "*", filters=Filters.of(filters), copies=how, shown=Shown.ORIGINAL)
        request = None if everything else asked
        return export(self._session, request)

    def backup(
        self, path: str | Path, *, keep: int | None = None, progress: Callable[[int, int], None] | None = None
    ) -> BackupReport:
        """Add a backup of the newest commit to a folder: one of the backups of this archive, or a new or empty one.

        Searches and a writer go on meanwhile. Copied is what the folder does not have yet, verified by its hash; what
        it has is verified too. ``keep``: so many of the newest backups stay; None: all. ``progress`` gets bytes done,
        and how many there are. Raises UsageError for a folder that holds something else, ArchiveDamaged where the
        archive is damaged, ArchiveLocked while another backup is made there, StorageError.
        """
        from search.engine.backup import backup

        return backup(self._session, Path(path), keep, progress)

    @staticmethod
    def restore(
        backup: str | Path,
        path: str | Path,
        *,
        number: int | None = None,
        replace: bool = False,
        wait: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> RestoreReport:
        """Make an archive at ``path``, a new or empty folder, of the newest backup in a folder, or of that ``number``.

        It gets its place when it is proven to be what was backed up, and sound. ``replace`` puts it in the place of the
        archive that is there, which is kept beside it (``aside`` of the report); objects that have that one open raise
        ArchiveReplaced from then on. ``wait`` lets it wait for a writer or another backup instead of raising
        ArchiveLocked. Raises ArchiveNotFound where there is no such backup, ArchiveDamaged for one that is not what it
        was, UsageError where the place is taken.
        """
        from search.engine.backup import restore

        return restore(Path(backup), Path(path), replace, number, wait, progress)

    def foresee(self, items: Iterable[Article | Rejection]) -> AddReport:
        """What ``add`` would report of the articles, without adding them; all but languages. What is new is held in a
        temporary file meanwhile, so that records of one run can be compared."""
        from search.engine.foresight import foresee

        return foresee(items, self._session.catalog)

    # Collections: beside the archive, in a file of their own

    def collections(self) -> tuple[Collection, ...]:
        """The collections beside this archive, by name."""
        with self._session.reading() as view:
            return tuple(view.collections.all())

    def collection(self, name: str) -> tuple[Member, ...]:
        """The articles of a collection as they were collected, in that order, each with its tags and its note, and
        whether the archive still has it. Raises UsageError where there is no such collection."""
        from search.engine import collections

        with self._session.reading() as view:
            return tuple(collections.members(view, name))

    def dossier(self, name: str) -> Dossier:
        """A collection with its articles, and the receipts of the searches that it was filled from: what
        ``search.exports.dossier`` writes as a reading copy. Raises UsageError where there is no such collection."""
        from search.engine import collections

        with self._session.reading() as view:
            return collections.dossier(view, name)

    def collect(
        self,
        name: str,
        ids: Iterable[str] = (),
        *,
        query: str | None = None,
        filters: Filters | Mapping[str, Any] | None = None,
        as_of: str | datetime | None = None,
        literal: bool = False,
        tags: Iterable[str] = (),
        note: str | None = None,
    ) -> Collected:
        """Add articles to a collection, made now where there is none: those of some ids, and the match set of a query,
        of which a receipt is kept. Articles that are there get the ``tags`` too, and the ``note``.

        Ids that no article has are told. Nothing in the archive changes: collections are in a file beside it. Raises
        UsageError for a name or a tag that is none and for more than 100,000 articles, and what ``search`` raises.
        """
        from search.engine import collections, receipts
        from search.rag.answers import answer

        asked = None
        if query is not None:
            asked = receipts.asked("search", query, {"filters": filters, "as_of": as_of, "literal": literal})
        with self._session.reading() as view:
            made = request = None
            if asked is not None:
                asking = receipts.Asking(self.path.absolute().name, self._session.settings, answer)
                made = receipts.make(view, asking, asked)
                request = replace(asked.request, now=made.made)
            return collections.collect(view, name, ids, request, tags, note, made)

    def uncollect(self, name: str, ids: Iterable[str]) -> Collected:
        """Take articles out of a collection; ids that are not in it are told. Raises UsageError where there is none."""
        from search.engine import collections

        with self._session.reading() as view:
            return collections.take_out(view, name, ids)

    def annotate(self, name: str, note: str) -> None:
        """Note something of a whole collection, made now where there is none. Raises UsageError as ``collect``."""
        with self._session.reading() as view:
            view.collections.annotate(name, note)

    def drop_collection(self, name: str) -> None:
        """Forget a collection; its articles stay. Raises UsageError where there is none of this name."""
        with self._session.reading() as view:
            view.collections.drop(name)

    # Writing

    def add(
        self,
        items: Iterable[Article | Rejection],
        *,
        batch: int = DEFAULT_BATCH,
        vectors: bool = True,
        progress: Callable[[Progress], None] | None = None,
        watch: Watch = unwatched,
    ) -> AddReport:
        """Upsert articles by id, in batches that are each committed.

        The first ``add`` decides whether the archive has vectors. What cannot be stored is left out, told in the
        report, and warned of (``RecordsRejected``). ``watch`` sees the stages. Raises ArchiveLocked when another writer
        is at work, UsageError for a batch of less than one, EncoderError and StorageError.
        """
        from search.engine.index import index

        report = index(self._session, items, batch, vectors, progress, watch)
        if report.rejected:
            warnings.warn(RecordsRejected(report.rejected, report.rejections[0].reason), stacklevel=2)
        return report

    def watch(
        self,
        inputs: Sequence[str | os.PathLike[str]],
        *,
        every: float = 60.0,
        pause: float = 900.0,
        rest: float = 2.0,
        once: bool = False,
        retry: bool = False,
        allow_private: bool = False,
        batch: int = DEFAULT_BATCH,
        vectors: bool = True,
        **reading: Any,
    ) -> Watcher:
        """Index files as they appear or change, and feeds as they bring news: an iterator over rounds, without end.

        ``inputs`` are folders, patterns, files, lists of feeds (OPML, or an address a line) and addresses of feeds.
        Seconds: ``every`` from a round to the next, ``pause`` at least between two questions to one feed, ``rest`` in
        which a file that is read must not change. ``once``: one round. ``retry``: what could not be read is tried again
        whatever its tries. ``allow_private``: addresses of this machine and its network are asked, too. ``batch`` and
        ``vectors`` as in ``add``, and ``reading`` what ``search.ingest.read`` takes (``format``, ``map``, ``set``,
        ``encoding``, ``dates``). The ``Watcher`` is a context manager; its ``stop`` ends it from any thread. Raises
        UsageError and SourceError for inputs that cannot be watched, and a round what ``add`` raises.
        """
        from search.engine.watching import Rhythm, Watcher

        rhythm = Rhythm(every=every, pause=pause, rest=rest, once=once)
        how = (batch, vectors, allow_private, retry)
        return Watcher(self._session, inputs, rhythm, reading, *how)

    def embed(
        self,
        model: str | Encoder | None = None,
        *,
        dimension: int | None = None,
        precision: Precision | str | None = None,
        progress: Callable[[int, int, str | None], None] | None = None,
    ) -> int:
        """Give an archive without vectors its vectors, or replace them by another model's, in one commit.

        ``model`` is a name or path, or an ``Encoder`` of your own; None is the archive's own model, with the dimensions
        it has, or the default one.
        Until the commit, and after an interruption, the archive is as it was; the next run goes on with what was
        written, unless something else was written to the archive meanwhile. ``progress`` gets articles done, how many
        there are, and the way that the model is run in, where it has several ("bfloat16 (52 passages/s)"). Returns how
        many articles were embedded: 0 where the vectors are there already. Raises ArchiveLocked, EncoderError, and
        UsageError for a dimension that the model does not have.
        """
        from search.engine.reembed import embed

        return embed(self._session, model, dimension, precision, progress)

    def import_(
        self,
        lines: Iterable[str | bytes],
        *,
        batch: int = DEFAULT_BATCH,
        vectors: bool | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> ImportReport:
        """Read back what ``export`` gave: articles are upserted by id, as ``add`` does it, alerts and settings come
        with them. Settings are taken over by an archive without articles; alerts whose names are taken are left out.

        ``vectors`` None: as the exported archive had it. A model other than the default one is used only if this
        archive was opened with it. Raises UsageError where the lines are no export, or a model has to be named;
        SourceError where they end too early: what was read by then stays; and what ``add`` raises.
        """
        from search.engine.transfer import import_

        report = import_(self._session, lines, batch, vectors, progress)
        if report.rejected:
            warnings.warn(RecordsRejected(report.rejected, report.rejections[0].reason), stacklevel=2)
        return report

    def dirt(self) -> tuple[Dirt, ...]:
        """What lies in the archive's folder and is none of its own. Of what no commit names an interrupted writer left
        it, or one beside us is making it, and the next writer removes it; ``repair`` keeps all of it aside."""
        from search.engine.repair import dirt

        return tuple(dirt(self._session.catalog))

    def repair(self, *, thorough: bool = False, progress: Callable[[str], None] | None = None) -> RepairReport:
        """Make segments that are damaged, incomplete, or of an older text analysis again from the articles' records, in
        one commit. Sound parts of them are used; vectors are made again only where they are damaged, with the model.

        Records that cannot be read, and files that no commit names, are moved to a folder and counted; nothing is
        removed. ``thorough`` looks whether the words are those of the articles, too, which takes as long as indexing;
        that is done anyway where the archive is not sound after the first look. Afterwards catalog, words and vectors
        hold the same articles: otherwise ArchiveDamaged is raised, as it is where the catalog itself is damaged. Raises
        EncoderError and ArchiveMismatch where a model is needed that cannot be had: then nothing was changed.
        """
        from search.engine.repair import repair

        return repair(self._session, thorough, progress)

    def delete(self, ids: Iterable[str], *, purge: bool = False) -> int:
        """Delete articles; ids that no article has are ignored. With ``purge``, their bytes leave every file at once.
        Returns how many went."""
        from search.engine import upkeep

        return upkeep.delete(self._session, ids, purge)

    def delete_matching(self, query: str, *, purge: bool = False, where: Any = None) -> int:
        """Delete the whole match set of a query. Returns how many went."""
        from search.engine import upkeep

        return upkeep.delete_matching(self._session, Request(query=query, where=where), purge)

    def prune(self, keep: Container[str]) -> int:
        """Delete every article whose id is not in ``keep``. Returns how many went."""
        from search.engine import upkeep

        return upkeep.prune(self._session, keep)

    def regroup(self, *, window: int | None = None, progress: Callable[[int, int], None] | None = None) -> int:
        """Find the copies of all articles anew, in one commit: for an archive that knows no stories, or with another
        ``window``, the days that may lie between two copies (None: as it was, 30 in the beginning). Returns how many
        articles there are. ``progress`` gets articles done and how many there are.

        Raises UsageError for a window below 0, ArchiveLocked and StorageError.
        """
        from search.engine.stories import grouping

        return grouping.regroup(self._session, window, progress)

    def optimize(self, *, furniture: bool | None = None) -> None:
        """Merge all segments into one and drop what deleted articles left. What sources print under many articles is
        learned of all of them; ``furniture`` False: nothing is left out of them from now on, True: again; None: as it
        is, and in an archive that was made before furniture was known it is learned."""
        from search.engine import optimizing

        optimizing.optimize(self._session, furniture)

    def tune(self, **parameters: float) -> dict[str, float]:
        """Set what the archive ranks by. Of BM25F: ``k1`` >= 0, ``b`` in 0..1, and the weights of ``title``,
        ``caption``, ``dateline``, ``byline`` and ``text``, >= 0, ``near``, the weight of words near each other, and
        ``exact``, that of words in the form that is asked for, both >= 0. Of meaning: ``lead`` >= 0, what an article's
        first passage counts beside its best, and ``weight`` in 0..1, the share of meaning in hybrid where a search
        names none. Scores are by them from the next search on, in other processes too; nothing is indexed again.
        ``search.evaluation.tuning`` finds those that suit an archive, and has the usual ones.
        Returns all parameters. Raises UsageError for others, or without a sense."""
        return self._session.tune(parameters)

    def add_alert(self, name: str, query: str, *, everything: bool = False) -> Alert:
        """Save a query. What is in the archive by now is no news to it, unless ``everything`` is to be.

        Raises UsageError for a bad or taken name, QueryError for a query that does not parse.
        """
        from search.engine import alerts

        return alerts.add(self._session, name, query, everything)

    def remove_alert(self, name: str) -> None:
        """Forget a saved query. Raises UsageError where there is none of this name."""
        from search.engine import alerts

        alerts.remove(self._session, name)

    def confirm_alerts(self, news: Iterable[News]) -> None:
        """Record that news were told: they are not new any more. With none, only whether that could be recorded.

        Raises ArchiveLocked, or StorageError where the archive cannot be written.
        """
        from search.engine import alerts

        alerts.confirm(self._session, news)

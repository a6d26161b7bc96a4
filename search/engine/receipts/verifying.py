"""What an archive says today to what a receipt asked: the same receipt made again, and the two compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from search._version import __version__
from search.engine.legs import Mask
from search.engine.receipts.asking import asked
from search.engine.receipts.making import Asking, fingerprints, make
from search.engine.view import View
from search.engine.watch import Watch, unwatched
from search.errors import ModeError, UsageError
from search.records import Answer, Copies, Mode
from search.records.receipts import Receipt, Verification

NAMED = 1_000
"""Articles beside the match set that are named by id."""


def verify(
    view: View, asking: Asking, receipt: Receipt, rerank: str | None = None, watch: Watch = unwatched
) -> Verification:
    """Ask again as the receipt did, relative to when it was made. Nothing that it names is loaded: a cross-encoder is
    the caller's ``rerank``. Raises UsageError where that is another one, and what the answer raises."""
    question = asked(receipt.of, receipt.query, receipt.settings)
    if question.rerank != rerank:
        what = f"in the order of the cross-encoder {question.rerank!r}" if question.rerank else "of no cross-encoder"
        how = "name it to have it loaded" if question.rerank else "name none"
        raise UsageError(f"this receipt's answer is {what}; {how}").about("rerank")
    question = question._replace(request=replace(question.request, snippets=False, passages=0))
    try:
        again = make(view, asking, question, receipt.made, watch)
    except ModeError as error:
        raise ModeError(f"the receipt cannot be asked of this archive: {error}") from error
    return compared(view, receipt, again)


def compared(view: View, then: Receipt, now: Receipt) -> Verification:
    """Two receipts of one question; ``now`` is of this view."""
    same_archive = then.archive.identity is not None and then.archive.identity == now.archive.identity
    complete = then.matches.complete and now.matches.complete
    before, after = then.matches.articles, now.matches.articles
    new = view.snapshot.live & (view.columns.rows > then.archive.last_row)
    if not same_archive:  # whose rows have nothing to do with ours
        new[:] = False
    lost = [name for name in before if name not in after]
    held = fingerprints(view, view.columns.find(lost))
    came = [name for name in after if name not in before] if complete else []
    added = _new(view, new, came) if same_archive else came
    changed = [name for name in before if before[name] != after.get(name, held.get(name, before[name]))]
    otherwise = [name for name in lost if held.get(name) == before[name] and complete]
    otherwise += [name for name in came if name not in set(added)]
    elsewhere = new.copy()
    elsewhere[view.columns.find([*added, *changed])] = False
    counts = then.of in (Answer.FACETS, Answer.TIMELINE)
    return Verification(
        receipt=then.id,
        same=then.outcome == now.outcome and _same_set(then, now),
        unchanged=(then.archive.digest, then.archive.articles) == (now.archive.digest, now.archive.articles),
        total_then=then.stages.matched,
        total_now=now.stages.matched,
        order=not counts and then.outcome.ids != now.outcome.ids and set(then.outcome.ids) == set(now.outcome.ids),
        added=tuple(sorted(added)),
        changed=tuple(sorted(changed)),
        removed=tuple(sorted(name for name in lost if name not in held)),
        otherwise=tuple(sorted(otherwise)),
        elsewhere=tuple(view.columns.ids(np.flatnonzero(elsewhere)[:NAMED].tolist())),
        elsewhere_count=int(np.count_nonzero(elsewhere)),
        gone=then.archive.articles - int(np.count_nonzero(view.snapshot.live & ~new)) if same_archive else None,
        complete=complete,
        notes=_notes(then, now, same_archive),
    )


def _new(view: View, new: Mask, names: Sequence[str]) -> list[str]:
    """Those of some articles that are new."""
    ordinals = view.columns.find(names)
    return view.columns.ids(ordinals[new[ordinals]].tolist())


def _same_set(then: Receipt, now: Receipt) -> bool:
    """Whether as much matches, as far as the answer tells of it: a context tells nothing."""
    if then.of is Answer.CONTEXT:
        return True
    collapsed = then.copies.choice is Copies.COLLAPSE
    return then.matches.digest == now.matches.digest and (not collapsed or then.stages.stories == now.stages.stories)


def _notes(then: Receipt, now: Receipt, same_archive: bool) -> tuple[str, ...]:
    """What else may be why an answer is another one."""
    notes = []
    if then.archive.identity is None:
        notes.append("the receipt is of an archive without an identity, as older versions made them: it may be another")
    elif not same_archive:
        notes.append("the receipt is of another archive than this one, or it was built anew since")
    if then.version != __version__:
        notes.append(f"the receipt was made by version {then.version}, and this is {__version__}")
    if then.ranking.model != now.ranking.model:
        old, new = (one.name if one else "no model" for one in (then.ranking.model, now.ranking.model))
        notes.append(f"the vectors are of another model: {old} then, {new} now")
    if then.ranking.bm25 != now.ranking.bm25:
        changed = [name for name, value in now.ranking.bm25.items() if then.ranking.bm25.get(name) != value]
        notes.append(f"words are ranked by other parameters: {', '.join(changed)}")
    if (then.ranking.analysis, then.ranking.language) != (now.ranking.analysis, now.ranking.language):
        notes.append("words are analysed in another way than then")
    if (then.copies.version, then.copies.window) != (now.copies.version, now.copies.window):
        notes.append("copies of one text are told in another way than then")
    if then.mode != now.mode and then.mode in tuple(Mode):
        notes.append(f"the answer was by {then.mode}, and is by {now.mode}")
    return tuple(notes)

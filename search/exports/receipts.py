"""Receipts as files: JSON to verify, Markdown for a methods section, and their name in what is exported."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from search.exports.formats import cell, dumps
from search.exports.plain import line
from search.records import Answer, Copies
from search.records.numbers import counted
from search.records.receipts import Receipt

_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#+!|~&-])")
_TICKS = re.compile("`+")
_NOT_TOLD = frozenset({"limit", "offset", "copies", "shown", "prefer"})  # they are told elsewhere


def json_text(receipt: Receipt) -> str:
    """The JSON of a receipt, which ``Archive.verify`` reads."""
    return dumps(receipt.to_dict(), indent=2) + "\n"


def markdown(receipt: Receipt) -> str:
    """A receipt as a methods section has it: a paragraph, then all figures. Nothing in it is markup of an article."""
    return "\n".join(_lines(receipt))


def _lines(receipt: Receipt) -> Iterator[str]:
    held, stages = receipt.archive, receipt.stages
    yield f"# {_TITLES[receipt.of]}: {_text(receipt.query) or 'all articles'}"
    yield ""
    yield (
        f"On {receipt.made:%d %B %Y} at {receipt.made:%H:%M} UTC the archive {_code(held.name)} was asked for "
        f"{_code(receipt.query) or 'all that it holds'} with Broadsheet {_text(receipt.version)}, which read this as: "
        f"{_text(receipt.read)}. It held {counted(held.articles, 'article')}{_period(receipt)}. "
        f"Of these, {counted(stages.visible, 'was', 'were')} visible, {counted(stages.constrained, 'met', 'met')} the "
        f"conditions, and {counted(stages.matched, 'article')} matched{_stories(receipt)}{_answered(receipt)}."
    )
    yield ""
    yield "| stage | articles |"
    yield "|---|---|"
    rows = {"in the archive": held.articles, "visible": stages.visible, "under the conditions": stages.constrained}
    rows |= {"matching": stages.matched}
    for name, count in rows.items():
        yield f"| {name} | {count:,} |"
    if stages.stories is not None:
        yield f"| matching, copies of one text once | {stages.stories:,} |"
    if stages.answered is not None:
        yield f"| {'passages given' if receipt.of is Answer.CONTEXT else 'hits listed'} | {stages.answered:,} |"
    yield from _counts("source", receipt.by_source, f"{receipt.sources - len(receipt.by_source):,} further sources")
    yield from _counts("year", receipt.by_year, "", receipt.undated)
    yield ""
    yield "## How"
    yield ""
    yield f"- Query: {_code(receipt.query) or '(none)'}"
    if receipt.mode is not None:
        yield f"- Ranked by: {_MODES.get(receipt.mode, _text(receipt.mode))}"
    for name, value in receipt.settings.items():
        if value not in (None, False, "", []) and name not in _NOT_TOLD:
            shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            yield f"- {_text(name)}: {_text(shown)}"
    yield f"- Copies of one text: {_copies(receipt)}"
    parameters = ", ".join(f"{name} {value:g}" for name, value in receipt.ranking.bm25.items())
    yield f"- Words: BM25F ({_text(parameters)}), analysis {receipt.ranking.analysis}"
    if (model := receipt.ranking.model) is not None:
        yield f"- Meaning: {_code(model.name)}, SHA-256 of its weights {_code(model.weights_hash)}"
    for note in receipt.notes:
        yield f"- Note: {_text(note)}"
    yield ""
    yield "## To verify"
    yield ""
    yield f"- Archive: {_code(held.name)}, commit {held.commit:,}, contents {_code(held.digest)}"
    yield f"- Answer: {_code(receipt.outcome.digest)}"
    yield f"- Receipt: {_code(receipt.id)}; `broadsheet receipt verify FILE` with its JSON asks again."
    yield ""


_TITLES = {
    Answer.SEARCH: "Search",
    Answer.FACETS: "Counts",
    Answer.TIMELINE: "Counts over time",
    Answer.CONTEXT: "Passages",
}
_MODES = {"keyword": "words", "vector": "meaning", "hybrid": "words and meaning"}


def _period(receipt: Receipt) -> str:
    held = receipt.archive
    dated = "" if held.first is None else f", published from {held.first} to {held.last}"
    return dated + (f" ({counted(held.undated, 'article')} without a date)" if held.undated else "")


def _stories(receipt: Receipt) -> str:
    stories = receipt.stages.stories
    return "" if stories is None else f" ({counted(stories, 'story', 'stories')} when copies of one text count once)"


def _answered(receipt: Receipt) -> str:
    answered = receipt.stages.answered
    if answered is None:
        return ""
    what = "passage" if receipt.of is Answer.CONTEXT else "hit"
    offset = receipt.settings.get("offset") or 0
    return f"; {counted(answered, what)} {'is' if answered == 1 else 'are'} listed" + (
        f" after the first {offset:,}" if offset else ""
    )


def _counts(name: str, counts: Mapping[str, int], rest: str, undated: int = 0) -> Iterator[str]:
    if not counts and not undated:
        return
    yield ""
    yield f"| {name} | articles |"
    yield "|---|---|"
    for value, count in counts.items():
        yield f"| {_text(value)} | {count:,} |"
    if rest and not rest.startswith("0 "):
        yield f"| ({rest}) | |"
    if undated:
        yield f"| (no date) | {undated:,} |"


def _copies(receipt: Receipt) -> str:
    rule = receipt.copies
    if rule.version is None:
        return "not known to this archive; each counts by itself"
    told = f"told by rule {rule.version}, with at most {counted(rule.window or 0, 'day')} between two copies"
    if rule.choice is Copies.SHOW:
        return f"each counts by itself ({told})"
    shown = f", of which the {rule.shown} is shown" if rule.shown is not None else ""
    return f"count as one{shown} ({told})"


def _text(text: str) -> str:
    return _MARKUP.sub(r"\\\1", line(text))


def _code(text: str) -> str:
    """A text as it stands, whatever ticks are in it; "" for none."""
    plain = line(text)
    if not plain:
        return ""
    ticks = "`" * (max((len(run) for run in _TICKS.findall(plain)), default=0) + 1)
    pad = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{ticks}{pad}{plain}{pad}{ticks}".replace("|", "\\|")


def naming(form: str, receipt: str, lines: Iterable[str]) -> Iterator[str]:
    """The lines of an export, with the id of the receipt of what is exported: a column of CSV, a key of JSON lines and
    CSL-JSON, a comment before BibTeX, a note in each record of RIS. Ids have no room for it."""
    if form == "bibtex":
        yield f"% receipt {receipt}\n"
    for number, text in enumerate(lines):
        if form == "csv":
            yield f"{text},{cell(receipt) if number else 'receipt'}"
        elif form == "jsonl":
            yield f'{text[:-1]}, "receipt": {dumps(receipt)}}}'
        elif form == "csl" and text.startswith("{"):
            end = text.rindex("}")
            yield f'{text[:end]}, "note": {dumps(f"receipt {receipt}")}}}{text[end + 1 :]}'
        elif form == "ris":
            yield text.replace("\nER  - ", f"\nN1  - receipt {receipt}\nER  - ")
        else:
            yield text


def verdict(verification: Any) -> Iterator[str]:
    """What a verification says, a line each: of each kind of change how many there are, and then their ids."""
    one = verification
    yield f"{'the same answer' if one.same else 'another answer'} as in receipt {one.receipt}"
    if one.total_then != one.total_now:
        yield f"{counted(one.total_then, 'article')} matched then, {one.total_now:,} now"
    if one.order:
        yield "the same articles in another order"
    for name, about in _KINDS.items():
        ids = getattr(one, name)
        if ids:
            yield f"{name}: {counted(len(ids), 'article')} {about}"
            yield from (f"  {line(each)}" for each in ids)
    if one.elsewhere_count:
        more = one.elsewhere_count - len(one.elsewhere)
        yield f"elsewhere: {counted(one.elsewhere_count, 'article')} came or changed since, beside what is named above"
        yield from (f"  {line(each)}" for each in one.elsewhere)
        if more:
            yield f"  and {more:,} more"
    if one.gone:
        yield f"of all that the archive held then, {counted(one.gone, 'article')} were removed or replaced since"
    if one.unchanged:
        yield "the archive holds what it held"
    if not one.complete:
        yield "too many articles match to have been kept by id: only the hits' changes are named"
    yield from (line(note) for note in one.notes)


_KINDS = {
    "added": "that match came into the archive since",
    "changed": "that matched say something else now",
    "removed": "that matched are not in the archive any more",
    "otherwise": "are as they were, and match no more or match now",
}

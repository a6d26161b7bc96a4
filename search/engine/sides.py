"""What a search says of the sides of a comparison: "the dam versus the tunnel", "how A and B covered X"."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from search.engine.legs import Ordinals
from search.engine.plan import Plan
from search.engine.view import Scope, View
from search.keyword.rank.scoring import scoring_tokens
from search.keyword.tree import either
from search.query import named
from search.query.named import Mention
from search.records import Detect
from search.records.numbers import counted

_COMPARES = re.compile(
    r"\b(?:versus|vs|compare[ds]?|comparing|contrast(?:ed|s)?|differ(?:ences?|s)?|disagree|similarit(?:y|ies)|"
    r"comparison|relation|link|connection|both|longer|shorter|larger|bigger|smaller|more|fewer|less|older|first|higher|"
    r"lower|worse|better|earlier|later|sooner|cheaper|costlier|cover(?:ed|s)?|report(?:ed)?|sa(?:y|id)|respond(?:ed)?)\b",
    re.IGNORECASE,
)
_MOST_SIDES = 4


def unmet(view: View, plan: Plan, scope: Scope, shown: Ordinals) -> list[str]:
    """What is to be said of the sides of a comparison: of which nothing was found at all, or nothing of the hits
    ``shown`` is. A side is told by what it does not share with the others: its words, and the sources and dates that
    it names."""
    text = plan.query.encoder_text
    if len(plan.query.words) < 3 or " " not in text or not _COMPARES.search(text):
        return []
    from search.query import parts  # few queries compare

    mentions = (
        [] if plan.request.detect is Detect.OFF else named.find(text, view.sources, plan.now, view.analysis.languages)
    )
    sides = parts.split(text, mentions)[:_MOST_SIDES]
    if len(sides) < 2:
        return []
    notes = []
    for side, words, own in _apart(view, text, sides, mentions):
        found = scope.mask.copy()
        if own:
            for kind in dict.fromkeys(one.kind for one in own):
                nodes = [node for one in own if one.kind == kind for node in one.conditions]
                found &= scope.words.match(either(nodes))
        if words:
            found &= scope.words.match_words(words)
        if not words and not own:
            continue
        count = int(np.count_nonzero(found))
        if not count:
            notes.append(f"no article has what this side names: {side}")
        elif len(shown) and not found[shown].any():
            have = "has" if count == 1 else "have"
            notes.append(
                f"none of these hits is of this side: {side}; {counted(count, 'article')} {have} what it names"
            )
    return notes


def _apart(
    view: View, text: str, sides: Sequence[str], mentions: Sequence[Mention]
) -> list[tuple[str, list[str], list[Mention]]]:
    """Each side with what it has and not all the others have: its words and its mentions."""
    held: list[list[Mention]] = []
    tokens: list[dict[str, str]] = []
    for side in sides:
        rest = side
        inside = []
        for mention in sorted(mentions, key=lambda one: one.start - one.end):
            name = " ".join(text[mention.start : mention.end].split())
            without = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", " ", rest)
            if without != rest:
                inside.append(mention)
            rest = without
        held.append(inside)
        tokens.append({token.term: token.surface for token in scoring_tokens(rest.split(), view.analysis)})
    shared = set(tokens[0]).intersection(*tokens[1:])
    found = []
    for side, inside, words in zip(sides, held, tokens, strict=True):
        own = [one for one in inside if not all(one in other for other in held)]
        found.append((side, [surface for term, surface in words.items() if term not in shared], own))
    return found

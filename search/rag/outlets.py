"""Outlets that a question names as the teller of something, whether or not the archive has anything of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from search import deadline
from search.ingest.agencies import agency_name
from search.query.named import Disjoint

_ASKING = (
    r"(?!(?:The|A|An|How|What|When|Where|Who|Why|Which|Whether|Did|Does|Do|Has|Have|Had|Is|Are|Was|Were|Can|According"
    r"|Compared?|Contrast|Tell|Show|Find|Give|List|Summari[sz]e|Describe|Explain|Please|In|On|From|By|And|Or|But)\b)"
)
_CAPITAL = rf"{_ASKING}[A-Z\u00c0-\u00de](?:[\w&.\-]*[\w&])?"
_LINK = r"(?:of|on|de|del|della|du|des|la|le|el|the)"
_NAME = rf"(?:[Tt]he )?{_CAPITAL}(?: (?:{_LINK} ){{0,2}}{_CAPITAL}){{0,4}}"
_JOIN = r"(?:,? and |,? or |, | vs\.? | versus )"
_NAMES = re.compile(rf"(?<![\w-]){_NAME}(?:{_JOIN}{_NAME}){{0,4}}")
_FURTHER = re.compile(_JOIN)

# What stands beside a name that surely tells something: only outlets do these things, whatever their name.
_ASKED = re.compile(r"\b(?:did|does|do|has|have|had) $", re.I)
_HOW = re.compile(r"\bhow did $", re.I)
_CLAUSE = re.compile(r"\b(?:how|what|that|whether|which|where|when) $", re.I)
_ADVERBS = r" (?:(?:each|both|also|ever|first|then|actually|have|has|had) ){0,2}"
_TOLD = r"(?:reported|covered|covers|reports|wrote|writes|written|published|printed|publishes|prints)\b"
_TELLS = re.compile(rf"{_ADVERBS}(?:(?:cover|write|publish|print|editoriali[sz]e|report (?:about|on|that))\b|{_TOLD})")
_REPORT = re.compile(rf"{_ADVERBS}report\b")
_TELLING = re.compile(rf"{_ADVERBS}{_TOLD}")
_THEIRS = re.compile(
    r"['’]s? (?:own |news )?(?:coverage|reporting|articles?|headlines?|editorials?|editorial line|front pages?"
    r"|newspapers?)\b"
)
_OF_BOTH = re.compile(r" (?:news )?(?:coverage|reporting|reports)\b")

# Beside one that says something, as people do too: it counts if it is known as an outlet, or called like one.
_BEFORE = re.compile(
    r"\b(?:did|does|do|has|have|had|how|what|that|whether|why|according to|(?:published|written|printed|quoted|carried"
    r"|covered) (?:by|in)|(?:report|coverage|article|stor(?:y|ie)|piece|column|editorial|headline|interview|account"
    r"|new)(?:s|ed)? (?:by|in|from|of)|tells?|told|compar\w+|and|or|with|to|against|versus|vs\.?)"
    r" (?:how |what |that of |by |in )?$|, $",
    re.I,
)
_BY = re.compile(r"\b(?:in|by|from) $")
_POSSESSIVE = re.compile(r"['’]s? \w")
_WINDOW = 60  # characters beside a name that are looked at

# A newspaper by its last word, or by the first before "of" and "on"; the others may be much else ("Royal Mail").
_PAPERS = (
    r"(?:Times|Tribune|Herald|Gazette|Chronicle|Telegraph|Guardian|Courier|Post|Journal|Examiner|Inquirer|Zeitung)"
)
_PAPER = re.compile(
    rf"(?<![\w-])(?:[Tt]he )?(?:Times|Mail|Voice) (?:of|on) {_CAPITAL}"
    rf"|(?<![\w-])(?:[Tt]he )?(?:{_CAPITAL} ){{1,4}}{_PAPERS}(?![\w-])"
)
_CALLED = re.compile(
    rf"{_PAPERS}|(?:Daily|Weekly|Evening|Morning|Sunday) \w+|.* (?:{_PAPERS[3:-1]}|News|Daily|Weekly|Magazine|Observer"
    r"|Mail|Express|Mirror|Star|Standard|Dispatch|Bulletin|Echo|Press|Review|Record|Register|Argus|Ledger|Sentinel"
    r"|Mercury|Monitor|Broadcasting|Newswire|Today|Radio|TV|Television|Shimbun|Tageblatt|Rundschau|Diario)"
)
_ADDRESS = re.compile(r"(?<![\w@./-])(?:[a-z0-9-]+\.)+(?:com|org|net|news|tv|co\.[a-z]{2}|com\.[a-z]{2})(?![\w-]|\.\w)")
_LISTED = """
" ABC News, Al Arabiya, Al Jazeera, Ars Technica, Axios, BBC, BBC News, Bild, Breitbart, BuzzFeed, BuzzFeed News, CBC,
CBS, CBS News, CGTN, Channel 4, CNBC, CNN, C-SPAN, Corriere della Sera, Dawn, Der Spiegel, Deutsche Welle, Die Welt,
Die Zeit, DW, El Mundo, El País, El Pais, Financial Times, Folha de S.Paulo, Forbes, Fortune, Fox, Fox News, France
24, FT, Globo, Haaretz, Handelsblatt, HuffPost, ITV, ITV News, La Repubblica, La Stampa, Le Figaro, Le Monde,
Libération, MSNBC, NBC, NBC News, NDTV, Newsweek, NHK, NPR, NYT, PBS, Politico, ProPublica, RT, RTÉ, Sky, Sky News,
Slate, Spiegel, Süddeutsche Zeitung, Telegraph, The Atlantic, The Conversation, The Economist, The Hill, The Hindu,
The Independent, The Intercept, The Mail, The Mirror, The New Yorker, The Observer, The Standard, The Star, The Sun,
The Verge, The Wire, USA Today, Vice, Vox, WSJ
"""
_KNOWN = frozenset(" ".join(name.split()) for name in _LISTED.split(","))
_LONGEST = 2_000  # characters of a question


def outlets(question: str) -> list[str]:
    """The outlets that a question names, in its order and as it writes them: names that surely tell something
    ("how did Der Abend cover it"), known outlets and agencies, and what is called like a newspaper, where a saying is
    attributed to it; newspapers of several words ("the Selwyn Post") and web addresses wherever they stand. A text of
    more than 2,000 characters is no question, and names none."""
    if len(question) > _LONGEST:
        return []
    places: list[tuple[int, int]] = []
    for pattern in (_PAPER, _ADDRESS):
        places += [match.span() for match in pattern.finditer(question)]
    for match in _NAMES.finditer(question):
        deadline.check()
        before = question[max(0, match.start() - _WINDOW) : match.start()]
        after = question[match.end() : match.end() + _WINDOW]
        each = list(_each(question, *match.span()))
        if _surely_tells(before, after, len(each)):
            places += each
        elif _says(before, after, match[0], len(each)):
            places += [(start, end) for start, end in each if _is_outlet(question[start:end])]
    taken = Disjoint()
    widest = sorted(dict.fromkeys(places), key=lambda place: (place[0] - place[1], place[0]))
    return [question[start:end] for start, end in sorted(place for place in widest if taken.take(*place))]


def _each(question: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The places of names that are joined."""
    bounds = [start]
    for match in _FURTHER.finditer(question, start, end):
        bounds += [match.start(), match.end()]
    bounds.append(end)
    yield from list(pairwise(bounds))[::2]


def _surely_tells(before: str, after: str, names: int) -> bool:
    return bool(
        (_ASKED.search(before) and _TELLS.match(after))
        or (_HOW.search(before) and _REPORT.match(after))
        or (_CLAUSE.search(before) and _TELLING.match(after))
        or _THEIRS.match(after)
        or (names > 1 and _OF_BOTH.match(after))
    )


def _says(before: str, after: str, names: str, count: int) -> bool:
    return bool(
        _BEFORE.search(before)
        or _POSSESSIVE.match(after)
        or count > 1
        or (names[:4] in ("the ", "The ") and _BY.search(before))
    )


def _is_outlet(name: str) -> bool:
    bare = name[4:] if name[:4] in ("the ", "The ") else name
    return (
        bool({name, bare, f"The {bare}"} & _KNOWN)
        or agency_name(bare) is not None
        or (_CALLED.fullmatch(bare) is not None and bare != name)
        or (" " in bare and _CALLED.fullmatch(bare) is not None)
    )


def absent(question: str, known: Iterable[str]) -> list[str]:
    """Those of the outlets that go by none of the names ``known``, nor by a part of one, each once."""
    names = {_folded(name) for name in known}
    left: dict[str, str] = {}
    for outlet in outlets(question):
        bare = _folded(outlet)
        if bare not in names and not any(f" {bare} " in f" {name} " for name in names):
            left.setdefault(bare, outlet)
    return list(left.values())


def _folded(name: str) -> str:
    words = re.findall(r"\w+", name.casefold())
    return " ".join(words[1:] if words[:1] == ["the"] and len(words) > 1 else words)

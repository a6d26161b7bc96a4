"""A labelled set for stories: articles, what was made of them, and what only looks like a copy.

Copies are made of real articles by the changes that texts of agencies undergo. Look-alikes are of two kinds: real
articles that report the same (by the words of their titles, within three days, of two outlets; none of them is a copy,
each pair was read), and series as papers print them, written here: forecasts, markets, results, obituaries, lotteries,
court lists, columns with one footer, reports of one event with the same quotation.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

from search import Article

Change = Callable[[Article, Article, random.Random], Article]


class Labelled(NamedTuple):
    """An article, the story that it is of, and how it came to be: "original", a kind of change, or a series."""

    article: Article
    story: str
    kind: str


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a text; of one without any, its sentences by twos."""
    found = [one.strip() for one in re.split(r"\n\s*\n|\n", text) if one.strip()]
    if len(found) >= 4:
        return found
    sentences = re.split(r"(?<=[.!?”\"]) +", " ".join(found))
    return [" ".join(sentences[at : at + 2]) for at in range(0, len(sentences), 2)]


def joined(some: Sequence[str]) -> str:
    return "\n\n".join(some)


def words_of(some: Sequence[str]) -> int:
    return sum(len(one.split()) for one in some)


# What becomes of a text


def reprinted(article: Article, other: Article, random: random.Random) -> Article:
    """As it stands, but for marks: quotation marks and dashes of another house, other line ends."""
    text = article.text.translate({0x201C: '"', 0x201D: '"', 0x2018: "'", 0x2019: "'", 0x2014: "--"})
    return replace(article, text=re.sub(r"\n\s*\n", "\n", text))


def headlined(article: Article, other: Article, random: random.Random) -> Article:
    """A new headline, a dateline and an agency's line."""
    first = article.text.split(".")[0].split()
    place = random.choice(["WASHINGTON", "LONDON", "NEW YORK"])
    text = f"{place} (Lanternwire) - {article.text}\n\n(Reporting by Ada Crane; editing by Joss Hale)"
    return replace(article, title=" ".join(reversed(first[:7])), text=text)


def cut(article: Article, other: Article, random: random.Random) -> Article:
    """Between a third and two thirds of it: the end is gone, and a paragraph here and there."""
    some = paragraphs(article.text)
    most = words_of(some) * random.uniform(0.35, 0.7)
    kept = some[:1]
    for one in some[1:]:
        if words_of(kept) >= most:
            break
        if random.random() > 0.15:
            kept.append(one)
    return replace(article, text=joined(kept))


def brief(article: Article, other: Article, random: random.Random) -> Article:
    """The first fifth, or eighty words."""
    kept: list[str] = []
    some = paragraphs(article.text)
    while some and words_of(kept) < max(80, 0.2 * len(article.text.split())):
        kept.append(some.pop(0))
    return replace(article, text=joined(kept))


def spliced(article: Article, other: Article, random: random.Random) -> Article:
    """With paragraphs of the outlet's own, a quarter to a half of the whole, between its own or at the end."""
    some, more = paragraphs(article.text), paragraphs(other.text)
    wanted = words_of(some) * random.uniform(0.3, 0.9)
    own: list[str] = []
    while more and words_of(own) < wanted:
        own.append(more.pop(0))
    if random.random() < 0.5:
        return replace(article, title=other.title, text=joined([*some, *own]))
    for one in own:
        some.insert(random.randrange(1, len(some) + 1), one)
    return replace(article, text=joined(some))


def scanned(article: Article, other: Article, random: random.Random) -> Article:
    """As a scanner reads it: in one word of twelve a letter is another, or lost; line ends cut words."""
    wrong = {"e": "c", "m": "rn", "l": "1", "h": "b", "o": "0", "s": "5", "i": "l", "u": "n", "t": "f", "r": ""}
    found = []
    for word in re.split(r"(\s+)", article.text):
        if word.strip() and random.random() < 1 / 12:
            at = random.randrange(len(word))
            word = word[:at] + wrong.get(word[at], random.choice("~.,*")) + word[at + 1 :]
        if len(word) > 7 and random.random() < 0.02:
            word = f"{word[:4]}-\n{word[4:]}"
        found.append(word)
    return replace(article, text="".join(found))


_PLAIN = {
    "said": "stated", "but": "however", "also": "too", "about": "around", "many": "numerous", "big": "large",
    "more": "further", "because": "since", "after": "following", "before": "ahead of", "people": "residents",
    "told": "informed", "new": "recent", "while": "as", "help": "assist", "use": "employ", "get": "obtain",
}  # fmt: skip


def edited(article: Article, other: Article, random: random.Random) -> Article:
    """A word of twenty is another or left out, some sentences are shortened."""
    found = []
    for word in re.split(r"(\s+)", article.text):
        swap = _PLAIN.get(word)
        if swap is not None and random.random() < 0.5:
            word = swap
        elif word.strip() and random.random() < 0.03:
            word = ""
        found.append(word)
    sentences = re.split(r"(?<=[.!?]) ", "".join(found))
    return replace(article, text=" ".join(one for one in sentences if random.random() > 0.08))


def updated(article: Article, other: Article, random: random.Random) -> Article:
    """A later version: another first paragraph, other numbers, some paragraphs new and some gone."""
    some, more = paragraphs(article.text), paragraphs(other.text)
    text = [f"Officials gave new details on {random.choice(['Monday', 'Friday'])} of what follows.", *some[1:]]
    text = [one for one in text if random.random() > 0.15]
    for one in more[: max(1, len(some) // 5)]:
        text.insert(random.randrange(1, len(text) + 1), one)
    changed = [
        re.sub(r"\b\d{1,3}\b", lambda found: str(int(found[0]) + 3) if random.random() < 0.3 else found[0], one)
        for one in text
    ]
    return replace(article, title=f"UPDATE 1-{article.title}", text=joined(changed), url=article.url)


CHANGES: dict[str, Change] = {
    "reprinted": reprinted,
    "headlined": headlined,
    "cut": cut,
    "brief": brief,
    "spliced": spliced,
    "scanned": scanned,
    "edited": edited,
    "updated": updated,
}
TWICE = [("headlined", "cut"), ("cut", "spliced"), ("edited", "cut"), ("scanned", "headlined")]


def copies(article: Article, other: Article, kinds: Sequence[str], random: random.Random) -> list[Labelled]:
    """An article and copies of it by some kinds of change."""
    found = [Labelled(article, article.id, "original")]
    for number, kind in enumerate(kinds):
        made = article
        for one in kind.split("+"):
            made = CHANGES[one](made, other, random)
        day = article.published
        if day is not None:
            day = day + timedelta(days=random.randrange(0, 4))
        source = article.source if kind == "updated" else f"The {random.choice(_TOWNS)} {random.choice(_PAPERS)}"
        made = replace(made, id=f"{article.id}-{number}", source=source, published=day)
        found.append(Labelled(made, article.id, kind))
    return found


_TOWNS = ["Harrow", "Selwyn", "Wexcombe", "Larkhill", "Oldmere", "Tarrow"]
_PAPERS = ["Courier", "Herald", "Post", "Gazette", "Tribune"]


# What only looks alike


def _weather(random: random.Random, day: date) -> tuple[str, str]:
    low, high = random.randrange(-3, 12), random.randrange(12, 28)
    sky = random.choice(["cloudy with some sun", "clear", "overcast", "rainy in places", "foggy at first"])
    return f"Weather for {day:%A}", (
        f"The Met Office expects {day:%A} to be {sky} across the region, with temperatures between {low} and {high} "
        f"degrees Celsius. Winds of {random.randrange(5, 60)} kilometres an hour will come from the "
        f"{random.choice(['north', 'south', 'east', 'west'])}. The sun rises at {random.randrange(5, 8)}:"
        f"{random.randrange(10, 60)} and sets at {random.randrange(16, 21)}:{random.randrange(10, 60)}. The chance of "
        f"rain is {random.randrange(0, 100)} per cent. Humidity will be near {random.randrange(30, 100)} per cent. "
        "Readers can find the forecast for their town, warnings for farmers and sailors, and the levels of rivers on "
        "the service page of this paper. The pollen count is published from March to September."
    )


def _market(random: random.Random, day: date) -> tuple[str, str]:
    def share() -> str:
        return f"{random.uniform(0, 4):.2f} per cent to {random.uniform(10, 9000):,.2f}"

    moved = random.choice(["rose", "fell", "ended little changed", "dropped", "gained"])
    names = random.sample(["Arden Steel", "Meridon", "Corvane Bank", "Lowell Air", "Pell Foods", "Orrin Oil"], 3)
    return f"Stocks {moved} at the close on {day:%A}", (
        f"Shares {moved} on {day:%A}, the exchange said. The leading index moved {share()} points. The index of "
        f"smaller companies moved {share()} points. Among the most active were {names[0]}, which moved {share()}, "
        f"{names[1]}, which moved {share()}, and {names[2]}, which moved {share()}. Volume on the exchange was "
        f"{random.uniform(1, 9):.2f} billion shares, compared with the {random.uniform(1, 9):.2f} billion average for "
        f"the full session over the last 20 trading days. Advancing issues outnumbered declining ones on the exchange "
        f"by a {random.uniform(1, 4):.2f}-to-1 ratio. The index posted {random.randrange(1, 90)} new 52-week highs and "
        f"{random.randrange(1, 90)} new lows. The yield of the ten-year bond was {random.uniform(0, 5):.3f} per cent. "
        "The dollar was quoted in late trading by the banks of the capital. Prices are delayed by 15 minutes."
    )


def _results(random: random.Random, day: date) -> tuple[str, str]:
    teams = ["Rovers", "Selwyn Town", "Harrow United", "Oldmere", "Tarrow City", "Larkhill", "Wexcombe", "Athletic"]
    random.shuffle(teams)
    lines = [
        f"{one} {random.randrange(5)} {other} {random.randrange(5)}, attendance {random.randrange(900, 30000):,}."
        for one, other in zip(teams[::2], teams[1::2], strict=True)
    ]
    return f"League results, {day:%d %B}", (
        f"Results of the Northern League on {day:%A}. " + " ".join(lines) + " The league table, fixtures of the coming "
        "week and the suspensions of the disciplinary committee are printed on page 22. Kick-off is at 3 pm unless the "
        "list says otherwise. Results are those reported to the league by 6 pm and may be corrected by its office."
    )


def _obituary(random: random.Random, day: date) -> tuple[str, str]:
    first = random.choice(["Harold", "Edith", "Maurice", "Ivy", "Stanley", "Winifred", "Cecil", "Olive"])
    last = random.choice(["Pemble", "Askew", "Thorne", "Garrity", "Lowther", "Vance", "Birtle", "Quill", "Mabey"])
    job = random.choice(["teacher", "postman", "nurse", "bus driver", "lock keeper", "tailor"])
    return f"{first} {last}", (
        f"{first} {last}, {random.randrange(66, 101)}, of {random.choice(_TOWNS)}, passed away peacefully at home on "
        f"{day:%A}, {day:%d %B}, surrounded by family. Born in {random.choice(_TOWNS)} in "
        f"{random.randrange(1920, 1955)}, {first} worked for {random.randrange(11, 45)} years as a {job} and was a "
        f"member of the parish choir. {first} is survived by {random.randrange(1, 5)} children and "
        f"{random.randrange(2, 14)} grandchildren. A memorial service will be held at {random.randrange(9, 16)} am on "
        "Saturday at the parish church. In lieu of flowers the family asks for donations to the hospice. "
        "Arrangements are in the care of the funeral home. To leave a message for the family, visit the book of "
        "condolence of this newspaper."
    )


def _lottery(random: random.Random, day: date) -> tuple[str, str]:
    drawn = ", ".join(str(one) for one in sorted(random.sample(range(1, 50), 6)))
    return f"Lottery numbers, {day:%A}", (
        f"These numbers were drawn in the state lottery on {day:%A}: {drawn}; bonus number {random.randrange(1, 50)}. "
        f"The jackpot stands at {random.randrange(1, 90)}.{random.randrange(10)} million. "
        f"{random.randrange(0, 4)} tickets had all six numbers and {random.randrange(5, 60)} had five. All numbers are "
        "without guarantee. Prizes must be claimed within 180 days of the drawing at an office of the lottery. "
        "Playing can be addictive; help is to be had at any hour under the number printed on each ticket."
    )


def _court(random: random.Random, day: date) -> tuple[str, str]:
    cases = []
    for _ in range(4):
        name = f"{random.choice(['Ian', 'Karl', 'Joan', 'Tess', 'Rhys'])} {random.choice(['Dale', 'Crook', 'Finn'])}"
        offence = random.choice(["speeding", "theft from a shop", "driving without insurance", "criminal damage"])
        cases.append(
            f"{name}, {random.randrange(18, 80)}, of {random.choice(_TOWNS)}, admitted {offence} on "
            f"{random.randrange(1, 28)} {random.choice(['May', 'June', 'July'])}. Fined {random.randrange(60, 900)} "
            f"pounds and ordered to pay costs of {random.randrange(60, 300)} pounds."
        )
    return f"Before the magistrates, {day:%d %B}", (
        "The following cases were heard by the magistrates of the district. " + " ".join(cases) + " The list is given "
        "to the press by the court. Anonymity is granted by the bench alone, and no request for it can be met by us."
    )


_FOOTER = (
    "Marta Quillon is the author of four books on gardens and writes here every week. Her column is syndicated to "
    "forty papers. Write to her at the address of this paper, with a stamped envelope, and she will answer what she "
    "can; letters may be shortened and printed. Sign up for her newsletter and never miss a column. All rights "
    "reserved."
)
_SUBJECTS = ["roses", "hedges", "compost", "bulbs", "tomatoes", "lawns", "frost", "herons", "apples", "moss"]
_ADVICE = [
    "I have never met a {0} that did not teach me patience.", "My neighbour swears by old {0}, and so do I by now.",
    "There are three mistakes with {0}, and I have made all of them.", "The first rule of {0} is to do less.",
    "Nobody who writes to me about {0} has read the packet.", "In a wet year {0} will look after themselves.",
    "My grandmother kept {0} and a diary, and the diary was the better.", "Buy {0} late and cheap.",
    "What the books say of {0} was written in another climate.", "A frost in May is the end of {0}, so they say.",
    "You will want gloves for {0}, and a good knife.", "The slugs had the {0} by Tuesday.",
]  # fmt: skip


def _column(random: random.Random, day: date) -> tuple[str, str]:
    subject = _SUBJECTS[day.toordinal() // 7 % len(_SUBJECTS)]
    advice = " ".join(one.format(subject) for one in random.sample(_ADVICE, 5))
    return f"In the garden: {subject}", f"{advice}\n\n{_FOOTER}"


_QUOTE = (
    "“We have listened to the families, we have listened to the engineers, and we have come to the view that the "
    "bridge cannot be saved in the form in which it stands. I know what that means to this town. I crossed it to go to "
    "school, as my mother did. But I will not ask anybody to drive over a thing that I would not drive over myself,” "
    "he said."
)
_REPORTS = [
    "The mayor announced on Thursday that the old bridge will be pulled down in spring. {q} A new one is to be built "
    "with money of the county, and the ferry will run until then. Shopkeepers on the quay fear for their trade.",
    "Harrow’s iron bridge is to go, after all. Speaking to a packed hall, the mayor said that repairs would cost twice "
    "what was thought. {q} Two councillors left the hall in protest, and the vote was put off until the new year.",
    "Engineers found cracks in eleven girders, a report shows that was published yesterday. The mayor drew the "
    "consequence within hours. {q} The society of friends of the bridge wants to go to court.",
    "It was the evening that nobody in Harrow wanted. {q} Then the lights went on, and a woman of ninety rose and "
    "recited the names of the men who had built it. People wept. Outside, the river was high.",
]


def _report(random: random.Random, day: date) -> tuple[str, str]:
    return "Bridge to be pulled down", _REPORTS[day.toordinal() % len(_REPORTS)].format(q=_QUOTE)


SERIES: dict[str, Callable[[random.Random, date], tuple[str, str]]] = {
    "weather": _weather,
    "market": _market,
    "results": _results,
    "obituary": _obituary,
    "lottery": _lottery,
    "court": _court,
    "column": _column,
    "report": _report,
}


def series(issues: int, random: random.Random) -> list[Labelled]:
    """Some issues of each series, days apart (a column weeks, reports of one event some four)."""
    found = []
    for kind, make in SERIES.items():
        count = len(_REPORTS) if kind == "report" else len(_SUBJECTS) if kind == "column" else issues
        for number in range(count):
            day = date(2024, 3, 4) + timedelta(days=number * (7 if kind == "column" else 1))
            title, text = make(random, day)
            one = Article(id=f"{kind}-{number}", title=title, text=text, published=day, source="The Harrow Courier")
            found.append(Labelled(one, one.id, kind))
    return found


def alike(articles: Sequence[Article]) -> list[tuple[Article, Article]]:
    """Real articles of two outlets within three days whose titles share most of their words."""
    by_word: dict[str, list[int]] = {}
    titles = [frozenset(re.findall(r"[a-z]{3,}", article.title.lower())) for article in articles]
    for place, title in enumerate(titles):
        for word in title:
            by_word.setdefault(word, []).append(place)
    found = []
    for place, title in enumerate(titles):
        shared: dict[int, int] = {}
        for word in title:
            for other in by_word[word] if len(by_word[word]) < 400 else ():
                if other > place:
                    shared[other] = shared.get(other, 0) + 1
        for other, count in shared.items():
            union = len(title | titles[other])
            one, two = articles[place], articles[other]
            if count >= 4 and count >= 0.4 * union and one.source != two.source and _days(one, two) <= 3:
                found.append((one, two))
    return found


def _days(one: Article, other: Article) -> int:
    days = [
        one.published.date() if isinstance(one.published, datetime) else one.published
        for one in (one, other)
        if one.published is not None
    ]
    return abs((days[0] - days[1]).days) if len(days) == 2 else 1000

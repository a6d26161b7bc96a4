"""The page that ``broadsheet help query`` prints. Its examples are searches of the sample archive."""

from __future__ import annotations

# What to type, and what it finds. A test runs every one.
EXAMPLES: tuple[tuple[str, str], ...] = (
    ("ceasefire hostages", "articles ranked by these words and by their meaning"),
    ("why does the Corran Dam leak?", "a plain question works too"),
    ('"supreme court"', "a phrase: these words, side by side"),
    ("+bishop +crane", "both words must be there"),
    ("dam -Corran", "Corran must not be there"),
    ("(pension OR savers) AND (fine OR penalty)", "AND, OR, NOT in capitals; parentheses"),
    ("ceasefire w/5 breach", "at most 5 words apart, in any order"),
    ("melon pre/4 merchant", "at most 4 words apart, in this order"),
    ("mayor w/s bribe", "in the same sentence"),
    ("dinner w/p vinegar", "in the same paragraph"),
    ("atleast3(Halloran)", "three times or more in the article"),
    ("volcan*", "any ending; * stands for any letters"),
    ("wom?n", "? stands for one letter"),
    ("benhada~", "one letter may differ; benhada~2: two"),
    ("exact:Polish", "the letters as written, capitals too"),
    ("title:(dam OR reservoir)", "words of the title"),
    ('by:"Nell Garrity"', "an author, or an agency"),
    ("source:Ledger section:Technology", "part of a name is enough"),
    ('source:="Port Selwyn Advertiser"', "the whole name and no other"),
    ("exchange date:2025-01 -Harrowmouth", "published in January 2025"),
    ("date:2024-12-24..2025-01-04", "first and last day included"),
    ("since:2024-09 before:2024-10-01", "on 1 September or later, earlier than 1 October"),
    ("date:none", "articles without a date"),
    ("length:>800", "more than 800 words"),
)

_TOP = """\
How to write a query

Words alone are free text: they rank the articles, any of them may be there, and their meaning counts as well as
their letters. Everything else below is a condition that every hit must meet.

"""

_REST = """
Fields
  title: caption: text:                     words of that part of the article
  source: by: section: agency: dateline:    names; part of the name is enough; by: looks at authors and agencies
  lang: id:                                 language code; article id
  in:                                       a collection (broadsheet help collections)
  date: on: since: until: before: after:    dates (below)
  length:                                   number of words: >800, <=300, 300..800
  The value follows directly after the colon. Quote what has spaces, group with parentheses:
  title:(strike OR walkout), source:(BBC OR "The Hindu"). Words in fields do not rank.

Dates
  2025   2025-02   2025-02-26   20250226   Q1-2025   "26 Feb 2025"   2025-02-26T10:00Z (a minute; no zone is UTC)
  today   yesterday   monday   7d 2w 3m 1y 6h (so long ago)   "last week"   "this month"   "last 10 days"
  date:none is what has no date.
  date:A..B includes both ends, and one may be left out: date:2025.. ; date:7d is the last seven days
  since: and until: include the date; before: and after: do not (after:2025-01-01 starts on 2 January)
  Days are those of the article's own time zone. Weeks run from Monday to Sunday.

Which operator goes first (as in Nexis)
  1. + and - before a word      2. OR      3. w/n and pre/n, smaller n first, equal n from the left
  4. w/s      5. w/p      6. AND      7. AND NOT, NOT
  climate AND tax OR levy means climate AND (tax OR levy).
  NOT leaves out all that follows it: a AND NOT b AND c means a AND NOT (b AND c). Put it last, or write -b.
  An operator takes only its neighbours: supreme court w/5 ruling is court w/5 ruling, with supreme as a free word;
  write "supreme court" w/5 ruling. Between a sign, a field or parentheses, words side by side must all be there.
  (a OR b) w/5 c, (a AND b) w/s c: any of them may have parentheses. n goes up to 255.

Also understood
  W/5  PRE/3  ATLEAST3(x)  HEADLINE(x)  BYLINE(x)  SECTION(x)  near/5  onear/5  w/sent  w/para   intitle:x  author:x

Good to know
  Words match in all their endings: hostage finds hostages. Quotes do too; exact: does not.
  volcan*, benhada~ and exact:Polish rank as one word each, of all that they stand for; of a misspelling the nearer
  words count more. One that stands for more than 2,000 different words is refused.
  "word!" among free words is just a word with an exclamation mark; elsewhere it is word*.
  A backslash takes the meaning away: \\-5, \\AND, title\\:x. --literal does so for the whole query.
  --explain-query says in words how a query was read.
"""


def help_text() -> str:
    """The help page: forms with an example each, dates, precedence."""
    width = max(len(query) for query, _ in EXAMPLES)
    lines = [f"  {query:<{width}}  {meaning}\n" for query, meaning in EXAMPLES]
    return _TOP + "".join(lines) + _REST

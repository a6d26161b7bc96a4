"""Which encoding bytes are in, where nothing says so."""

from __future__ import annotations

import codecs
import re
from collections import Counter

SAMPLE = 1 << 16
BEFORE = 1 << 12  # bytes of the sample before the first that is not ASCII

HIGH = re.compile(rb"[\x80-\xff]")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Encodings that news was published in. DOS and Macintosh code pages would win short samples for no good reason,
# and so would other scripts in a text that is mostly ASCII.
_LATIN = ("cp1252", "cp1250", "cp1254", "iso8859_2")
_OTHER_SCRIPTS = (
    "cp1251", "koi8_r", "iso8859_5", "cp1253", "iso8859_7", "cp1255", "cp1256",
    "cp932", "euc_jp", "gb18030", "big5", "euc_kr",
)  # fmt: skip
_OTHER_SCRIPTS_SHARE = 0.1  # of high bytes among all
_OTHER_SCRIPTS_BYTES = 6
# Letters beyond a to z, by language; neighbours that use the same ones stand for each other.
_ALPHABETS = tuple(
    frozenset(letters)
    for letters in (
        "àâæçéèêëîïôœùûüÿ", "äöüß", "áéíñóúü", "áâãàçéêíóôõúü", "àèéìíîòóùú", "åäöæøé", "áðéíóúýþæö", "àçèéíïòóúü",
        "äöõüšž", "ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "ăâîşţ", "čćđšž", "çğıİöşüâîû",
    )
)  # fmt: skip
_NEUTRAL = frozenset("“”‘’‚„–—…•€£©®°«»¿¡·§´¨\u00a0\u00ad")
_PRIOR = 0.05  # by so much must another Latin encoding read better than the commonest


def byte_order_mark(head: bytes) -> tuple[int, str | None]:
    """Length of the byte order mark at the start of ``head``, and the encoding that it names."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return len(mark), encoding
    return 0, None


def detect(data: bytes, *, final: bool = True) -> str:
    """The encoding of ``data``, which has no byte order mark: UTF-8 if most of its high bytes are. Else other scripts
    than Latin are told by charset-normalizer, and Latin code pages by whose letters make up one language's.
    ``final``: nothing comes after ``data``."""
    found = HIGH.search(data)
    start = max(0, found.start() - BEFORE) if found else 0
    sample = data[start : start + SAMPLE]
    final = final and start + len(sample) == len(data)  # a character cut at the end of a sample is no fault
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(sample, final)
    broken = text.count("\ufffd") - sample.count(b"\xef\xbf\xbd")
    sound = sum(not c.isascii() for c in text) - broken
    if broken == 0 or sound > broken:
        return "utf-8"
    high = len(HIGH.findall(sample))
    if high >= max(_OTHER_SCRIPTS_BYTES, _OTHER_SCRIPTS_SHARE * len(sample)):
        from charset_normalizer import from_bytes

        best = from_bytes(sample, cp_isolation=[*_LATIN, *_OTHER_SCRIPTS]).best()
        if best is not None and best.encoding in _OTHER_SCRIPTS:
            return best.encoding
    commonest, *others = _LATIN
    limit = _fit(sample, commonest) + _PRIOR
    fits = {encoding: fit for encoding in others if (fit := _fit(sample, encoding)) > limit}
    return max(fits, key=lambda encoding: fits[encoding], default=commonest)


def _fit(sample: bytes, encoding: str) -> float:
    """The largest share of the high characters that are letters of one language, 0 to 1."""
    text = sample.decode(encoding, "replace")
    counts = Counter(c for c in text if not c.isascii() and c not in _NEUTRAL)
    total = counts.total()
    if not total:
        return 1.0
    at_home = (
        sum(count for c, count in counts.items() if c in letters or c.lower() in letters) for letters in _ALPHABETS
    )
    return max(at_home) / total

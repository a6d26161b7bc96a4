"""Which encoding bytes are in, where nothing says so."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from itertools import islice

SAMPLE = 1 << 16
BEFORE = 1 << 12  # bytes of the sample before the first that is not ASCII

HIGH = re.compile(rb"[\x80-\xff]")
_BEYOND = re.compile(r"[^\x00-\x7f]")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Encodings that news was published in, the commonest first: of Windows, then of DOS and the Macintosh, which must read
# clearly better, for in short samples they would win for no good reason.
_LATIN = ("cp1252", "cp1250", "cp1254", "cp1257", "iso8859_2")
_OLD = ("mac_roman", "cp850", "cp437", "cp852", "cp775", "mac_latin2", "mac_turkish")
_OTHER_SCRIPTS = (
    "cp1251", "koi8_r", "iso8859_5", "cp1253", "iso8859_7", "cp1255", "cp1256",
    "cp866", "mac_cyrillic", "cp874", "cp932", "euc_jp", "gb18030", "big5", "euc_kr",
)  # fmt: skip
_CYRILLIC = ("cp1251", "koi8_r", "iso8859_5", "cp866", "mac_cyrillic")
_CYRILLIC_LETTERS = frozenset("абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґў")
_SURELY_LATIN = 0.9  # so good a fit needs no other script,
_MOSTLY_OTHER = 0.3  # unless so many bytes are beyond ASCII
_OTHER_SCRIPTS_SHARE = 0.1  # of high bytes among all
_OTHER_SCRIPTS_BYTES = 6
# Letters beyond a to z, by language; neighbours that use the same ones stand for each other.
_ALPHABETS = tuple(
    frozenset(letters)
    for letters in (
        "àâæçéèêëîïôœùûüÿ", "äöüß", "áéíñóúü", "áâãàçéêíóôõúü", "àèéìíîòóùú", "åäöæøé", "áðéíóúýþæö", "àçèéíïòóúü",
        "äöõüšž", "ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "ăâîşţ", "čćđšž", "çğıİöşü",
        "ąčęėįšųūž", "āčēģīķļņšūž",
    )
)  # fmt: skip
_NEUTRAL = frozenset("“”‘’‚„–—…•€£©®°«»¿¡·§´¨\u00a0\u00ad")
_PRIOR = 0.05  # by so much must another Latin encoding read better than the commonest
_OLD_PRIOR = 0.15  # and by so much one of DOS or the Macintosh
_LOOKED_AT = 2000  # characters beyond ASCII


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
    return legacy(not_utf8(sample))


def not_utf8(sample: bytes) -> bytes:
    """The lines of a sample without those that only UTF-8 explains, which say nothing of the encoding of the others."""
    return b"".join(line for line in sample.splitlines(keepends=True) if line.isascii() or not is_utf8(line))


def is_utf8(line: bytes) -> bool:
    """Whether a line is UTF-8."""
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def legacy(sample: bytes) -> str:
    """The encoding of bytes that are not UTF-8."""
    high = len(HIGH.findall(sample))
    latin, fit = _latin(sample)
    several = high >= max(_OTHER_SCRIPTS_BYTES, _OTHER_SCRIPTS_SHARE * len(sample))
    if several and (fit < _SURELY_LATIN or high > _MOSTLY_OTHER * len(sample)):
        from charset_normalizer import from_bytes

        best = from_bytes(sample, cp_isolation=[*_LATIN, *_OTHER_SCRIPTS]).best()
        if best is not None and best.encoding in _CYRILLIC:
            return max(_CYRILLIC, key=lambda encoding: _share(sample, encoding, _CYRILLIC_LETTERS))
        if best is not None and best.encoding in ("euc_kr", "gb18030", "big5") and _is_euc_jp(sample):
            return "euc_jp"
        if best is not None and best.encoding in _OTHER_SCRIPTS:
            return best.encoding
    return latin


def _is_euc_jp(sample: bytes) -> bool:
    """Whether bytes are Japanese in EUC: all of it can be read so, and much is hiragana, whose first byte stands for
    single Korean letters, which no text has, in the encoding that is most like it."""
    try:
        text = sample.decode("euc_jp", "strict")
    except UnicodeDecodeError as error:
        if error.start < len(sample) - 2:
            return False
        text = sample[: error.start].decode("euc_jp")
    beyond = [character for character in text if not character.isascii()]
    return 5 * sum("\u3040" <= character <= "\u309f" for character in beyond) > len(beyond)


def _latin(sample: bytes) -> tuple[str, float]:
    """The encoding of a Latin script that reads best, and how well, 0 to 1."""
    commonest, *others = _LATIN
    fit = _fit(sample, commonest)
    fits = {encoding: better for encoding in others if (better := _fit(sample, encoding)) > fit + _PRIOR}
    limit = max(fits.values(), default=fit) + _OLD_PRIOR
    if limit < 1:
        fits |= {encoding: better for encoding in _OLD if (better := _fit(sample, encoding)) > limit}
    best = max(fits, key=lambda encoding: fits[encoding], default=commonest)
    return best, fits.get(best, fit)


def is_latin(encoding: str) -> bool:
    """Whether an encoding has a byte for each letter, so that what is UTF-8 among its lines is no accident."""
    return encoding in _LATIN or encoding in _OLD


def _fit(sample: bytes, encoding: str) -> float:
    """The largest share of the characters beyond ASCII that are letters of one language where letters are written, 0
    to 1. Punctuation where punctuation stands does not count."""
    counts, total = _letters(sample, encoding)
    if not total:
        return 1.0
    at_home = (
        sum(count for c, count in counts.items() if c in letters or c.lower() in letters) for letters in _ALPHABETS
    )
    return max(at_home) / total


def _share(sample: bytes, encoding: str, alphabet: frozenset[str]) -> float:
    counts, total = _letters(sample, encoding)
    return sum(count for c, count in counts.items() if c.lower() in alphabet) / total if total else 1.0


def _letters(sample: bytes, encoding: str) -> tuple[Counter[str], int]:
    """The letters beyond ASCII that stand where letters do, and how many characters there are that are no punctuation
    in its place."""
    text = sample.decode(encoding, "replace")
    counts: Counter[str] = Counter()
    total = 0
    for found in islice(_BEYOND.finditer(text), _LOOKED_AT):
        character = found[0]
        before, after = text[max(0, found.start() - 1) : found.start()], text[found.end() : found.end() + 1]
        if character in _NEUTRAL:
            total += not _in_place(character, before, after)
            continue
        total += 1
        # "CafŽ", "MŸller": a capital among small letters is a letter of another encoding.
        if not (character.isupper() and before.isalpha() and (before.islower() or after.islower())):
            counts[character] += 1
    return counts, total


def _in_place(mark: str, before: str, after: str) -> bool:
    """Whether a mark of punctuation may stand between two characters."""
    if mark in "‚„¿¡©":
        return not before.isalpha()
    if mark in "“”‘•€£®°«»§¨":
        return not (before.isalpha() and after.isalpha())
    return True

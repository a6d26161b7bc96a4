"""Bytes that are nearly XML, put right before a parser sees them: bare ampersands, signs of "less than", names of
letters that only HTML has, control characters."""

from __future__ import annotations

import re
from html.entities import html5

_BROKEN = re.compile(
    rb"<!\[CDATA\[|<!--|<\?|&(?P<name>[A-Za-z][A-Za-z0-9]{1,31});|&(?!#\d{1,7};|#[xX][0-9a-fA-F]{1,6};)"
    rb"|<(?![A-Za-z_/!?:\x80-\xff])|[\x00-\x08\x0b\x0c\x0e-\x1f]"
)
_ENDS = {b"<![CDATA[": b"]]>", b"<!--": b"-->", b"<?": b"?>"}
_PREDEFINED = frozenset((b"amp", b"lt", b"gt", b"quot", b"apos"))
_WIDEST = 40  # bytes that may begin something that is put right


class Mender:
    """Puts right what makes bytes no XML, as they come in pieces; ``count`` is how often."""

    def __init__(self) -> None:
        self.count = 0
        self._pending = b""
        self._end: bytes | None = None  # of the section (CDATA, a comment) that the bytes are in
        self._begun = False

    def feed(self, chunk: bytes, *, final: bool = False) -> bytes:
        """The next bytes, put right; some are kept back until it is seen how they go on."""
        data = self._pending + chunk
        if not self._begun:
            data = data.removeprefix(b"\xef\xbb\xbf").lstrip()
            self._begun = bool(data)
        out: list[bytes] = []
        place, stop = 0, len(data) if final else len(data) - _WIDEST
        while True:
            if self._end is not None:
                found = data.find(self._end, place)
                if found < 0:
                    upto = len(data) if final else max(place, len(data) - len(self._end))
                    break
                out.append(data[place : found + len(self._end)])
                place, self._end = found + len(self._end), None
            match = _BROKEN.search(data, place)
            if match is None or match.start() >= stop:
                upto = max(place, stop)
                break
            out.append(data[place : match.start()])
            place = match.end()
            self._end = _ENDS.get(match[0])
            right = match[0] if self._end is not None else _right(match)
            self.count += self._end is None and match["name"] not in _PREDEFINED
            out.append(right)
        out.append(data[place:upto])
        self._pending = data[upto:]
        return b"".join(out)


def _right(match: re.Match[bytes]) -> bytes:
    """As numbers of letters: names are lost where a parser has passed over a mistake before, numbers are not."""
    if match["name"] is not None:
        letters = html5.get(match["name"].decode() + ";")
        return b"".join(b"&#%d;" % ord(c) for c in letters) if letters else b"&#38;" + match[0][1:]
    return b"&#38;" if match[0] == b"&" else b"&#60;" if match[0] == b"<" else b" "

"""What bytes are that no format reads, in words: so that markup, mail or an image is never taken for prose."""

from __future__ import annotations

import re

from search.ingest.source import BYTE_ORDER_MARK, OFFICE, Head

_MAGIC = (
    (re.compile(rb"%PDF-"), "a PDF"),
    (re.compile(rb"\x89PNG\r\n"), "a PNG image"),
    (re.compile(rb"\xff\xd8\xff"), "a JPEG image"),
    (re.compile(rb"GIF8[79]a"), "a GIF image"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "a WebP image"),
    (re.compile(rb"II\*\x00|MM\x00\*"), "a TIFF image"),
    (re.compile(rb"PK\x03\x04"), "a ZIP file"),
    (re.compile(rb"\xd0\xcf\x11\xe0"), "an Office document"),
    (re.compile(rb"SQLite format 3\x00"), "an SQLite database"),
    (re.compile(rb"PAR1"), "a Parquet file"),
    (re.compile(rb"ARROW1"), "an Arrow file"),
    (re.compile(rb"Rar!\x1a\x07"), "a RAR archive"),
    (re.compile(rb"7z\xbc\xaf\x27\x1c"), "a 7z archive"),
    (re.compile(rb"\x1f\x8b\x08|\x28\xb5\x2f\xfd|BZh[1-9]1AY|\xfd7zXZ\x00"), "compressed twice"),
    (re.compile(rb"ID3|OggS|\xff\xfb|....ftyp", re.DOTALL), "audio or video"),
    (re.compile(rb"\x7fELF|MZ.{58,}This program", re.DOTALL), "a program"),
    (re.compile(rb".{257}ustar", re.DOTALL), "a tar archive"),
)
_CONTROLS = bytes({*range(32)} - set(b"\t\n\x0b\f\r\x1b")) + b"\x7f"
_CONTROL_SHARE = 0.02

_HTML_TAGS = (
    "html|head|body|title|meta|link|script|style|div|span|p|br|hr|h[1-6]|table|thead|tbody|tr|td|th|ul|ol|li|a|img|"
    "article|section|header|footer|nav|main|aside|figure|form|iframe|center|font|b|i|u|em|strong|blockquote|pre|base"
)
_START = r"(?>\s*(?:<!--.*?-->\s*)*)"  # atomic: many comments are passed over once, however the rest fails
_HTML = re.compile(
    rf"{_START}(?:<\?xml[^>]*>{_START})?<(?:!doctype\s+html|(?:{_HTML_TAGS})(?=[\s/>]))", re.IGNORECASE | re.DOTALL
)
_XML = re.compile(
    rf"{_START}<(?:\?xml\b|!doctype\b|!\[cdata\[|[a-z_][\w.:-]*(?:\s[^<>]*)?/?>)", re.IGNORECASE | re.DOTALL
)
_BEGINNINGS = (
    (re.compile(r"\{\\rtf"), "RTF"),
    (re.compile(r"WARC/\d|filedesc://"), "a WARC or ARC file"),
    (re.compile(r"HTTP/\d(?:\.\d)? \d{3}"), "an HTTP response"),
    (re.compile(r"%!PS"), "PostScript"),
    (re.compile(r"BEGIN:V(?:CARD|CALENDAR)", re.IGNORECASE), "a calendar or a card"),
    (re.compile(r"-----BEGIN [A-Z ]+-----"), "a key or an encrypted message"),
    (re.compile(r"begin [0-7]{3} \S"), "uuencoded data"),
    (re.compile(r"data:[\w/+.-]+;base64,"), "base64 data"),
    (re.compile(r"TY  - "), "RIS references"),
    (
        re.compile(
            r"(?>(?:%[^\n]*\n\s*)*)@(?:article|misc|book|online|inproceedings|string|comment|preamble)\s*[{(]", re.I
        ),
        "BibTeX references",
    ),
    (re.compile(r"%0 [A-Z][^\n]*\n(?:%[0-9A-Z@] [^\n]*\n)"), "EndNote references"),
    (re.compile(r"(?:%[^\n]*\n\s*)*\\(?:documentclass|documentstyle|begin\{document\})"), "LaTeX"),
    (
        re.compile(r"(?>(?:--[^\n]*\n\s*|/\*.*?\*/;?\s*)*)(?:CREATE TABLE|INSERT INTO|DROP TABLE)\b", re.DOTALL),
        "an SQL dump",
    ),
    (re.compile(r"#!\s*/"), "a script"),
)
_HEADER = re.compile(r"([!-9;-~]+):(?:[ \t]|\Z)")
_MAIL = {
    "from", "to", "cc", "bcc", "subject", "reply-to", "sender", "message-id", "mime-version", "received", "return-path",
    "content-type", "content-transfer-encoding", "delivered-to", "dkim-signature", "list-unsubscribe", "in-reply-to",
}  # fmt: skip
_MAIL_ALONE = {"message-id", "mime-version", "received", "return-path", "content-transfer-encoding", "dkim-signature"}
_MBOX = re.compile(r"From \S+.*\d\d:\d\d")
_BASE64_LINE = re.compile(r"[A-Za-z0-9+/]{40,}={0,2}")


def kind_of(head: Head) -> str | None:
    """What an input is that begins so, if it is surely no prose: binary data, markup, mail, encoded data. None for
    what may be prose."""
    if head.startswith(b"PK\x03\x04") and OFFICE.search(head[:4096]):
        return "an Office document or an e-book"
    for magic, words in _MAGIC:
        if magic.match(head):
            return words
    if not BYTE_ORDER_MARK.match(head):
        sample = head[:8192]
        controls = len(sample) - len(sample.translate(None, _CONTROLS))
        if controls > _CONTROL_SHARE * len(sample):
            return "binary data"
    text = head.text.lstrip("\ufeff \t\n\x0b\f")
    if text.startswith("<"):
        if _HTML.match(text):
            return "HTML"
        if _XML.match(text):
            return "XML"
    for pattern, words in _BEGINNINGS:
        if pattern.match(text):
            return words
    if _is_mail(text):
        return "mail"
    return "base64 data" if _is_base64(text) else None


def _is_mail(text: str) -> bool:
    """It begins with the head of a message: lines "Name: value", of which two are a message's own."""
    names: list[str] = []
    for number, line in enumerate(text.split("\n", 60)[:60]):
        if number == 0 and _MBOX.match(line):
            continue
        if not line.strip():
            break
        if line[0] in " \t" and names:
            continue
        header = _HEADER.match(line)
        if header is None:
            return False
        names.append(header[1].lower())
    known = _MAIL.intersection(names)
    return bool(known & _MAIL_ALONE) or (len(known) >= 2 and "from" in known)


def _is_base64(text: str) -> bool:
    lines = [line.strip() for line in text[:8192].split("\n")[:-1] or [text]]
    lines = [line for line in lines if line]
    if not lines or not all(_BASE64_LINE.fullmatch(line) for line in lines[:-1] or lines):
        return False
    joined = "".join(lines[:50])
    return len(joined) >= 200 and any(c.isdigit() for c in joined) and not joined.isupper() and not joined.islower()

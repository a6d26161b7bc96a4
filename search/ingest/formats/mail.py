"""Mail: messages (EML), mailboxes (mbox) and pages that browsers saved as one file (MHTML).

A newsletter is one article. A download of a database that was mailed is read as what it is, in the message or attached.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import getaddresses
from typing import TYPE_CHECKING, Any

from search.ingest.formats import html, recognised
from search.ingest.formats.base import Format, Record, rejected
from search.ingest.formats.foreign import kind_of
from search.ingest.formats.trees import html_tree, inside, line, local, words
from search.ingest.source import Head, Source, SourceProblem
from search.records import Rejection

if TYPE_CHECKING:
    from lxml.etree import _Element

_LONGEST = 1 << 25  # bytes of one message
_MOST_PARTS = 4000  # of one message; the library takes a quarter of a millisecond for each
_DELIMITER = re.compile(rb"^--\S", re.MULTILINE)
_FROM = re.compile(rb"^From \S+.*\d\d:\d\d.*$", re.MULTILINE)
_DOWNLOADS = frozenset(("nexis", "factiva", "proquest", "europresse", "docx", "rtf", "sheets", "ris"))
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*[01](?:px|pt|em)?\b|max-height\s*:\s*0|"
    r"opacity\s*:\s*0\b|mso-hide\s*:\s*all"
)
_FOOTER = re.compile(
    r"(?:unsubscribe|abmelden|abbestellen|se d[ée]sabonner|view (?:this email )?in (?:your )?browser|"
    r"manage (?:your )?preferences|"
    r"forward to a friend|im browser (?:ansehen|öffnen)|voir dans (?:le|votre) navigateur)\b.{0,80}",
    re.IGNORECASE,
)
_LINK = re.compile(r"[<\[(]?https?://\S+[>\])]?")
_HEADERS = ("List-Id", "Reply-To", "To", "Cc", "Sender", "Organization", "Newsgroups", "In-Reply-To")


def recognises(head: Head) -> bool:
    """It begins with the head of a message."""
    return kind_of(head) == "mail"


def read(source: Source) -> Iterator[Record | Rejection]:
    """A record for each message, or for each article of a download in it."""
    for number, data in enumerate(_messages(source), 1):
        if len(data) > _LONGEST:
            yield rejected(source, f"message {number}", f"a message of more than {_LONGEST >> 20} MiB")
            continue
        if len(_DELIMITER.findall(data)) > _MOST_PARTS:
            yield rejected(source, f"message {number}", f"a message of more than {_MOST_PARTS:,} parts")
            continue
        try:
            message = BytesParser(policy=policy.default).parsebytes(data)
            yield from _of_message(source, message, number)
        except SourceProblem:
            raise
        except Exception as error:  # the library's own: messages of any kind break it in any way
            start = data[:500].decode("utf-8", "replace")
            yield rejected(source, f"message {number}", f"no message that can be read ({type(error).__name__})", start)


def _messages(source: Source) -> Iterator[bytes]:
    """The messages of a mailbox, or the one of a file."""
    if _FROM.match(source.head.lstrip()) is None:
        pieces = bytearray()
        for chunk in source.chunks():
            pieces += chunk
            if len(pieces) > _LONGEST:
                break
        yield bytes(pieces)
        return
    held = bytearray()
    started = False
    for line_ in _lines(source):
        if line_.startswith(b"From ") and _FROM.match(line_) and (not held or held.endswith((b"\n\n", b"\r\n\r\n"))):
            if started:
                yield bytes(held)
            held, started = bytearray(), True
        elif started and len(held) <= _LONGEST:
            held += line_[1:] if re.match(rb">+From ", line_) else line_
    if started:
        yield bytes(held)


def _lines(source: Source) -> Iterator[bytes]:
    pending = b""
    for chunk in source.chunks():
        whole = pending + chunk
        lines = whole.splitlines(keepends=True)
        pending = lines.pop() if lines and not whole.endswith(b"\n") else b""
        yield from lines
        if len(pending) > _LONGEST:
            yield pending
            pending = b""
    if pending:
        yield pending


def _of_message(source: Source, message: EmailMessage, number: int) -> Iterator[Record | Rejection]:
    place = f"message {number}"
    inner = [record for part in message.walk() for record in _download(source, part, place)]
    if inner:
        yield from inner
        return
    pages = [part for part in message.walk() if part.get_content_type() == "text/html" and not part.is_attachment()]
    texts = [part for part in message.walk() if part.get_content_type() == "text/plain" and not part.is_attachment()]
    if (address := message.get("Snapshot-Content-Location") or _saved(message, pages)) and pages:
        record = html.article(_content(pages[0]), str(address), place, source)
        yield rejected(source, place, html.NO_TEXT) if record is None else record
        return
    links: list[str] = []
    plain = "\n\n".join(_prose(_content(part), links) for part in texts).strip()
    marked = "\n\n".join(_words(_content(part), links) for part in pages).strip()
    text = plain if len(plain) >= 0.8 * len(marked) else marked
    fields: dict[str, Any] = {"title": _header(message, "Subject"), "text": text, "published": _header(message, "Date")}
    sender = getaddresses([_header(message, "From")])
    name, mail = sender[0] if sender else ("", "")
    fields["source"] = name or mail.rpartition("@")[2]
    fields["id"] = _header(message, "Message-ID").strip("<> ") or None
    fields["language"] = _header(message, "Content-Language")
    extra: dict[str, Any] = {"from": mail} | {key.lower().replace("-", "_"): _header(message, key) for key in _HEADERS}
    extra["links"] = list(dict.fromkeys(links))[:200]
    extra["attachments"] = [str(part.get_filename()) for part in message.iter_attachments() if part.get_filename()]
    kept = {key: value for key, value in extra.items() if value}
    if not text and not fields["title"]:
        yield rejected(source, place, "a message without a subject and a text")
        return
    yield Record({**{k: v for k, v in fields.items() if v}, "extra": kept}, place, text or fields["title"], False)


def _download(source: Source, part: EmailMessage, place: str) -> Iterator[Record | Rejection]:
    """The articles of a download that a part of a message is."""
    if part.is_multipart():
        return
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes) or not data:
        return
    charset = part.get_content_charset() if part.get_content_maintype() == "text" else None
    name = part.get_filename() or part.get_content_type()
    inside_ = Source(
        f"{source.name}, {place}, {name}", io.BytesIO(data), budget=source.budget, encoding=_known(charset)
    )
    form = recognised(inside_.head)
    if form is None or form.name not in _DOWNLOADS or form.missing() is not None:
        return
    for item in form.read(inside_):
        yield item if isinstance(item, Rejection) else item._replace(place=f"{place}, {item.place or name}")
    for text, count in inside_.notes.items():
        source.note(text, count)


def _known(charset: str | None) -> str | None:
    try:
        return None if charset is None or "".encode(charset) else charset
    except (LookupError, ValueError):
        return None


def _saved(message: EmailMessage, pages: list[EmailMessage]) -> str:
    """The address of a page that a browser saved as a message."""
    if "multipart/related" not in message.get_content_type() or message.get("To") is not None or not pages:
        return ""
    return str(pages[0].get("Content-Location") or "")


def _header(message: EmailMessage, name: str) -> str:
    try:
        return " ".join(str(message.get(name) or "").split())
    except Exception:  # a header that the library cannot read is none
        return ""


def _content(part: EmailMessage) -> str:
    try:
        return str(part.get_content())
    except (LookupError, ValueError, KeyError, AssertionError):
        data = part.get_payload(decode=True)
        return data.decode("utf-8", "replace") if isinstance(data, bytes) else ""


def _prose(text: str, links: list[str]) -> str:
    """A text of a message: links to themselves, signatures and the ways out of a list are no text."""
    kept: list[str] = []
    for row in text.replace("\r\n", "\n").split("\n"):
        row = row.strip()
        if row == "--":
            break
        found = _LINK.findall(row)
        links += (one.strip("<>[]()") for one in found)
        if found and not _LINK.sub("", row).strip(" |-•"):
            continue
        if not (_FOOTER.match(row) and len(row) < 120):
            kept.append(row)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()


def _words(page: str, links: list[str]) -> str:
    tree = html_tree(page)
    if tree is None:
        return ""
    links += (str(one.get("href")) for one in inside(tree, "a") if str(one.get("href", "")).startswith("http"))
    rows = (row for row in words(tree, skip=_unseen).split("\n") if not (_FOOTER.match(row) and len(row) < 120))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(rows)).strip()


def _unseen(element: _Element) -> bool:
    """What a reader does not see: fillers before the text, the way out of the list."""
    if _HIDDEN.search(str(element.get("style", "")).lower()):
        return True
    return local(element) == "a" and _FOOTER.match(line(element)) is not None


FORMAT = Format(
    name="mail",
    title="mail, mailboxes, MHTML",
    recognises=recognises,
    read=read,
    extensions=(".eml", ".mbox", ".mht", ".mhtml", ".mbx"),
    needs=("trafilatura", "lxml_html_clean", "lxml"),
    extra="formats",
)

"""The two layouts in which Nexis hands articles out, as paragraphs: what is which is told by labels and positions.

Nexis Uni and Lexis+ (DOCX, RTF): headline, source, date, copyright, "Length: 355 words" and other labels, "Body", the
text, "Load-Date: ...", "End of Document". The older LexisNexis (text, HTML): "1 of 10 DOCUMENTS", source, date,
headline, "LENGTH: 355 words" and other labels, the text, "LOAD-DATE: ..." and others, copyright.

Labels are in the language of the interface.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from search.ingest.dates import read_date
from search.ingest.formats.base import Record

# What a label stands for, by its spellings: bare, in lower case.
_LABELS = {
    "authors": "byline byline(s) autor autoren verfasser von auteur auteurs auteur(s) autore autori autor(es)",
    "section": "section rubrik ressort rubrique seccion sección sezione sectie rubriek seção",
    "length": "length länge laenge umfang longueur longitud lunghezza lengte extensión comprimento",
    "highlight": "highlight highlights hervorhebung points-clés destacado",
    "dateline": "dateline datumszeile ort lieu lugar",
    "load_date": "load-date update ladedatum lade-datum date-chargement date-de-chargement fecha-de-carga fecha-carga "
    "data-caricamento laaddatum aktualisierung",
    "language": "language sprache langue idioma lingua taal lengua",
    "publication_type": "publication-type publikationstyp publikations-typ type-publication type-de-publication "
    "tipo-de-publicación tipo-pubblicazione publicatietype",
    "journal_code": "journal-code zeitungs-code zeitungscode code-revue code-du-journal código-de-la-publicación",
    "caption": "graphic graphics grafik graphique gráfico grafico grafiek illustration bild",
    "url": "url website",
    "copyright": "copyright",
    "subject": "subject subjects thema themen sujet sujets asunto argomento onderwerp",
    "company": "company firma unternehmen société empresa azienda bedrijf",
    "organization": "organization organisation organización organizzazione organisatie",
    "person": "person people personen personne persona persoon",
    "industry": "industry branche industrie sector industria settore",
    "geographic": "geographic geographie geografie géographie",
    "city": "city stadt ville ciudad città stad",
    "state": "state bundesland état",
    "country": "country land pays país paese",
    "ticker": "ticker",
    "series": "series serie série",
    "type": "type typ tipo",
    "distribution": "distribution",
    "notes": "notes note notiz",
    "correction": "correction",
    "correction_date": "correction-date",
    "document_type": "document-type dokumenttyp",
    "accession": "acc-no accession-no",
}  # fmt: skip
_OF_LABELS = {spelling: name for name, spellings in _LABELS.items() for spelling in spellings.split()}
_LABEL = re.compile(r"(?P<label>[^\W\d_][^\W\d_()/ -]*(?:[ -][^\W\d_()/-]+){0,3}(?:\(\w{1,3}\))?)[ \xa0]?:(?=\s|\Z)\s*")
_HEADER_LAST = "length"  # what stands below it is the text, in the older layout
_TRAILING = frozenset(_LABELS) - {"authors", "section", "length", "highlight", "dateline", "series", "type"}
_SURE = frozenset(("load_date", "language", "publication_type", "journal_code", "copyright", "correction_date"))
_NEAR = 4  # paragraphs that a caption or a correction may go on for
_CAPTIONS = frozenset(_LABELS["caption"].split())
_BODY = frozenset(
    ("body", "haupttext", "hauptteil", "textkörper", "corps", "cuerpo", "corpo", "testo", "tekst", "text")
)
_CLASSES = frozenset(("classification", "klassifizierung", "classificação", "clasificación", "classificazione"))
END = re.compile(
    r"(?:end of document|ende des dokuments?|dokumentende|fin du document|fin del documento|fine del documento|"
    r"einde van (?:het )?document|fim do documento)\W*\Z",
    re.IGNORECASE,
)
NUMBER = re.compile(
    r"^[ \t\f\xa0]*+(?:(?:dokument|document)[ \t]*+)?(?P<number>\d{1,7})[ \t]++(?:of|von|de|sur|di|van)[ \t]++\d{1,7}"
    r"(?:[ \t]++(?:documents?|dokumenten?|documentos|documenti|documenten))[ \t]*+$",
    re.IGNORECASE | re.MULTILINE,
)
_PAGE = re.compile(
    r"(?:\b(?:pg?s?|page|seite|s|pagina|página|blz)\b\.?\s*)(?P<page>[A-Z]{0,3}-?\d{1,4}[A-Z]?)\b", re.IGNORECASE
)
_NAME_AND_ROLE = re.compile(
    r"(?P<name>[^\W\d_a-z]\S+ [^\W\d_a-z]\S+)(?P<role>(?: [\w'’-]+){0,5} (?i:correspondent|editor|reporter|writer|"
    r"columnist|critic|korrespondent(?:in)?|redakteur(?:in)?|reporterin))"
)
_COPYRIGHT = re.compile(
    r"(?:copyright|©|\(c\)\s|all rights reserved|alle rechte vorbehalten|tous droits)", re.IGNORECASE
)
_AHEAD = 14  # paragraphs between a date and the first label
_LONGEST_HEAD = 600  # characters of a headline, of a line of labels
_EXCERPT = 300


class Paragraph(NamedTuple):
    """A paragraph. ``heading``: its style is that of a heading."""

    text: str
    heading: bool = False


class Date(NamedTuple):
    """A date as it is written, and what stands behind it: the edition."""

    written: str
    rest: str


def dated(text: str) -> Date | None:
    """The date that a paragraph begins with, None where it begins with none."""
    text = " ".join(text.split())
    if not 5 < len(text) <= 200 or not any(c.isdigit() for c in text):
        return None
    tokens = text.split(" ")
    for count in range(min(len(tokens), 9), 0, -1):
        written = " ".join(tokens[:count]).rstrip(",;")
        if read_date(written, prose=True).value is not None:
            return Date(written, " ".join(tokens[count:]).strip(" ,;"))
    if len(tokens) <= 3 and read_date(text).value is not None:  # a month and a year, of magazines
        return Date(text, "")
    return None


def label(text: str) -> tuple[str, str, str]:
    """What a paragraph's label stands for, as it is written, and what follows; three empty strings without one."""
    found = _LABEL.match(text[:80])
    if found is None:
        return "", "", ""
    name = _OF_LABELS.get(re.sub(r"[ \xa0]+", "-", found["label"].casefold()), "")
    return (name, found["label"], text[found.end() :].strip()) if name else ("", "", "")


def modern(paragraphs: Sequence[Paragraph], number: int) -> Record | None:
    """The article of what stands between two ends of documents; None where there is none."""
    anchor = _anchor(paragraphs)
    if anchor is None:
        return None
    when = dated(paragraphs[anchor].text)
    assert when is not None
    headed = next((place for place in range(anchor - 1, -1, -1) if paragraphs[place].heading), None)
    title = max(0, anchor - 2) if headed is None else headed
    fields: dict[str, Any] = {"title": paragraphs[title].text, "published": when.written}
    source = [one.text for one in paragraphs[title + 1 : anchor]]
    if source:
        fields["source"] = source[0]
    extra: dict[str, Any] = {"edition": when.rest} if when.rest else {}
    body: list[str] = []
    held = ""
    for paragraph in paragraphs[anchor + 1 :]:
        text = paragraph.text
        bare = text.casefold().strip(" :\xa0")
        name, _, value = label(text)
        if END.match(text):
            break
        if bare in _BODY and held != "text":
            held = "text"
        elif bare in _CLASSES:
            held = "classification"
        elif bare in _CAPTIONS and held == "text" and body:
            held = "caption"
        elif name and (held != "text" or name in _TRAILING) and (held != "text" or text[0].isupper()):
            if name in ("load_date", "caption") or (held == "text" and name in _TRAILING):
                held = "after"
            _put(fields, extra, name, value)
            if not value:
                held = name
        elif held == "text":
            body.append(text)
        elif held == "":
            _head_line(extra, text)
        elif held in ("caption", "highlight", "notes", "correction"):
            _put(fields, extra, held, text)
        else:
            extra.setdefault("more", []).append(text)
    return _record(fields, extra, body, number)


def _anchor(paragraphs: Sequence[Paragraph]) -> int | None:
    """The paragraph with the date of the article: a headline and a source before it, labels or the text behind it."""
    for place, paragraph in enumerate(paragraphs):
        if place < 1 or len(paragraph.text) > 100 or dated(paragraph.text) is None:
            continue
        for later in paragraphs[place + 1 : place + _AHEAD]:
            name = label(later.text)[0]
            if name in ("length", "section", "authors") or later.text.casefold().strip(" :\xa0") in _BODY:
                return place
    return None


def older(paragraphs: Sequence[Paragraph], number: int) -> Record | None:
    """The article of what stands below "1 of 10 DOCUMENTS"; None where there is none."""
    place = next((p for p, one in enumerate(paragraphs[:6]) if dated(one.text.split("\n")[0]) is not None), None)
    fields: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    if place is None:
        place = 0
        if not paragraphs:
            return None
        fields["source"] = " ".join(paragraphs[0].text.split())
    else:
        when = dated(" ".join(paragraphs[place].text.split("\n"))) or dated(paragraphs[place].text.split("\n")[0])
        assert when is not None
        fields["published"] = when.written
        above = [" ".join(one.text.split()) for one in paragraphs[:place]]
        if above:
            fields["source"] = above[0]
            if len(above) > 1:
                extra["source_line"] = above[1:]
        if when.rest:
            extra["edition"] = when.rest
    body: list[str] = []
    headed = ended = False
    held = ""
    for below, paragraph in enumerate(paragraphs[place + 1 :], place + 2):
        text = paragraph.text.strip()
        name, written, value = label(text)
        upper = written.isupper()
        if not headed and name and upper and name not in _TRAILING:
            _put(fields, extra, name, value)
            headed = name == _HEADER_LAST
        elif name and upper and (ended or not body or _trails(name, paragraphs[below:])):
            ended = ended or bool(body) or name in _TRAILING
            _put(fields, extra, name, value)
            held = name
        elif _COPYRIGHT.match(text) and (ended or len(text) < 300) and (body or ended):
            extra["copyright"] = " ".join(text.split())
            ended = True
            held = "copyright"
        elif ended:
            target = held if held in ("caption", "correction", "notes", "copyright") else "more"
            _put(fields, extra, target, " ".join(text.split()))
        elif "title" not in fields and not headed and not body and len(text) <= _LONGEST_HEAD and "length" not in extra:
            fields["title"] = " ".join(text.split())
        else:
            headed = True
            body.append(text)
    return _record(fields, extra, body, number)


def _trails(name: str, following: Sequence[Paragraph]) -> bool:
    """Whether a label below the text is Nexis': "NOTE:" and "CITY:" may begin a paragraph of the text as well. Behind
    Nexis' own come others, as far as one that is surely Nexis'."""
    if name in _SURE or name not in _TRAILING:
        return name in _SURE
    more = _NEAR if name in ("caption", "correction") else 0
    for one in following:
        next_name, written, _ = label(one.text)
        if next_name in _SURE or _COPYRIGHT.match(one.text.strip()):
            return True
        if not written.isupper():
            more -= 1
            if more < 0:
                return False
    return True


def _head_line(extra: dict[str, Any], text: str) -> None:
    """A line between the date and the labels: the copyright, an edition."""
    name = "copyright" if _COPYRIGHT.match(text) else "edition"
    extra[name] = f"{extra[name]} {text}" if name in extra else text


def _put(fields: dict[str, Any], extra: dict[str, Any], name: str, value: str) -> None:
    target = fields if name in ("authors", "section", "dateline", "language", "caption", "url") else extra
    value = " ".join(value.split())
    if not value:
        return
    if name in target:
        held = target[name]
        target[name] = (
            f"{held}\n{value}" if name in ("caption", "correction", "copyright", "more") else f"{held}; {value}"
        )
    else:
        target[name] = value


def _record(fields: dict[str, Any], extra: dict[str, Any], body: list[str], number: int) -> Record | None:
    if not fields.get("title") and not body:
        return None
    pages: tuple[str, ...] = ()
    if section := fields.get("section"):
        if (page := _PAGE.search(section)) is not None:
            pages = (page["page"],)
        name = re.split(r"\s*[;,]\s*", section)[0]
        if name != section:
            extra["section_line"] = section
        fields["section"] = "" if _PAGE.fullmatch(name) else name
    if (byline := _NAME_AND_ROLE.fullmatch(fields.get("authors", ""))) is not None:
        fields["authors"] = f"{byline['name']},{byline['role']}"
    if "language" in fields:
        fields["language"] = fields["language"].split(";")[0].strip()
    text = "\n\n".join(body).strip()
    excerpt = "\n".join([fields.get("title", ""), text])[:_EXCERPT]
    return Record({**fields, "text": text, "extra": extra}, f"document {number}", excerpt, False, pages)


def in_blocks(text: str) -> Iterator[Paragraph]:
    """The paragraphs of a text that is wrapped into lines: blank lines part them, short lines stay."""
    for block in re.split(r"\n[ \t\f\r\xa0]*\n", text.replace("\f", "\n")):
        lines = [line.strip() for line in block.split("\n") if line.strip()]
        if lines:
            wrapped = any(len(line) > 50 for line in lines[:-1])
            yield Paragraph((" " if wrapped else "\n").join(lines))

"""Whether an article says that it corrects something: a label on its title or before a paragraph, or a set phrase."""

from __future__ import annotations

import re

# fmt: off
LABELS = (
    # English, German, French, Spanish, Portuguese, Italian, Dutch
    "correction", "corrections", "corrected", "corrects", "clarification", "clarifies", "erratum", "corrigendum",
    "korrektur", "berichtigung", "richtigstellung", "korrigiert", "rectificatif", "corrigé", "rectification",
    "corrección", "corregido", "rectificación", "aclaración", "correção", "corrigido", "errata", "retificação",
    "correzione", "rettifica", "rectificatie", "correctie",
    # Swedish, Danish and Norwegian, Finnish, Polish, Czech, Romanian, Hungarian, Turkish, Indonesian
    "rättelse", "rettelse", "korrigering", "oikaisu", "sprostowanie", "korekta", "oprava", "erată", "rectificare",
    "helyreigazítás", "düzeltme", "ralat",
    # Russian, Ukrainian, Greek, Arabic, Hindi, Japanese, Chinese, Korean
    "исправление", "поправка", "исправлено", "виправлення", "спростування", "διόρθωση", "διευκρίνιση", "تصحيح",
    "تصويب", "शुद्धिपत्र", "भूल-सुधार",
    "訂正", "更正", "勘误", "정정", "바로잡습니다",
)
# fmt: on
"""What stands alone before a colon, a dash or in brackets where something is corrected."""

_PHRASES = (
    r"(?:this|the) (?:article|story|report|headline|piece|post) (?:has been|was) (?:since )?(?:corrected|clarified)",
    r"an earlier version of (?:this|the) (?:article|story|report|headline|piece)",
    r"in einer früheren (?:version|fassung) (?:dieses|des)",
    r"une version (?:antérieure|précédente) de (?:cet|l['’])",
    r"una versión (?:anterior|previa) de (?:este|esta)",
    r"uma versão anterior (?:deste|desta)",
    r"una versione precedente di (?:questo|quest['’])",
    r"een eerdere versie van dit",
)
_WORD = "|".join(map(re.escape, LABELS))
_BEFORE = re.compile(rf"\W*(?:{_WORD})(?:[^\S\n]*[:：|–—]|[^\S\n]+-[^\S\n]|[)\]】])", re.I)
_BRACKETED = re.compile(rf"[(\[【][^\S\n]*(?:{_WORD})\b[^()\[\]]{{0,200}}[)\]】]|[|–—-][^\S\n]*(?:{_WORD})\W*$", re.I)
_PHRASE = re.compile("|".join(_PHRASES), re.I)
EDGE = 4
"""Paragraphs at either end of a text that are looked at."""
_LONGEST = 600  # characters of a paragraph


def says_correction(title: str, text: str) -> bool:
    """Whether a title or one of the first or last paragraphs says so. Most languages have no such custom or another
    one: False says nothing."""
    if _BEFORE.match(title) or _BRACKETED.search(title[:_LONGEST]):
        return True
    lines = [line for line in (text[:20_000] + "\n" + text[-20_000:]).splitlines() if line.strip()]
    edges = lines[:EDGE] + lines[-EDGE:]
    return any(_BEFORE.match(line) or _first_bracket(line) or _PHRASE.search(line[:_LONGEST]) for line in edges)


def _first_bracket(line: str) -> bool:
    """``(Corrects paragraph 3)`` at the beginning."""
    return line.lstrip()[:1] in ("(", "[", "【") and _BRACKETED.match(line.lstrip()[:_LONGEST]) is not None

"""Each article in its own language, each word of a query in each language of the archive.

``EVERY`` is what a new archive takes for words. In each script one language leads: English words, Russian, Arabic or
Hindi ones, are read alike in whatever article they stand, and scripts without spaces by their letters, one token each,
with every two beside each other as a reading. Other languages have stems of their own, with their code behind:
"kind@de" is no English "kind". Digits, and words of another script, have no such mark, so they meet across languages;
names do because a query's words are read in each language that the archive has.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from search.keyword import stemmer
from search.keyword.analysis import STOP_WORDS, TOKEN_OF_LETTERS, Analysis
from search.records import Article
from search.text.languages.detect import code_of, language_of
from search.text.languages.language import NEUTRAL, Language
from search.text.languages.scripts import script_of
from search.text.languages.table import known

NAME: Final = "languages"
VERSION: Final = 1
MARK: Final = "@"
"""Between a stem and the code of its language; no folded word has it."""
_MOST_STEMS = 1 << 16


class General(Analysis):
    """Words by the language that leads their script. ``codes`` are those of the languages of an archive's articles that
    have stems of their own."""

    name = NAME
    version = VERSION
    pattern = TOKEN_OF_LETTERS

    @functools.cached_property
    def stop_words(self) -> frozenset[str]:  # type: ignore[override]
        """The function words of all languages that lead."""
        return STOP_WORDS.union(*(one.function_words for one in known().values() if one.leads))

    @functools.cached_property
    def _leading(self) -> dict[str, Language]:
        return {one.script: one for one in known().values() if one.leads}

    def term(self, word: str) -> str:
        """English stems of plain letters; of others, the stem of the language that leads their script."""
        if word.isascii():
            return stemmer.stem(word) if word.isalpha() else word
        language = self._leading.get(script_of(word[0]))
        return word if language is None or language.code == "en" else language.stem(word) or word

    def plain(self, text: str) -> bool:
        """Whether letters tell where words may stand, as in English: no umlauts, and no letters but Latin ones."""
        if text.isascii():
            return True
        codes: NDArray[np.uint16] = np.frombuffer(text.encode("utf-16-le", "surrogatepass"), "<u2")
        return not _others().take(codes).any()

    @property
    def stamp(self) -> str | None:
        """That of all languages together."""
        return f"{NAME}/{VERSION}"

    @functools.cached_property
    def languages(self) -> tuple[Language, ...]:
        """Those that lead their script."""
        return tuple(one for one in known().values() if one.leads and one.code != "en")

    def of(self, article: Article) -> Analysis:
        """The words of an article in its language, which is the one that it is filed under (``told``)."""
        return in_language(code_of(article.language))

    def told(self, articles: Sequence[Article]) -> Sequence[Article]:
        """Articles with the languages that they are read in, where none was declared. English is not told so: it is
        what is read where no language is, and archives of English alone stay as they are."""
        every = [language_of(one.language, one.title, one.text) for one in articles]
        return [
            article if code in ("", "en", article.language) or code_of(article.language) == code
            else replace(article, language=code)
            for article, code in zip(articles, every, strict=True)
        ]  # fmt: skip

    def among(self, codes: Iterable[str]) -> Analysis:
        """What a query's words are where articles have these languages of their own."""
        own = sorted(set(codes))
        return mixed(tuple(own)) if own else self


class Own(General):
    """A language with stems of its own, in texts of that language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.code = language.code
        self._stems: dict[str, str] = {}

    @functools.cached_property
    def stop_words(self) -> frozenset[str]:  # type: ignore[override]
        """Its function words."""
        return self.language.function_words

    def term(self, word: str) -> str:
        """The stem of a word of this language, with the code; what is of another script, as everywhere."""
        term = self._stems.get(word)
        if term is None:
            if script_of(word[0]) == self.language.script:
                term = f"{self.language.stem(word) or word}{MARK}{self.code}"
            else:
                term = super().term(word)
            if len(self._stems) >= _MOST_STEMS:
                self._stems.clear()
            self._stems[word] = term
        return term

    @property
    def languages(self) -> tuple[Language, ...]:
        """The language, and those that lead their script."""
        return (*EVERY.languages, self.language)

    def plain(self, text: str) -> bool:
        """Never: letters do not tell how the words of a stem begin."""
        return False

    def __repr__(self) -> str:
        return f"<Analysis {self.code}>"


class Mixed(General):
    """A query's words, each read in several languages."""

    def __init__(self, parts: Sequence[Analysis]) -> None:
        self._parts = tuple(parts)

    @property
    def parts(self) -> tuple[Analysis, ...]:
        """The languages, that of everything first."""
        return self._parts

    @property
    def languages(self) -> tuple[Language, ...]:
        """Those of its parts."""
        return tuple(dict.fromkeys(one for part in self._parts for one in part.languages))

    def plain(self, text: str) -> bool:
        """Never."""
        return False


@functools.cache
def _others() -> NDArray[np.bool_]:
    """bool[2**16]: what no text has in UTF-16 that is read as English is: umlauts, and letters of scripts other than
    Latin."""
    others = np.zeros(1 << 16, np.bool_)
    others[list(map(ord, "ÄÅÖØÜäåöøü"))] = True
    for first, last in ((0x300, 0x1FFF), (0x2C00, 0xD7FF), (0xD840, 0xD8BF), (0xF900, 0xFDFF), (0xFE70, 0xFFEF)):
        others[first : last + 1] = True
    return others


EVERY: Final = General()
_NEUTRAL = Language(NEUTRAL, "other languages", "Latin")


@functools.cache
def in_language(code: str) -> Analysis:
    """The words of texts in a language: ``EVERY`` of one that leads its script, or of none that is told."""
    language = known().get(code)
    if not code or (language is not None and language.leads):
        return EVERY
    return Own(_NEUTRAL if language is None else language)


@functools.lru_cache(64)
def mixed(codes: tuple[str, ...]) -> Analysis:
    """A query's words in an archive with these languages, beside those that lead."""
    return Mixed([EVERY, *(in_language(code) for code in codes if code != "")])


def how_read(code: str) -> str:
    """How words of a language are found: by their "stems", by every two "letters", as they "stand", or as those of
    "english" where no language was told."""
    code = code_of(code)
    if not code:
        return "english"
    language = known().get(code)
    if language is None:
        return "stand"
    if language.script in ("Han", "Kana", "Thai", "Lao", "Khmer", "Myanmar"):
        return "letters"
    return "stems" if code == "en" or language.stemmer is not None or language.prepare is not None else "stand"


def own_code(analysis: Any) -> str:
    """The code behind the stems of an analysis; empty where there is none."""
    return analysis.code if isinstance(analysis, Own) else ""

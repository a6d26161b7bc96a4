"""One name for a language: its ISO 639-1 code where it has one."""

from __future__ import annotations

import re
from functools import lru_cache

from search.ingest.months import bare

# Code, the codes of ISO 639-2 and -3, then names in English and in the language itself.
_LANGUAGES = """
af afr afrikaans; am amh amharic; ar ara arabic العربية عربي; az aze azerbaijani; be bel belarusian беларуская;
bg bul bulgarian български; bn ben bengali bangla বাংলা; bs bos bosnian bosanski; ca cat catalan catala valencian;
cs ces cze czech cestina cesky; cy cym wel welsh cymraeg; da dan danish dansk; de deu ger german deutsch;
el ell gre greek ελληνικα; en eng english inglese ingles anglais englisch; es spa spanish castilian espanol castellano;
et est estonian eesti; eu eus baq basque euskara; fa fas per persian farsi فارسی; fi fin finnish suomi;
fr fra fre french francais franzosisch; ga gle irish gaeilge; gl glg galician galego; gu guj gujarati;
ha hau hausa; he heb iw hebrew עברית; hi hin hindi हिन्दी हिंदी; hr hrv scr croatian hrvatski; hu hun hungarian magyar;
hy hye arm armenian; id ind in indonesian; is isl ice icelandic islenska; it ita italian italiano;
ja jpn japanese 日本語;
ka kat geo georgian; kk kaz kazakh; km khm khmer; kn kan kannada; ko kor korean 한국어; lt lit lithuanian lietuviu;
lv lav latvian latviesu; mk mkd mac macedonian; ml mal malayalam; mn mon mongolian; mr mar marathi; ms msa may malay;
mt mlt maltese; my mya bur burmese; nb nob bokmal; ne nep nepali; nl nld dut dutch flemish nederlands; nn nno nynorsk;
no nor norwegian norsk; pa pan punjabi; pl pol polish polski; ps pus pashto; pt por portuguese portugues;
ro ron rum romanian romana; ru rus russian русский; si sin sinhala; sk slk slo slovak slovencina;
sl slv slovenian slovene slovenscina; so som somali; sq sqi alb albanian shqip; sr srp scc serbian српски srpski;
sv swe swedish svenska; sw swa swahili kiswahili; ta tam tamil; te tel telugu; th tha thai ไทย;
tl tgl fil tagalog filipino;
tr tur turkish turkce; uk ukr ukrainian українська; ur urd urdu اردو; uz uzb uzbek; vi vie vietnamese viet;
zh zho chi cmn chinese mandarin 中文 汉语 漢語; zu zul zulu
"""
_CODES = {bare(name): names.split()[0] for names in _LANGUAGES.split(";") for name in names.split()}
_KNOWN = frozenset(_CODES.values())
_NONE = frozenset(("und", "unknown", "undetermined", "undefined", "mul", "zxx", "xx", "??", "other"))
_LONGEST = 80


@lru_cache(maxsize=1024)
def language_code(text: str) -> str:
    """The code of a language that goes by its code ("en", "eng", "en-GB", "en_US.UTF-8") or its name ("English"); the
    text itself for any other."""
    name = bare(text).strip()
    if name in _CODES:
        return _CODES[name]
    tag = re.match(r"([a-z]{2,3})(?:[-_]\w+|\.utf-?8|@\w+)+\Z", name)
    if tag is not None:
        return _CODES.get(tag[1], tag[1])
    if name in _NONE:
        return ""
    inside = re.match(r"(\w+)\s*\(.*\)\Z", name)  # "English (UK)"
    if inside is not None:
        return _CODES.get(inside[1], text)
    if len(name) > _LONGEST:
        return text
    # "Language: English", "__label__en", an address that ends with a code; the first of "en; fr"; "Simplified Chinese".
    last = re.split(r"/" if "://" in name else r":\s*|__label__", name.rstrip("/"))[-1].strip()
    first = re.split(r"\s*[;,|+&/]\s*|\s+(?:and|und|et|y)\s+", last)[0]
    if first != name and first:
        code = language_code(first)
        return code if code in _KNOWN else text
    words = [_CODES[word] for word in name.split() if len(word) > 3 and word in _CODES]
    return words[-1] if words else text

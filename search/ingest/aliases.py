"""The names of fields: what crawlers, databases, interfaces, schema.org and newspapers' archives in thirty languages
call what an article has."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache

from search.ingest.months import bare

# The names by which crawlers, databases, interfaces and schema.org call a field, the surest first. Of several in one
# record, the first that holds something is used. Case, accents, spaces, hyphens and underscores do not count.
ALIASES: Mapping[str, tuple[str, ...]] = {
    "id": (
        "id", "guid", "article_id", "uuid", "doc_id", "document_id", "news_id", "story_id", "stories_id",
        "item_id", "post_id", "object_id", "identifier", "accession_no", "accession_number", "an", "uri", "@id",
        "document_number", "doc_number", "article_number", "record_number", "record_id", "unique_id", "uid",
        "goid", "newid", "dokumentnummer", "dokument_id", "artikel_id", "artikelnummer", "artikkel_id",
        "id_article", "id_articulo", "id_noticia", "id_artykulu", "뉴스 식별자", "기사 id",
    ),
    "title": (
        "title", "headline", "web_title", "article_title", "news_title", "story_title", "post_title",
        "page_title", "headlines", "heading", "hed", "head_line", "article_headline", "news_headline",
        "headline_main", "main_headline", "main_title", "display_title", "title_text", "headline_text",
        "title_of_article", "document_title", "doc_title", "full_title", "name", "subject", "titel", "titre",
        "titulo", "titular", "titulo_noticia", "clipping_title", "manchete", "titolo", "titlu", "tittel",
        "rubrik", "överskrift", "overskrift", "überschrift", "schlagzeile", "kop", "otsikko", "tytuł", "tytul",
        "nagłówek", "başlık", "baslik", "titulek", "název", "nadpis", "naslov", "cím", "pealkiri", "virsraksts",
        "antraštė", "judul", "judul_berita", "tiêu đề", "заголовок", "заглавие", "τίτλος", "العنوان", "عنوان",
        "כותרת", "शीर्षक", "标题", "標題", "题目", "見出し", "題名", "タイトル", "제목",
    ),
    "text": (
        "text", "body", "content", "article", "maintext", "main_text", "article_body", "body_text",
        "article_text", "article_content", "full_text", "raw_text", "story", "story_text", "text_content",
        "content_text", "plain_text", "clean_text", "cleaned_text", "text_body", "body_content", "news_text",
        "news_content", "news_body", "post_content", "post_body", "post_text", "story_body", "full_content",
        "full_article", "page_text", "page_content", "ocr_text", "raw_content", "main_content", "story_content",
        "document_text", "document_content", "document_body", "doc_text", "doc_content", "doc_body",
        "text_of_article", "extracted_text", "extracted_content", "clean_content", "cleaned_content",
        "content_clean", "cleaned_article", "body_plain", "body_clean", "paragraphs", "content_encoded",
        "body_html", "content_html", "html_content", "text_html", "article_html", "bodies", "document",
        "transcript", "copy", "body_copy", "news", "contents", "article_contents", "news_article",
        "article_full_text", "complete_text", "text_full", "html", "raw_html", "txt", "message", "sentences",
        "self_text", "x_tika:content", "noticia", "ocr", "ocr_eng", "texte", "texte_integral", "texte_complet",
        "contenu", "corps", "texto", "texto_completo", "contenido", "cuerpo", "conteudo", "corpo", "artikeltext",
        "artikel", "inhalt", "volltext", "beitrag", "testo", "testo_completo", "contenuto", "tekst",
        "artikeltekst", "inhoud", "volledige_tekst", "brödtext", "brødtekst", "brodtekst", "fuldtekst",
        "fulltekst", "leipäteksti", "sisältö", "teksti", "treść", "tresc", "tekst_artykułu", "metin", "icerik",
        "içerik", "obsah", "text_článku", "szöveg", "tartalom", "continut", "sadržaj", "vsebina", "besedilo",
        "sisu", "saturs", "turinys", "isi", "isi_berita", "konten", "nội dung", "текст", "содержание", "зміст",
        "съдържание", "κείμενο", "النص", "نص", "المحتوى", "محتوى", "متن", "תוכן", "טקסט", "सामग्री", "正文",
        "内容", "內容", "全文", "文章", "新闻内容", "本文", "記事", "記事本文", "본문", "내용", "기사내용",
        # Last resorts: a part of the text.
        "summary", "description", "abstract", "lead_paragraph", "lead", "standfirst", "trail_text", "excerpt",
        "teaser", "snippet", "opening_text", "intro", "dek", "hit_sentence", "hlead", "short_description",
        "description_text", "meta_description", "highlights", "preview", "blurb", "synopsis", "first_paragraph",
        "ingress", "manchet", "chapo", "chapeau", "vorspann", "zusammenfassung", "resume", "resumen", "resumo",
        "riassunto", "sommario", "bajada", "summary_text", "abstract_note",
    ),
    "published": (
        "published", "published_at", "date", "pub_date", "publish_date", "date_publish", "date_published",
        "published_date", "publication_date", "web_publication_date", "date_time_published", "published_time",
        "publish_time", "published_on", "published_utc", "publication_datetime", "publication_time",
        "pub_datetime", "date_time_pub", "date_pub", "pub_time", "publishing_date", "posted_at", "post_date",
        "posted_on", "posted_date", "date_posted", "article_date", "news_date", "story_date", "issue_date",
        "issued", "release_date", "display_date", "first_publish_date", "version_created", "date_time",
        "time_published", "seen_date", "timestamp", "published_timestamp", "publish_timestamp", "pub_timestamp",
        "published_parsed", "published_datetime", "date_of_publication", "first_published", "first_published_at",
        "posted", "date_string", "date_timestamp", "datetime_stamp", "pdate", "document_date", "doc_date",
        "source_date", "date_utc", "created_at", "created", "date_created", "creation_date", "created_date",
        "created_time", "created_utc", "date_gmt", "post_date_gmt", "time", "day", "datum", "veröffentlicht",
        "veröffentlichungsdatum", "erscheinungsdatum", "erscheinungstag", "publikationsdatum", "publicatiedatum",
        "date_publication", "date_de_publication", "date_parution", "date_de_parution", "parution", "publie_le",
        "fecha", "fecha_publicacion", "fecha_de_publicacion", "data_pubblicazione", "data_di_pubblicazione",
        "data_publicacao", "data_de_publicacao", "data_publikacji", "data_wydania", "datum_vydání",
        "datum_publikace", "datum_objave", "dátum", "publiceringsdatum", "publicerad", "publiceret", "publisert",
        "udgivelsesdato", "päivämäärä", "päiväys", "julkaistu", "kuupäev", "datums", "tarih", "yayın_tarihi",
        "tanggal", "ngày", "ngày đăng", "дата", "дата_публикации", "дата_публікації", "ημερομηνία", "التاريخ",
        "تاريخ", "تاریخ", "תאריך", "दिनांक", "日期", "发布时间", "發布時間", "发布日期", "时间", "時間", "日付",
        "日時", "掲載日", "発行日", "公開日", "일자", "날짜", "작성일", "등록일", "입력일", "load_date",
        "@timestamp", "data", "dato",
    ),
    "source": (
        "source", "outlet", "media_name", "source_hostname", "sitename", "publication", "publication_title",
        "publication_name", "pub_title", "newspaper", "newspaper_name", "source_name", "name_source",
        "source_full_name", "site_name", "meta_site_name", "media", "media_outlet", "news_source", "news_outlet",
        "news_site", "source_domain", "hostname", "website", "site", "domain", "clean_url", "journal", "paper",
        "paper_title", "provider", "outlet_name", "media_title", "outlet_title", "medium", "source_title",
        "source_site", "newspaper_title", "name_of_outlet", "name_of_newspaper", "name_of_publication",
        "title_of_publication", "publication_full_name", "site_title", "feed_title", "feed_name", "blog_name",
        "channel", "magazine", "periodical", "brand", "publisher", "publisher_name", "publisher_title",
        "data_provider", "origin", "quelle", "zeitung", "publikation", "publikationstitel", "medienname",
        "fuente", "medio", "periodico", "publicacion", "veiculo", "jornal", "publicacao", "fonte", "testata",
        "giornale", "pubblicazione", "journal_name", "container_title", "bron", "krant", "publicatie", "källa",
        "tidning", "kilde", "medie", "lähde", "julkaisu", "lehti", "źródło", "zrodlo", "gazeta", "czasopismo",
        "kaynak", "gazete", "zdroj", "noviny", "izvor", "forrás", "sursa", "allikas", "avots", "šaltinis",
        "sumber", "nguồn", "источник", "издание", "газета", "сми", "джерело", "видання", "πηγή", "εφημερίδα",
        "المصدر", "مصدر", "الصحيفة", "منبع", "روزنامه", "מקור", "עיתון", "स्रोत", "来源", "來源", "媒体", "媒體",
        "报纸", "報紙", "新聞", "新聞名", "媒体名", "掲載紙", "出典", "언론사", "매체", "매체명", "신문사",
    ),
    "authors": (
        "authors", "author", "byline", "bylines", "creator", "creators", "writer", "writers", "author_name",
        "author_names", "authors_name", "authors_byline", "article_author", "post_author", "reporter",
        "reporters", "journalist", "journalists", "correspondent", "written_by", "credits", "by", "contributor",
        "contributors", "columnist", "name_of_author", "autor", "autoren", "verfasser", "auteur", "auteurs",
        "autore", "autori", "autores", "redacteur", "periodista", "giornalista", "jornalista", "redakteur",
        "forfatter", "författare", "skribent", "kirjoittaja", "tekijä", "yazar", "szerző", "penulis", "tác giả",
        "автор", "авторы", "συγγραφέας", "الكاتب", "كاتب", "المؤلف", "نویسنده", "מחבר", "כתב", "लेखक", "作者",
        "记者", "記者", "著者", "筆者", "기자", "기자명", "기고자", "작성자",
    ),
    "url": (
        "url", "link", "web_url", "canonical_url", "canonical_link", "article_url", "permalink", "perma_link",
        "article_link", "story_url", "news_url", "page_url", "source_link", "original_url", "requested_url",
        "responded_url", "href", "main_entity_of_page", "document_identifier", "web_link", "url_canonical", "loc",
        "document_url", "doc_url", "link_to_article", "url_of_article", "url_article", "news_link", "story_link",
        "post_url", "link_url", "full_url", "final_url", "original_link", "hyperlink", "web_address",
        "permalink_url", "canonical", "lien", "enlace", "länk", "lenke", "odkaz", "tautan", "ссылка", "посилання",
        "الرابط", "رابط", "קישור", "链接", "鏈接", "連結", "网址", "網址", "リンク", "링크",
    ),
    "section": (
        "section", "category", "topic", "section_name", "article_section", "news_desk", "desk", "categories",
        "category_name", "department", "section_title", "news_section", "topic_name", "ressort", "rubrique",
        "seccion", "secao", "editoria", "sezione", "rubriek", "rubric", "rubryka", "rubrika", "kategorie",
        "kategori", "categoria", "categorie", "avdelning", "sektion", "osio", "osasto", "bölüm", "раздел",
        "рубрика", "القسم", "分类", "版块", "カテゴリ", "섹션",
    ),
    "language": (
        "language", "lang", "in_language", "language_code", "lang_code", "language_name", "meta_lang", "locale",
        "human_language", "article_language", "sprache", "langue", "idioma", "lingua", "taal", "språk", "sprog",
        "kieli", "język", "jezik", "jazyk", "язык", "мова", "اللغة", "语言", "言語", "언어",
    ),
    "agency": ("agency", "news_agency", "wire", "wire_service"),
    "dateline": ("dateline",),
    "caption": ("caption", "image_caption", "photo_caption"),
    "pages": ("pages",),
    "ocr_quality": ("ocr_quality",),
    "extra": ("extra",),
}  # fmt: skip
FIELDS = tuple(ALIASES)
NAME_LIMIT = 64  # a longer name is no field's, and is kept out of the cache
NESTED = 1000  # added to the rank of a name that is one level down
# Objects that hold the fields of the article itself.
_WRAPPERS = frozenset(
    ("_source", "article", "attributes", "content", "data", "doc", "document", "entry", "fields", "item", "meta",
     "metadata", "news", "node", "post", "properties", "record", "story", "thread", "source", "pagemap", "og", "jsonld",
     "links", "dc", "dublin_core")
)  # fmt: skip
# Where a field is an object: its members that are the value itself.
VALUES = (
    "name", "rendered", "main", "basic", "default", "original", "title", "value", "@value", "#text", "$t", "text",
    "content", "display_name", "displayName", "full_name", "fullName", "label", "term", "by", "en", "und", "html",
    "domain", "hostname",
)  # fmt: skip
VALUE_PLACES = {value.casefold(): place for place, value in enumerate(VALUES)}
_NAMESPACES = ("dc", "dcterms", "og", "article", "schema", "media", "news", "nyt", "ns1", "atom", "xmp", "prism", "wp")
# Namespaces as tables write them: "dc.title", "dcTitle", "og_title", "citation_publication_date".
_PREFIX = re.compile(r"(?:(?i:dc|dcterms|og|prism|citation|parsely|sailthru)[._-]|dc(?=[A-Z]))(?P<rest>.+)", re.DOTALL)
# What a search engine's fields are told apart by: "title_t", "content_txt", "date_dt".
_TYPED = re.compile(r"(?P<name>.+)_(?:txt|txt_[a-z]{2}|text_[a-z]{2}|t|s|ss|dt|tdt|dts|str)", re.DOTALL)
_REMARK = re.compile(r"\s*[(\[][^()\[\]]*[)\]]\s*\Z")
_OTHER = re.compile(r"access|modif|updat|translat|retriev|added|crawl|download|index", re.IGNORECASE)
# Factiva's codes, which are names where a headline's and a text's are both there.
_CODES = {
    "an": "id", "hd": "title", "by": "authors", "sn": "source", "se": "section", "la": "language", "lp": "text",
    "td": "text", "pd": "published", "art": "caption",
}  # fmt: skip


def bare_name(name: str) -> str:
    """A name as names are compared: in lower case without accents, spaces, hyphens and underscores."""
    return re.sub(r"[\s_\-]", "", bare(name))


# "_id" is "id" once bare, and comes after it.
_PLACES = {
    bare_name(alias): (field, rank)
    for field, names in reversed(list(ALIASES.items()))
    for rank, alias in reversed(list(enumerate(names)))
}
_SUMMARIES = ALIASES["text"].index("summary")
_UNSURE = ALIASES["published"].index("data")


@lru_cache(maxsize=4096)
def place_of(name: str) -> tuple[str, int] | None:
    """The article field that a name stands for and the name's rank among its aliases; None for an unknown name.

    Case, accents, spaces, hyphens and underscores do not count, nor does a usual namespace ("dc:title") or the
    type of a search engine's field ("title_t"). Nested names look like "headline.main" and "fields.bodyText" in
    a table.
    """
    if len(name) > NAME_LIMIT:
        return None
    name = name.strip()
    bared = bare_name(name)
    if (place := _PLACES.get(bared)) is not None:
        return (place[0], 1) if place == ("id", 0) and name.startswith("_") else place
    space, colon, local = bared.partition(":")
    if colon and space in _NAMESPACES and (place := _PLACES.get(local)) is not None:
        return place[0], place[1] + NESTED
    if colon and (place := _PLACES.get(space + local)) is not None:  # "content:encoded"
        return place
    if "." in name and (place := _PLACES.get(bared.replace(".", ""))) is not None:  # "Article.Title"
        return place
    return _dotted(name) or _prefixed(name) or _plain(name)


def _dotted(name: str) -> tuple[str, int] | None:
    head, dot, last = name.rpartition(".")
    if not dot or not head:
        return None
    if head != "_source" and (place := place_of(head)) is not None and last.casefold() in VALUE_PLACES:
        return place[0], place[1] + NESTED // 2
    if wraps(head) and (place := place_of(last)) is not None:
        return place[0], place[1] + NESTED
    return None


def _prefixed(name: str) -> tuple[str, int] | None:
    """The place of "dc.title", and, behind those that are named whole, of "dc.date.issued"."""
    if (found := _PREFIX.fullmatch(name)) is not None:
        first, _, qualifier = found["rest"].partition("[")[0].partition(".")  # "dc.title[en_US]"
        place = place_of(qualifier or first)
        if place is None and (place := place_of(first)) is not None and place[0] == "published":
            return None  # "dc.date.accessioned"
        return None if place is None else (place[0], place[1] % NESTED + NESTED)
    typed = _TYPED.fullmatch(name)
    place = None if typed is None else _PLACES.get(bare_name(typed["name"]))
    return None if place is None else (place[0], place[1] + NESTED)


def _plain(name: str) -> tuple[str, int] | None:
    """The place of "Title*", "Date:" and "Full text (OCR)", behind those without a remark."""
    plain = _REMARK.sub("", name).rstrip(" *:?#")
    if plain == name or not plain or _OTHER.search(name):
        return None
    place = place_of(plain)
    return None if place is None else (place[0], place[1] % NESTED + NESTED)


def wraps(name: str) -> bool:
    """Whether an object of this name holds the fields of the article itself."""
    return name.strip().casefold() in _WRAPPERS


def is_part(rank: int) -> bool:
    """Whether a name of this rank among those of the text is that of a part of it."""
    return rank >= 0 and rank % NESTED >= _SUMMARIES


def is_unsure(rank: int) -> bool:
    """Whether a name of this rank among those of the date says so only where its value is a date: "data" does in some
    languages."""
    return rank >= 0 and rank % NESTED >= _UNSURE


def are_codes(names: Collection[str]) -> bool:
    """Whether names are Factiva's codes: a headline (HD) and a lead paragraph or text (LP, TD) among them."""
    return "HD" in names and ("LP" in names or "TD" in names)


def fields_of(names: Collection[str]) -> set[str]:
    """The fields of an article that columns of these names hold."""
    coded = {field for name in names if (field := _CODES.get(name.lower()))} if are_codes(names) else set()
    return coded | {place[0] for name in names if (place := place_of(name)) is not None}


def code_of(name: str) -> str | None:
    """The field that one of Factiva's codes stands for."""
    return _CODES.get(name.lower())

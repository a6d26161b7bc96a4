"""What the articles that match are about, by Whoosh's searcher over the archive: terms.py ARCHIVE WORDS

Prints the words that set the best ten articles apart from the others, and for the best one what resembles it.
"""

from __future__ import annotations

import sys

from whoosh.qparser import QueryParser

from search import Archive


def main(folder: str, words: str) -> int:
    with Archive.open(folder) as archive, archive.whoosh() as searcher:
        found = searcher.search(QueryParser("text", searcher.schema).parse(words), limit=10)
        if not len(found):
            return 1
        numbers = [hit.docnum for hit in found]
        print("words:", ", ".join(word for word, _ in searcher.key_terms(numbers, "text", numterms=12)))
        print("best:", found[0]["title"])
        for hit in found[0].more_like_this("text", top=3):
            print("like it:", hit["title"])
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

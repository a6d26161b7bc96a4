"""A prompt from an archive, and a check of what the model answers: citations.py ARCHIVE QUESTION [ANSWER.txt]

Without an answer the chat messages are printed, ready to be sent to a model. With the model's answer in a file, each
quotation and citation mark is looked up in the passages that it was given.
"""

from __future__ import annotations

import sys
from pathlib import Path

from search import Archive
from search.rag import check_quotes


def main(folder: str, question: str, answer: str | None = None) -> int:
    with Archive.open(folder) as archive:
        context = archive.retrieve(question, budget=1500)
        if answer is None:
            for message in context.messages():
                print(f"--- {message['role']}\n{message['content']}")
            return 0
        report = check_quotes(Path(answer).read_text(encoding="utf-8"), context, archive.get)
    for quote in report.quotes:
        print(f"{quote.verdict:<10} {quote.text}")
    print("every quotation and mark holds" if report.ok else "something does not hold")
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""What a server does not tell: the folders of its machine.

An article keeps the path of the file that it was read from, and errors of an archive name its files. Whoever asks over
a network gets the names alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from search.errors import (
    ArchiveError,
    ArchiveLocked,
    EncoderError,
    MissingExtraError,
    SearchError,
    ServerError,
    UsageError,
)
from search.records import Article, Results

# What is wrong with the machine, and not with what was asked: only there a path is one of ours.
_OURS = (ArchiveError, ArchiveLocked, EncoderError, MissingExtraError, ServerError)
_OPTION = re.compile(r"(?<![\w'-])--([a-z]+) ([a-z]+)")
NO_NAMES: Mapping[str, str] = {}
# A blank belongs to a path where a "/" comes behind it in the same name: /home/Jo Doe/news.
_FOLDER = r"/[^\s/\";:]+(?: {1,2}[^\s/\";:]+){0,7}(?=/)"
_PATH = re.compile(rf"(?<![\w.~/:-])(?:{_FOLDER})+/[^\s/'\",;:()]+/?")


def name(file: str) -> str:
    """The name of a file, by its path."""
    return file.replace("\\", "/").rstrip("/").rpartition("/")[2]


def named(article: Article) -> Article:
    """The article with the name of its file alone."""
    file = article.extra.get("file")
    if not isinstance(file, str) or name(file) == file:
        return article
    return replace(article, extra={**article.extra, "file": name(file)})


def named_all(found: Results) -> Results:
    """Results whose articles tell the names of their files alone."""
    return replace(found, hits=tuple(replace(hit, article=named(hit.article)) for hit in found))


def message(error: SearchError, folder: Path, names: Mapping[str, str] = NO_NAMES) -> str:
    """What an error says to who asks the archive in this folder; ``names`` are those that settings have there."""
    text = error.told(names) if isinstance(error, UsageError) else str(error)
    if isinstance(error, UsageError) and not isinstance(error, MissingExtraError):
        text = _OPTION.sub(r"\1=\2", text)
    if not isinstance(error, _OURS):
        return text
    for path in (folder.resolve(), folder.absolute(), folder):
        if path.name and path.parent != path:
            text = text.replace(f"{path}/", "").replace(str(path), path.name)
    return _PATH.sub(lambda match: match[0].rstrip("/").rpartition("/")[2], text)

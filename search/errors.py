"""Every error that Broadsheet raises on purpose.

SearchError
├── UsageError            the call cannot be served as asked: exit code 2
│   ├── QueryError        a query that does not parse, with the place in it
│   ├── ModeError         a mode that this archive cannot serve
│   └── MissingExtraError an optional dependency is not installed
├── ArchiveError          the archive cannot be used: exit code 3
│   ├── ArchiveNotFound
│   ├── ArchiveReplaced   another archive lies where this one was
│   ├── ArchiveLocked     another writer holds it
│   ├── ArchiveMismatch   built with another format, model or setting
│   ├── ArchiveDamaged    a file is missing, short or changed
│   ├── PurgeUnfinished   bytes of purged articles are still there
│   └── StorageError      read-only, permission
│       └── DiskFull      no room: what frees some works all the same
├── EncoderError          a model cannot be found, trusted or run: exit code 3
├── SourceError           an input that cannot be read at all: exit code 2
│   └── AddressFailed     an address that gave nothing of use
│       └── AddressRefused  one that is not asked at all
├── ArticleNotFound       no live article has this id: exit code 1
└── ServerError           a server cannot answer this request now
    ├── ServerBusy        as many requests as it takes are waiting
    └── QueryTimeout      the answer took longer than it may
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Self

OF_MEANING = frozenset(
    {"faiss", "torch", "sentence_transformers", "transformers", "tokenizers", "safetensors"}
    | {"onnxruntime", "onnx", "onnxscript", "huggingface_hub"}
)
"""What searching by meaning imports. Everything by words runs without."""


class SearchError(Exception):
    """Base of all errors raised by this package; ``str(error)`` is fit to be shown to a user."""

    exit_code = 3


class UsageError(SearchError):
    """The call cannot be served as asked. ``settings``: what is at fault, by the names that Python has for it."""

    exit_code = 2
    settings: tuple[str, ...] = ()

    def about(self, *settings: str) -> Self:
        """The same, of these settings."""
        self.settings = settings
        return self

    def told(self, names: Mapping[str, str]) -> str:
        """The message with the settings by the names that who asked has for them."""
        text = str(self)
        for setting in self.settings:
            if (name := names.get(setting, setting)) != setting:
                text = re.sub(rf"(?<![\w'-]){setting}(?![\w'])", name.replace("\\", ""), text, count=1)
        return text


class QueryError(UsageError):
    """A query that does not parse. ``position`` is a 0-based character offset, or None for the whole query."""

    def __init__(self, message: str, query: str = "", position: int | None = None) -> None:
        super().__init__(message)
        self.query = query
        self.position = position

    def pointer(self) -> str:
        """Two lines that show the query and a caret under the offending character; empty without a position."""
        if self.position is None or not self.query or "\n" in self.query:
            return ""
        start = max(0, self.position - 60)
        shown = "".join(c if c.isprintable() else "?" for c in self.query[start : self.position + 20])
        return f"  {shown}\n  {' ' * (self.position - start)}^"


class ModeError(UsageError):
    """The archive cannot serve this mode, for example ``vector`` without vectors."""


class MissingExtraError(UsageError):
    """A dependency is not installed; the message has a line that installs it here. ``extra`` is the one that brings it,
    empty for what searching by meaning needs; ``instead``, what works without."""

    def __init__(self, package: str, extra: str = "", instead: str = "") -> None:
        super().__init__(f"{package} is not installed; install it with: {install_line(extra)}{instead}")


class ArchiveError(SearchError):
    """The archive cannot be used."""


class ArchiveNotFound(ArchiveError):
    """No archive at this path."""


class ArchiveReplaced(ArchiveError):
    """Another archive lies at the path than when it was opened; open it again."""


class ArchiveLocked(ArchiveError):
    """Another process is writing to this archive."""


class ArchiveMismatch(ArchiveError):
    """The archive was built with another format version, model or setting."""


class ArchiveDamaged(ArchiveError):
    """A file of the archive is missing, short, or does not match its checksum."""


class PurgeUnfinished(ArchiveError):
    """The articles are deleted, but some of their bytes are still there, since another program reads them."""


class StorageError(ArchiveError):
    """The operating system refused to read or write: permission, read-only."""


class DiskFull(StorageError):
    """There is no room for what was to be written. Searching, deleting and optimizing go on."""


class EncoderError(SearchError):
    """A model that cannot be found, trusted or run."""


class SourceError(SearchError):
    """An input that cannot be read at all (a bad record inside a source is a ``Rejection`` instead)."""

    exit_code = 2


class AddressFailed(SourceError):
    """An address that gave nothing of use. ``wait``: seconds for which its server wants to be left alone, 0.0 where it
    says nothing; ``gone``: it says that there will never be anything there again."""

    def __init__(self, message: str, *, wait: float = 0.0, gone: bool = False) -> None:
        super().__init__(message)
        self.wait = wait
        self.gone = gone


class AddressRefused(AddressFailed):
    """An address that is not asked: of another scheme than http and https, or of a machine of the house."""


class ArticleNotFound(SearchError):
    """No live article has this id."""

    exit_code = 1


class ServerError(SearchError):
    """A server cannot answer this request now; another time, it may."""


class ServerBusy(ServerError):
    """As many requests as the server takes are waiting."""


class QueryTimeout(ServerError):
    """The answer took longer than it may."""


class RecordsRejected(UserWarning):
    """``Archive.add`` left records out; its report says which and why."""

    def __init__(self, count: int, reason: str) -> None:
        records = "1 record was" if count == 1 else f"{count:,} records were"
        super().__init__(f"{records} rejected, the first one since: {reason}; see the report's rejections")


class CommitsLost(UserWarning):
    """The catalog has lost commits that were made: a bit of its log has flipped, or an older copy lies in its place."""

    def __init__(self, path: str, commit: int, segments: int) -> None:
        super().__init__(
            f"{path} has lost what came after its commit {commit}; {segments} segment{'s' if segments != 1 else ''} of "
            "later commits were set aside, and deletes since then are undone. Run 'broadsheet doctor', which names the "
            "articles set aside, and index them again"
        )


class SettingsDamaged(UserWarning):
    """Settings that differ from their checksum were exported as they are."""


class AlertsDamaged(UserWarning):
    """Saved queries that cannot be read were left out."""

    def __init__(self, path: str, names: Sequence[str]) -> None:
        shown = ", ".join(map(repr, names[:5])) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        super().__init__(
            f"{path} has {'an alert that is' if len(names) == 1 else 'alerts that are'} damaged and left out: {shown}; "
            "remove and add again, or restore a backup"
        )


def install_line(extra: str = "") -> str:
    """A line for a shell that installs an extra into the Python that runs: from the clone that this code lies in, with
    its pinned versions, or the package."""
    import shlex
    import sys
    from pathlib import Path

    clone = Path(__file__).resolve().parent.parent
    name = f"[{extra}]" if extra else ""
    python = shlex.quote(sys.executable or "python")
    if not (clone / "pyproject.toml").is_file():
        return f"{python} -m pip install {shlex.quote(f'broadsheet{name}')}"
    pins = f" -c {shlex.quote(str(clone / 'constraints.txt'))}" if (clone / "constraints.txt").is_file() else ""
    return f"{python} -m pip install{pins} -e {shlex.quote(f'{clone}{name}')}"


@contextmanager
def needs_models() -> Iterator[None]:
    """Where FAISS or a model's packages are imported: one that is not installed is a MissingExtraError."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in OF_MEANING:
            raise
        instead = "; searching by words needs none of it: --mode keyword, and index --no-vectors"
        raise MissingExtraError(package, instead=instead) from None


class PassagesAsCut(UserWarning):
    """What is left out of articles has changed, and their passages could not be cut again."""

    def __init__(self, path: str, why: Exception) -> None:
        super().__init__(
            f"some passages of {path} are as they were cut before it was known what to leave out of them: {why}. "
            "'broadsheet optimize' cuts them again where the model is at hand"
        )

"""Fixtures for every test: none of them can touch the user's own cache or archives."""

from __future__ import annotations

import fcntl
import gc
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# What is started in the background ignores Ctrl-C, and so does all that it starts: tests send it to commands of theirs.
signal.signal(signal.SIGINT, signal.default_int_handler)
SAMPLE = Path(__file__).parent / "sample"


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for the session: exporting a model once is enough."""
    root = tmp_path_factory.getbasetemp()
    folder = (root.parent if os.environ.get("PYTEST_XDIST_WORKER") else root) / "cache"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def sample_archive(shared_cache: Path) -> Path:
    """The sample archive with the default model's vectors, as ``broadsheet index`` makes it: built once for all
    workers, and written by no test."""
    from click.testing import CliRunner

    from search.cli.main import cli

    folder = shared_cache.parent / "sample"
    with (shared_cache.parent / "sample.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            made = folder.with_suffix(".made")
            paths = [str(SAMPLE / name) for name in ("articles", "articles.jsonl", "articles.csv")]
            environment = {"BROADSHEET_CACHE": str(shared_cache)}
            done = CliRunner().invoke(cli, ["index", *paths, "--index", str(made)], env=environment)
            assert done.exit_code == 0, done.output
            made.rename(folder)
    return folder


@pytest.fixture
def collector_off() -> Iterator[None]:
    """No collection while a test takes time: over all that a worker has imported, one costs half a second."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def sample_copy(sample_archive: Path, tmp_path: Path) -> Path:
    """A copy of the sample archive that a test may change."""
    return shutil.copytree(sample_archive, tmp_path / "sample")


@pytest.fixture(scope="session")
def cross_encoder(shared_cache: Path) -> str:
    """The folder of a cross-encoder made by hand: the larger a text's share of the word "readings", the better."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    folder = shared_cache.parent / "cross-encoder"
    with (shared_cache.parent / "cross-encoder.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            return str(folder)
        made = folder.with_suffix(".made")
        made.mkdir()
        words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "readings"]
        (made / "vocab.txt").write_text("\n".join(words))
        BertTokenizerFast(vocab=str(made / "vocab.txt")).save_pretrained(made)
        size = {"hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 4}
        model = BertForSequenceClassification(BertConfig(vocab_size=len(words), num_labels=1, **size))
        with torch.no_grad():
            for name, weights in model.named_parameters():
                weights.fill_(1.0 if name.endswith("LayerNorm.weight") else 0.0)
            attention = model.bert.encoder.layer[0].attention  # of all tokens alike, so that [CLS] holds their mean
            for same in (attention.self.value, attention.output.dense, model.bert.pooler.dense):
                same.weight.copy_(torch.eye(4))
            model.bert.embeddings.word_embeddings.weight[:] = torch.tensor([0.0, 0.0, 1.0, -1.0])
            model.bert.embeddings.word_embeddings.weight[words.index("readings")] = torch.tensor([1.0, -1.0, 0.0, 0.0])
            model.classifier.weight.copy_(torch.tensor([[1.0, -1.0, 0.0, 0.0]]))
        model.save_pretrained(made)
        made.rename(folder)
    return str(folder)


@pytest.fixture(autouse=True)
def own_surroundings(monkeypatch: pytest.MonkeyPatch, shared_cache: Path, tmp_path: Path) -> None:
    monkeypatch.setenv("BROADSHEET_CACHE", str(shared_cache))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("BROADSHEET_CONFIG", "")
    for name in ("BROADSHEET_INDEX", "BROADSHEET_DEBUG", "NO_COLOR", "COLUMNS", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)

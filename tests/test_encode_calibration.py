"""Which way a model is run in: measured on real passages, kept if it agrees with float32, remembered, overridden."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from search import Archive, Article, encode
from search.encode import calibration, transformer
from search.encode.base import unit_rows
from search.encode.calibration import Choice, measure
from search.encode.hashing import HashEncoder
from search.encode.transformer import BFLOAT16, FLOAT32, ONEDNN, ONNX, PRODUCTS
from search.errors import EncoderError

IDENTITY = HashEncoder().identity


@pytest.fixture
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("BROADSHEET_CACHE", str(tmp_path / "own-cache"))
    return tmp_path / "own-cache"


class Machine:
    """On which each way takes so many seconds a passage."""

    def __init__(self, seconds, changes=None):
        self.spent, self.seconds, self.ran = 0.0, seconds, []
        self.changes = changes or {}

    def run(self, way, rows):
        self.ran.append((way, list(rows)))
        self.spent += self.seconds[way] * len(rows)
        vectors = np.eye(64, dtype=np.float32)[np.array(rows) % 64] + np.float32(0.1)
        change = self.changes.get(way, 0.0)
        if change is None:
            raise EncoderError("this way cannot be taken")
        vectors[:, -1] += np.float32(change)
        return vectors, self.seconds[way] * len(rows)


def test_the_fastest_way_that_agrees_is_chosen():
    machine = Machine(
        {"slow": 0.02, "quick": 0.01, "quicker": 0.005, "wrong": 0.001, "broken": 0.001},
        {"quicker": 0.001, "wrong": 0.5, "broken": None},
    )
    found = measure(["slow", "quick", "quicker", "wrong", "broken"], machine.run, list(range(10, 110)), 2)
    assert [choice for choice, _ in found] == [Choice("quicker", 200.0), Choice("quick", 100.0), Choice("slow", 50.0)]
    assert 0.9999 <= found[0][1] < found[1][1] == pytest.approx(1.0)
    assert str(found[0][0]) == "quicker (200 passages/s)"
    assert machine.spent <= calibration.BUDGET
    samples = {tuple(rows) for _, rows in machine.ran[2:]}
    assert len(samples) == 1  # all ways do the same work
    (sample,) = samples
    assert len(sample) % 2 == 0  # each of two workers as much as the other
    assert min(sample) < 15
    assert max(sample) > 85


def test_a_model_too_slow_to_be_measured_is_not():
    machine = Machine({"slow": 1.0, "quick": 0.5})
    assert measure(["slow", "quick"], machine.run, [5] * 50, 2) == []
    assert {way for way, _ in machine.ran} == {"slow"}


def test_a_clock_too_coarse_to_tell_is_no_obstacle():
    machine = Machine({"first": 0.0, "second": 0.0})
    found = measure(["first", "second"], machine.run, [5] * 50, 2)
    assert {choice.way for choice, _ in found} == {"first", "second"}
    assert len(machine.ran) < 25


def test_what_was_chosen_is_remembered_for_this_model_and_precision(own_cache):
    assert calibration.recorded(IDENTITY, "auto") is None
    calibration.record(IDENTITY, "auto", [(Choice("bfloat16", 52.2), 0.99997), (Choice("float32", 24.1), 1.0)])
    assert calibration.recorded(IDENTITY, "auto") == Choice("bfloat16", 52.2)
    assert calibration.recorded(IDENTITY, "float32") is None
    assert calibration.recorded(replace(IDENTITY, weights_hash="0" * 64), "auto") is None
    (path,) = (own_cache / "encoders" / "ways").iterdir()
    told = json.loads(path.read_text())
    assert told["ways"] == {
        "bfloat16": {"rate": 52.2, "cosine": 0.99997},
        "float32": {"rate": 24.1, "cosine": 1.0},
    }
    for broken in ("", "[]", '{"way": "bfloat16"}', '{"way": 1, "rate": "fast"}'):
        path.write_text(broken)
        assert calibration.recorded(IDENTITY, "auto") is None


def test_a_cache_that_cannot_be_written_is_no_obstacle(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BROADSHEET_CACHE", str(tmp_path / "file"))
    calibration.record(IDENTITY, "auto", [(Choice("bfloat16", 52.2), 0.99997)])
    assert calibration.recorded(IDENTITY, "auto") is None


# The default model


TEXTS = [
    f"Storm {i} hits the coast\n" + f"Ten people died on day {i} when a storm hit the coast of Spain. " * (i % 9)
    for i in range(40)
]


@pytest.fixture
def worth(monkeypatch):
    monkeypatch.setattr(calibration, "WORTH", 1000)


@pytest.fixture
def measured(monkeypatch):
    """How often ways were measured."""
    calls = []

    def noted(ways, *rest):
        calls.append(list(ways))
        return measure(ways, *rest)

    monkeypatch.setattr(calibration, "measure", noted)
    return calls


@pytest.mark.model
def test_every_way_gives_the_models_vectors(own_cache):
    encoder = encode.load_encoder(None, "float32")
    encode.prepare_query_encoder(encoder)
    true = unit_rows(np.stack([encoder.encode_query(text) for text in TEXTS]))
    for way in (FLOAT32, ONEDNN, ONNX, BFLOAT16, PRODUCTS):
        encoder.way = way
        assert (encoder.encode(TEXTS) * true).sum(axis=1).min() >= calibration.PARITY, way


@pytest.mark.model
def test_a_real_amount_of_work_is_measured_once(own_cache, worth, measured):
    encoder = encode.load_encoder()
    assert encoder.choice is None
    assert encode.how_encoded(encoder) == encoder.way
    encoder.encode(TEXTS[:3])  # not worth it
    assert measured == []
    done = []
    vectors = encoder.encode(TEXTS, done.append)
    assert sum(done) == len(TEXTS)
    assert len(measured) == 1
    assert {FLOAT32, ONEDNN, ONNX} <= set(measured[0])
    assert ({BFLOAT16, PRODUCTS} <= set(measured[0])) == transformer.cpu_has_bfloat16()
    assert encoder.choice is not None
    assert encode.recorded_way(encoder.identity) == encode.how_encoded(encoder) == str(encoder.choice)
    assert list(encoder._forms) in ([encoder.way], [])
    again = encode.load_encoder()
    assert again.choice == encoder.choice
    assert (again.encode(TEXTS) * vectors).sum(axis=1).min() >= calibration.PARITY
    assert len(measured) == 1


@pytest.mark.model
def test_precision_overrides_what_was_measured(own_cache, worth, measured):
    auto = encode.load_encoder()
    calibration.record(auto.identity, "auto", [(Choice(ONEDNN, 40.0), 1.0)])
    assert encode.load_encoder().way == ONEDNN
    assert encode.load_encoder(precision="bfloat16").way == BFLOAT16
    exact = encode.load_encoder(precision="float32")
    assert exact.way == FLOAT32
    exact.encode(TEXTS)
    assert BFLOAT16 not in measured[0]


@pytest.mark.model
def test_a_recorded_way_that_is_gone_is_not_taken(own_cache):
    identity = encode.load_encoder().identity
    calibration.record(identity, "auto", [(Choice(ONNX, 40.0), 1.0)])
    encoder = encode.load_encoder()  # whose graph is not in the cache
    assert encoder.way == ONNX
    encoder.encode(TEXTS[:3])
    assert encoder.way in (FLOAT32, BFLOAT16)
    calibration.record(identity, "auto", [(Choice("float8", 40.0), 1.0)])
    assert encode.load_encoder().choice is None


class Told(HashEncoder):
    how = "bfloat16 (52 passages/s)"


def test_progress_and_stats_tell_the_way(own_cache, tmp_path, monkeypatch):
    monkeypatch.setattr(encode, "load_encoder", lambda *_: Told())
    ways, article = set(), Article(id="a", title="Storm", text="Storm hits coast.")
    with Archive.open(tmp_path / "a", create=True, model="hash") as archive:
        archive.add([article], progress=lambda progress: ways.add((progress.stage, progress.how)))
        assert ways == {("reading", None), ("embedding", Told.how), ("writing", None)}
        assert archive.stats()["embedding"] is None
        calibration.record(IDENTITY, "auto", [(Choice("bfloat16", 52.2), 0.99997)])
        monkeypatch.setattr(encode, "_NO_NETWORK", ())
        assert archive.stats()["embedding"] == "bfloat16 (52 passages/s)"

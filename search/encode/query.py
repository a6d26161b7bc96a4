"""The query encoder that needs no torch: a graph made once for this machine, run by onnxruntime from the user's cache.

A folder of the cache holds the optimised graph, its weights (mapped, not read), the tokenizer and a manifest with
their SHA-256. What is missing or does not match is made again. Nothing of this is ever inside an archive.
"""

from __future__ import annotations

import json
import os
import platform
import re
from dataclasses import asdict
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.encode.base import unit_rows
from search.encode.models import hash_file, read_json
from search.errors import EncoderError
from search.records import EncoderIdentity
from search.storage.files import cache_folder

FORMAT = 2
LARGE = 200_000_000
"""Bytes of weights from which a query is worth several threads."""

SPIN = 20
"""Microseconds for which a thread looks for the next operator before it sleeps: waking it takes as long."""

_SPIN_SINCE = (1, 27)  # of onnxruntime; earlier ones spin for a thousand times as long, or not at all
GRAPH, WEIGHTS, TOKENIZER, MANIFEST = "model.onnx", "weights.bin", "tokenizer.json", "manifest.json"


class OnnxQueryEncoder:
    """One query at a time in float32, without torch. Threads may share it."""

    def __init__(self, folder: Path, identity: EncoderIdentity, session: Any, tokenizer: Any, additive: bool) -> None:
        self.identity = identity
        self.folder = folder
        self._session = session
        self._tokenizer = tokenizer
        self._additive = additive

    def encode_query(self, text: str) -> NDArray[np.float32]:
        """A query as float32[d] of L2 norm 1."""
        text = self.identity.query_prefix + text
        if self._additive:  # white space is all the same to the tokenizer: as passages are read
            text = " ".join(text.split())
        ids = np.array([self._tokenizer.encode(text).ids], np.int64)
        try:
            (found,) = self._session.run(None, {"input_ids": ids})
        except Exception as error:  # onnxruntime's exceptions share no base of their own
            raise EncoderError(f"the query encoder in {self.folder} failed: {error}") from error
        vector: NDArray[np.float32] = unit_rows(found[:, : self.identity.dimension])[0]
        return vector


def encoder_folder(identity: EncoderIdentity) -> Path:
    """Where the query encoder of a model is kept, for this version of onnxruntime and this processor."""
    if not re.fullmatch(r"[0-9a-f]{64}", identity.weights_hash):
        raise EncoderError(f"the encoder's weights hash {identity.weights_hash[:80]!r} is not a SHA-256")
    import onnxruntime

    machine = json.dumps([processor(), asdict(identity), FORMAT], sort_keys=True)
    key = blake2b(machine.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return cache_folder() / "encoders" / f"{identity.weights_hash}-{onnxruntime.__version__}-{key}"


def processor() -> str:
    """The first processor's name and abilities: an optimised graph fits the machine that it was optimised on."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as file:
            own = file.read(8192).split("\n\n")[0]
    except OSError:
        return f"{platform.system()} {platform.machine()} {platform.processor()}"
    lines = re.findall(r"^(?:model name|flags|Features|CPU part)\s*:.*", own, re.M)
    return "\n".join([platform.machine(), *lines])


def open_query_encoder(identity: EncoderIdentity) -> OnnxQueryEncoder | str | None:
    """The query encoder from the cache; None if there is none, or none whole; why, if the model cannot have one."""
    folder = encoder_folder(identity)
    try:
        found = _manifest(folder, identity)
        return found if found is None or isinstance(found, str) else start(folder, identity, bool(found["additive"]))
    except (EncoderError, KeyError, TypeError):
        return None


def _manifest(folder: Path, identity: EncoderIdentity) -> dict[str, Any] | str | None:
    """What the cache says of a whole query encoder; a text is why the model cannot have one."""
    manifest = read_json(folder / MANIFEST)
    if not isinstance(manifest, dict) or manifest.get("identity") != asdict(identity):
        return None
    if isinstance(refusal := manifest.get("refused"), str):
        return refusal
    files = manifest["files"]
    if set(files) != {GRAPH, WEIGHTS, TOKENIZER} or any(hash_file(folder / n) != h for n, h in files.items()):
        return None
    return manifest


def start(folder: Path, identity: EncoderIdentity, additive: bool) -> OnnxQueryEncoder:
    """An encoder from the files of a folder, which are trusted here. Raises EncoderError if they do not run."""
    from tokenizers import Tokenizer

    # Two threads take 0.7 of the time of one on an idle machine. They spin from one operator to the next and no longer
    # (see _session): on a busy one they take no more than one does. More are not worth their start for a small model.
    large = (folder / WEIGHTS).stat().st_size > LARGE
    threads = min(4 if large else 2, os.cpu_count() or 1)
    try:
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        tokenizer.no_padding()
        tokenizer.enable_truncation(identity.max_tokens)
    except Exception as error:  # the library has no base exception of its own
        raise EncoderError(f"the query encoder in {folder} does not start: {error}") from error
    return OnnxQueryEncoder(folder, identity, _session(folder, threads), tokenizer, additive)


def _session(folder: Path, threads: int) -> Any:
    import onnxruntime

    options = session_options()
    options.intra_op_num_threads = threads
    if threads > 1 and tuple(map(int, onnxruntime.__version__.split(".")[:2])) >= _SPIN_SINCE:
        options.add_session_config_entry("session.intra_op.allow_spinning", "1")
        options.add_session_config_entry("session.intra_op.spin_duration_us", str(SPIN))
        options.add_session_config_entry("session.force_spinning_stop", "1")
    # The graph was optimised when it was made.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        return onnxruntime.InferenceSession(str(folder / GRAPH), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library has no base exception of its own
        raise EncoderError(f"the query encoder in {folder} does not start: {error}") from error


def passage_session(identity: EncoderIdentity) -> Any:
    """The query encoder's graph, for passages: one thread for each caller. Raises EncoderError if it is not there."""
    folder = encoder_folder(identity)
    try:
        found = _manifest(folder, identity)
    except (KeyError, TypeError):
        found = None
    if not isinstance(found, dict):
        raise EncoderError(found or "there is no query encoder yet")
    return _session(folder, 1)


def session_options() -> Any:
    """Settings of all sessions: silence, and nothing that waits for another core."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    return options

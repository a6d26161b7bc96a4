"""Making a query encoder: torch model -> ONNX -> graph optimised for this processor -> checked -> the user's cache."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from search.encode.bert_graph import bert_graph, save
from search.encode.loading import silence
from search.encode.models import hash_file
from search.encode.query import (
    GRAPH,
    MANIFEST,
    TOKENIZER,
    WEIGHTS,
    OnnxQueryEncoder,
    encoder_folder,
    open_query_encoder,
    session_options,
    start,
)
from search.encode.transformer import SentenceTransformerEncoder
from search.errors import EncoderError
from search.storage.files import fsync_folder, storage_errors

PARITY = 0.99999
"""Least cosine of a query encoder's vectors to the model's own."""

_TRIAL = (
    "",
    "Israel",
    "ceasefire hostages",
    "militant groups learning from one another in Kashmir",
    "Who negotiated the 2015 nuclear agreement, and what did U.S. sanctions cost Iran's economy?",
    "Überschwemmung in Köln: 3,2 Mrd. € Schaden",
    "以色列 停火 协议",
    " ".join(["the central bank raised its rate to 5.25% on Thursday, and shares fell;"] * 40),
)


_STALE = 3600  # seconds after which a half-made folder is nobody's


class CannotExport(Exception):
    """This model has no form that onnxruntime can run with the same vectors."""


def make_query_encoder(encoder: SentenceTransformerEncoder) -> OnnxQueryEncoder:
    """Export a model that is on the CPU and keep it in the cache, replacing what is broken there.

    Raises EncoderError, with the reason, for a model that has no such form, which is remembered; StorageError if the
    cache cannot be written.
    """
    target = encoder_folder(encoder.identity)
    with storage_errors(f"write the query encoder to {target.parent}"):
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target.parent)
        folder = Path(tempfile.mkdtemp(dir=target.parent, prefix=".new-"))
        manifest: dict[str, Any] = {"identity": asdict(encoder.identity)}
        try:
            try:
                manifest["additive"] = _write(encoder, folder)
                manifest["files"] = {name: hash_file(folder / name) for name in (GRAPH, WEIGHTS, TOKENIZER)}
            except CannotExport as error:
                manifest["refused"] = str(error)
            (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
            _publish(folder, target)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    found = open_query_encoder(encoder.identity)
    if isinstance(found, OnnxQueryEncoder):
        return found
    raise EncoderError(found or f"the query encoder in {target} cannot be read back")


def _write(encoder: SentenceTransformerEncoder, folder: Path) -> bool:
    """Write graph, weights and tokenizer; say whether white space is all the same to the tokenizer."""
    written = bert_graph(encoder)
    if written is not None:
        try:
            return _optimised(encoder, folder, lambda path: save(written, path))
        except CannotExport:  # another BERT than it says
            for path in folder.iterdir():
                path.unlink()
    return _optimised(encoder, folder, lambda path: _export(encoder, path))


def _optimised(encoder: SentenceTransformerEncoder, folder: Path, write: Callable[[Path], None]) -> bool:
    """As ``_write``, of the graph that ``write`` puts at a path."""
    import onnxruntime

    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".raw-") as raw:
        exported = Path(raw) / "exported.onnx"
        write(exported)
        options = session_options()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.optimized_model_filepath = str(folder / GRAPH)
        options.add_session_config_entry("session.optimized_model_external_initializers_file_name", WEIGHTS)
        options.add_session_config_entry("session.optimized_model_external_initializers_min_size_in_bytes", "1024")
        try:
            onnxruntime.InferenceSession(str(exported), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's exceptions share no base of their own
            raise CannotExport(f"onnxruntime cannot run it: {_first_line(error)}") from error
    if not (folder / WEIGHTS).is_file():
        (folder / WEIGHTS).touch()
    encoder.backend_tokenizer.save(str(folder / TOKENIZER), pretty=False)
    additive = encoder.tokenizer.additive
    try:
        made = start(folder, encoder.identity, additive)
    except EncoderError as error:
        raise CannotExport(str(error)) from error
    _check(encoder, made)
    return additive


def _export(encoder: SentenceTransformerEncoder, path: Path) -> None:
    import torch

    if not encoder.is_transformer:
        raise CannotExport("its first module is not a transformer")
    sample = torch.from_numpy(encoder.query_ids(_TRIAL[3])[None])
    length = torch.export.Dim("length", min=2, max=encoder.identity.max_tokens)
    try:
        with silence(), torch.no_grad():
            program = torch.onnx.export(
                _as_module(encoder),
                (sample,),
                input_names=["input_ids"],
                output_names=["vector"],
                dynamic_shapes=({1: length},),
                dynamo=True,
                verbose=False,
            )
            if program is None:
                raise CannotExport("the exporter gave nothing")
            program.save(str(path), external_data=True)
    except (OSError, MemoryError, CannotExport):
        raise
    except Exception as error:  # the exporter raises whatever a model's code runs into
        raise CannotExport(f"torch cannot export it: {_first_line(error)}") from error


def _as_module(encoder: SentenceTransformerEncoder) -> Any:
    import torch

    model = encoder.model

    class Query(torch.nn.Module):  # type: ignore[misc,name-defined,unused-ignore]
        """Token ids int64[1, n] of one query to its pooled vector float32[1, d]."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any) -> Any:
            features = {"input_ids": input_ids, "attention_mask": torch.ones_like(input_ids)}
            if encoder.takes_token_types:
                features["token_type_ids"] = torch.zeros_like(input_ids)
            return self.model(features)["sentence_embedding"]

    return Query().eval()


def _check(encoder: SentenceTransformerEncoder, made: OnnxQueryEncoder) -> None:
    for text in _TRIAL:
        cosine = float(encoder.encode_query(text) @ made.encode_query(text))
        if not cosine >= PARITY:
            raise CannotExport(f"its exported form gives another vector for {text[:40]!r} (cosine {cosine:.6f})")


def _publish(folder: Path, target: Path) -> None:
    """Make the folder durable, then give it its name; a broken one of that name goes first."""
    for path in folder.iterdir():
        with path.open("rb+") as file:
            os.fsync(file.fileno())
    fsync_folder(folder)
    try:
        folder.rename(target)
    except OSError:
        if not target.is_dir():
            raise
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".old-") as old:
            try:
                target.rename(Path(old) / "broken")
                folder.rename(target)
            except FileNotFoundError:
                pass  # another process is publishing the same thing
            except OSError:
                if not target.is_dir():
                    raise
    fsync_folder(target.parent)


def _sweep(parent: Path) -> None:
    """Remove what killed processes left behind."""
    for prefix in (".new-", ".raw-", ".old-"):
        for path in parent.glob(f"{prefix}*"):
            if time.time() - path.stat().st_mtime > _STALE:
                shutil.rmtree(path, ignore_errors=True)


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:200]

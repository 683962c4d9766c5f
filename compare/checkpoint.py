"""Save and load the state of a run: arrays and JSON, nothing that is executed."""

import hashlib
import io
import json
import math
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

NAME = "checkpoint.npz"
"""Name of the file in a run directory."""
_TREE, _DIGEST = "tree", "digest"


class BadCheckpoint(ValueError):
    """The file is missing, damaged or no checkpoint; the message names it."""


def save(path: Path, tree: Any) -> None:
    """Write a nested state, whole or not at all.

    Args:
        path: the file; an older one is replaced.
        tree: dicts (keys of text or whole numbers), lists, arrays, numbers, text,
            bool and None, nested in any way.

    Raises:
        TypeError: it holds anything else.
    """
    arrays: dict[str, np.ndarray] = {}
    text = json.dumps(_encoded(tree, arrays), allow_nan=False).encode()
    arrays[_TREE] = np.frombuffer(text, np.uint8)
    arrays[_DIGEST] = np.frombuffer(_digest(arrays), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    draft = path.with_name(path.name + ".tmp")
    with draft.open("wb") as file:
        file.write(buffer.getvalue())
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)


def load(path: Path) -> Any:
    """Read what `save` wrote.

    Raises:
        BadCheckpoint: there is no such file, or it is cut short or was changed.
    """
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        digest = arrays.pop(_DIGEST).tobytes()
        if digest != _digest(arrays):
            raise BadCheckpoint(f"{path} was changed: its contents do not add up")
        return _decoded(json.loads(arrays[_TREE].tobytes()), arrays)
    except FileNotFoundError:
        raise BadCheckpoint(
            f"there is no checkpoint {path}; start the run again"
        ) from None
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, BadCheckpoint):
            raise
        raise BadCheckpoint(f"{path} is no intact checkpoint: {error}") from None


def _digest(arrays: dict[str, np.ndarray]) -> bytes:
    """A hash of every array with its name, dtype and shape."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        a = arrays[name]
        digest.update(f"{name} {a.dtype.str} {a.shape}".encode())
        digest.update(np.ascontiguousarray(a).tobytes())
    return digest.digest()


def _encoded(tree: Any, arrays: dict[str, np.ndarray]) -> Any:
    """`tree` as JSON; its arrays are moved to `arrays`."""
    if isinstance(tree, (np.ndarray, np.generic)):
        name = f"array_{len(arrays)}"
        arrays[name] = np.asarray(tree)
        return {"array": name}
    if isinstance(tree, dict):
        return {"dict": [[k, _encoded(v, arrays)] for k, v in tree.items()]}
    if isinstance(tree, (list, tuple)):
        return {"list": [_encoded(v, arrays) for v in tree]}
    if isinstance(tree, float) and not math.isfinite(tree):
        return {"float": repr(tree)}
    if tree is None or isinstance(tree, (bool, int, float, str)):
        return tree
    raise TypeError(f"a checkpoint holds no {type(tree).__name__}")


def _decoded(tree: Any, arrays: dict[str, np.ndarray]) -> Any:
    if not isinstance(tree, dict):
        return tree
    ((kind, value),) = tree.items()
    if kind == "array":
        return arrays[value]
    if kind == "dict":
        return {k: _decoded(v, arrays) for k, v in value}
    if kind == "list":
        return [_decoded(v, arrays) for v in value]
    return float(value)

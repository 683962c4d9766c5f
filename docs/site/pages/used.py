"""What a lesson takes from the two libraries, seen by building its learners."""

from types import ModuleType
from typing import Any

import handmade
from compare.experiment import Experiment

PLUMBING = ("training.", "manual_seed")
"""Used by every lesson; shown on the page about the training step."""


class _Watched:
    """A module that notes which of its names are asked for."""

    def __init__(self, module: ModuleType, path: str, seen: dict[str, None]) -> None:
        self._module, self._path, self._seen = module, path, seen

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._module, name)
        path = f"{self._path}.{name}".lstrip(".")
        if isinstance(value, ModuleType):
            return _Watched(value, path, self._seen)
        self._seen[path] = None
        return value


def names(lesson: Experiment) -> list[str]:
    """The dotted names, such as "nn.Linear", in the order of their first use."""
    seen: dict[str, None] = {}
    for make in lesson.learners.values():
        make(_Watched(handmade, "", seen))
    return [name for name in seen if not name.startswith(PLUMBING)]

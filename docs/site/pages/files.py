"""A folder of generated pages that holds nothing else."""

from pathlib import Path


class Pages:
    """Writes what has changed and, at the end, removes what is no longer made.

    Args:
        folder: made if it is missing; everything in it belongs to the generator.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made: set[Path] = set()

    def add(self, name: str, content: str | bytes) -> None:
        """A file of this name; an unchanged one keeps its time, so nothing rebuilds."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        new = content.encode() if isinstance(content, str) else content
        if not path.exists() or path.read_bytes() != new:
            path.write_bytes(new)
        self.made.add(path)

    def finish(self) -> None:
        """Remove every file that was not added."""
        for path in self.folder.rglob("*"):
            if path.is_file() and path not in self.made:
                path.unlink()

"""The result of a run as HTML, and the colours of verdicts."""

COLORS = {
    **dict.fromkeys(("equal", "rounding"), "green"),
    **dict.fromkeys(("convention", "not judged"), "yellow"),
    **dict.fromkeys(("mistake", "wrong", "bug"), "red"),
}
"""For the terminal (rich), by the kind of verdict."""

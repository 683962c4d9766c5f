"""The colours that verdicts are shown in."""

COLORS = {"equal": "green", "rounding": "green", "convention": "yellow", "bug": "red"}
"""Of rich, by the kind of the verdict."""

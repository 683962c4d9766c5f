"""What the kinds of a verdict mean, on every page that shows some."""

LEGEND = """\
**equal**: the same on both sides, bit for bit; **rounding**: the same but for what the
order of computation rounds; **mistake**: anything else, named where it has a name, such
as a factor ½.

Figures, code and what programs print are in English on all pages."""

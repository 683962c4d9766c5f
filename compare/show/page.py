"""All that there is to show of one name."""

from dataclasses import dataclass

from compare.show import docstring, source
from compare.show.example import Example, cases_of, of_cases
from compare.show.live import of_learner, of_program
from compare.show.names import attribute, found
from compare.show.programs import LEARNERS, NO_EXAMPLE, PROGRAMS


@dataclass(frozen=True)
class Page:
    """One public name of `handmade` beside its twin.

    Args:
        name: dotted, such as "nn.MSELoss".
        summary: what it is, in a sentence or two.
        handmade: the hand-written source.
        torch_ref: the source beside it.
        sections: formulas, shapes and notes of its docstring, by name.
        example: both sides on the same numbers, if there is one.
        no_example: why there is none.
    """

    name: str
    summary: str
    handmade: str
    torch_ref: str
    sections: dict[str, str]
    example: Example | None
    no_example: str = ""

    def chosen(self, names: tuple[str, ...]) -> dict[str, str]:
        """The sections of these names that there are, in this order."""
        return {n: self.sections[n] for n in names if n in self.sections}


def page(name: str) -> Page:
    """The page of a name, dotted or short.

    Raises:
        ValueError: there is no such name; the nearest are suggested.
    """
    dotted = found(name)
    thing = attribute(dotted)
    documented = callable(thing)  # a number's docstring is that of all numbers
    return Page(
        dotted,
        docstring.summary(thing) if documented else "",
        source.handmades(dotted),
        source.torchs(dotted),
        docstring.sections(thing) if documented else {},
        example(dotted),
        NO_EXAMPLE.get(dotted, ""),
    )


def example(dotted: str) -> Example | None:
    """Both sides on the same numbers; None where NO_EXAMPLE says why not."""
    if cases := cases_of(dotted):
        return of_cases(dotted, cases)
    if dotted in PROGRAMS:
        return of_program(dotted)
    return of_learner(dotted) if dotted in LEARNERS else None

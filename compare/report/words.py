"""The words of the report in English and German."""

from collections.abc import Callable
from typing import Any

LANGUAGES = ("en", "de")
EXPLANATION = (
    "One-step difference: the hand-written side takes a step from PyTorch's full "
    "state; loss, gradients and new state are compared. It decides the verdict.",
    "Tolerance: what rounding can explain at most in one step.",
    "After all steps, accumulated: each side goes on from its own weights, so rounding "
    "errors add up; this difference has no limit of its own.",
    "All differences are relative to the largest entry that the tensor has had so far.",
)
"""What the numbers of a verdict mean."""
GERMAN_EXPLANATION = (
    "Abweichung eines Schritts: Die von Hand geschriebene Seite geht einen Schritt vom "
    "vollen Zustand von PyTorch aus; Fehler, Gradienten und neuer Zustand werden "
    "verglichen. Sie entscheidet über das Ergebnis.",
    "Toleranz: was Rundung in einem Schritt höchstens erklärt.",
    "Nach allen Schritten, aufgelaufen: Jede Seite rechnet mit ihren eigenen Gewichten "
    "weiter, sodass sich Rundungsfehler summieren; diese Abweichung hat keine eigene "
    "Grenze.",
    "Alle Abweichungen sind relativ zum bisher größten Eintrag des Tensors.",
)
GERMAN = {
    "running": "läuft",
    "finished": "beendet",
    "diverged": "divergiert",
    "failed": "abgebrochen",
    "interrupted": "unterbrochen",
    "no verdict yet": "noch kein Ergebnis",
    "all checks hold": "alle Prüfungen bestanden",
    "{} of {} checks fail": "{} von {} Prüfungen nicht bestanden",
    "Training loss": "Trainingsfehler (loss)",
    "Difference": "Abweichung",
    "Gradients, one-step difference": "Gradienten, Abweichung eines Schritts",
    "loss": "Fehler (loss)",
    "step": "Schritt",
    "relative difference": "relative Abweichung",
    "largest one-step difference": "größte Abweichung eines Schritts",
    "torch_ref (PyTorch)": "torch_ref (PyTorch)",
    "handmade (by hand)": "handmade (von Hand)",
    "one step": "ein Schritt",
    "accumulated": "aufgelaufen",
    "tolerance": "Toleranz",
    "the {} largest of {}": "die {} größten von {}",
    "What the numbers mean": "Was die Zahlen bedeuten",
    **dict(zip(EXPLANATION, GERMAN_EXPLANATION, strict=True)),
    "Checks": "Prüfungen",
    "Check": "Prüfung",
    "Result": "Ergebnis",
    "Figures": "Abbildungen",
    "Settings": "Einstellungen",
    "Lesson": "Lektion",
    "Course": "Kurs",
    "Started": "Beginn",
    "Duration": "Dauer",
    "Steps": "Schritte",
    "Seed": "Seed",
    "Starts per learner": "Durchläufe je Lernverfahren",
    "Arrays by hand": "Arrays von Hand",
    "Floating-point type": "Gleitkommatyp",
    "Device": "Gerät",
    "Options": "Optionen",
    "CPU threads": "CPU-Threads",
    "Versions": "Versionen",
    "Machine": "Maschine",
}


def translator(language: str) -> Callable[[str], str]:
    """Looks up an English text in a language.

    Raises:
        ValueError: there is no such language.
    """
    if language not in LANGUAGES:
        raise ValueError(f"language must be one of {LANGUAGES}, got {language!r}")
    return GERMAN.__getitem__ if language == "de" else str


def sentence(verdict: dict[str, Any], errors: dict[str, Any], language: str) -> str:
    """The verdict of a trial in a sentence, from what summary.json says of it."""
    kind, words = verdict["kind"], verdict["words"]
    if language == "en" or not errors:
        return words if kind in ("equal", "rounding") else f"mistake: {words}"
    if kind not in ("equal", "rounding"):
        return f"Programmfehler: {words}"
    if not errors["steps"]:
        return "kein Schritt verglichen"
    return "; ".join(_german(kind, verdict, errors))


def _german(kind: str, verdict: dict[str, Any], errors: dict[str, Any]) -> list[str]:
    steps = errors["steps"]
    parts = [f"identisch (Bit für Bit, {steps} Schritte)"]
    if kind == "rounding":
        above = "über der " if errors["one_step"] > errors["tolerance"] else ""
        parts = [
            f"gleich bis auf Rundung: größte Abweichung eines Schritts "
            f"{errors['one_step']:.0e} ({above}Toleranz {errors['tolerance']:.0e}), "
            f"nach {steps} Schritten {errors['trajectory']:.0e}"
        ]
    if errors["kinks"]:
        parts.append(f"in Schritt {errors['kinks'][0]} entscheidet Rundung einen Knick")
    if errors["divergence"] is not None:
        parts.append(
            f"ab Schritt {errors['divergence']} laufen die Trajektorien auseinander; "
            f"jeder einzelne Schritt stimmt überein"
        )
    if not verdict["learned"]:
        parts.append("aber nichts wurde gelernt")
    return parts

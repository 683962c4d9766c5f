"""`--lang de` and LANG: what commands print in German, and what stays English."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from compare.cli import app
from compare.translation import in_use

WRONG = """
class MSELoss:
    def forward(self, input, target):
        self.error = input - target
        return (self.error**2).mean()

    def backward(self):
        return self.error / self.error.size
"""


def said(*words: object) -> str:
    """What a command prints, without the line breaks of a narrow terminal."""
    return " ".join(CliRunner().invoke(app, [str(w) for w in words]).stdout.split())


@pytest.mark.slow
def test_a_run_is_german_and_its_summary_english(tmp_path: Path):
    text = said("run", "or_gate", "--lang", "de", "--logdir", tmp_path)
    assert "identisch (Bit für Bit, 150 Schritte)" in text
    assert "alle vier Zeilen stimmen" in text
    (folder,) = tmp_path.glob("or_gate/*")
    assert '<html lang="de">' in (folder / "report.html").read_text(encoding="utf-8")
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert "all four rows are right" in summary["claims"]
    assert summary["verdict"]["train"]["words"].startswith("identical")


@pytest.mark.slow
def test_a_mistake_is_named_and_explained_in_german(tmp_path: Path):
    path = tmp_path / "own.py"
    path.write_text(WRONG, encoding="utf-8")
    text = said("check", path, "--lang", "de", "--timeout", "60")
    assert "Programmfehler, Faktor ½: Gradient nach der Eingabe bei [0]" in text
    assert "Hinweis mit 2 multiplizieren" in text
    found = json.loads(said("check", path, "--lang", "de", "--json"))["findings"][0]
    assert found["words"].startswith("factor ½: input gradient")
    assert in_use() == "en"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("list",), "Optimierer: vorsichtig, wo es steil, und kühn, wo es flach ist"),
        (("exercises", "D6"), "neue Gewichte w − ¼·Gradient"),
        (("graph", "x**2", "x=2"), "Differenzenquotient"),
        (("run", "--explain"), "was Rundung in einem Schritt höchstens erklärt"),
    ],
)
def test_the_environment_chooses_german(
    monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], words: str
):
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert words in said(*command)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("--help",), "Lektionen auf beiden Seiten trainieren und vergleichen"),
        (("run", "--help"), "Aufruf: "),
        (("run", "--help"), "Seed der Zufallszahlen (≥ 0). [Standard: 0]"),
        (("check", "--lang", "de", "--help"), "DER CODE DER DATEI WIRD AUSGEFÜHRT"),
        (("run", "--lang=de", "--stepps", "3"), "gibt es nicht: --stepps (möglich: "),
        (("run", "or_gate", "--steps", "many"), "'--steps': erwartet wird eine ganze"),
        (("run", "orgate"), "die Lektion 'orgate' gibt es nicht; gemeint: or_gate?"),
        (("run", "digits_mlp", "--hidden", "0"), "zusammen höchstens 5000, nicht [0]"),
        (("rum",), "Befehl gibt es nicht: 'rum'. Gemeint: 'run'?"),
        (
            ("bench", "nothing"),
            "den Workload 'nothing' gibt es nicht; gemeint: cnn? (bekannt",
        ),
    ],
)
def test_help_and_errors_are_german(
    monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], words: str
):
    monkeypatch.setenv("LC_ALL", "en" if any("lang" in c for c in command) else "de")
    answer = CliRunner().invoke(app, list(command), env={"COLUMNS": "200"})
    assert words in " ".join(answer.output.split())
    assert in_use() == "en"


def test_a_table_is_told_in_german_and_its_names_as_they_are(tmp_path: Path):
    rows = [f"{i};{i / 7:.3f};{'id' if i % 2 else 'loss'}" for i in range(40)]
    path = tmp_path / "data.csv"
    path.write_text("\n".join(["id;loss;error", *rows]), encoding="utf-8")
    logdir, options = tmp_path / "runs", ("--lang", "de", "--steps", 20)
    text = said("run", "--csv", path, "--target", "error", *options, "--logdir", logdir)
    assert (
        "'error' wird als Klassen ('id', 'loss') mit CrossEntropyLoss gelernt" in text
    )
    assert "Weggelassen, weil leer oder laufende Nummer: 'id'." in text
    assert "Das Netz ist 1-2, trainiert mit Adam, lr 0.01, Batches zu 32." in text
    assert "Genauigkeit" in text
    text = said("run", "--csv", path, "--target", "loss", *options, "--logdir", logdir)
    assert "als Zahlen mit MSELoss gelernt" in text
    assert "auf den Testzeilen besser als immer der Mittelwert (RMSE" in text
    for word in ("held out", "trained", "always", "the mean"):
        assert word not in text

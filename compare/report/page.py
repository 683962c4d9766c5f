"""report.html: a run on one page that needs no other file, no script and no network."""

import base64
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from compare.checkpoint import replace_file
from compare.report import chart
from compare.report.words import EXPLANATION, sentence
from compare.run_folder import Rows, read_curves, read_summary
from compare.translation import in_use, translator
from compare.verdict import ORDER

NAME = "report.html"
MOST_BYTES = 280_000
"""Figures are embedded as long as the page stays below this; others are linked."""
MOST_POINTS = 12_000
"""Points of all curves together."""
MOST_TENSORS = 14
MANY = 4
"""More seeds than this are drawn with thinner lines."""
WATCHED = {
    "gradient_norm": "norm of the gradient",
    "weight_norm": "norm of the weight",
    "update_ratio": "update / weight",
    "dead_relu": "dead units",
}
"""What `run --watch` logs, and how it is called."""
STYLE = Path(__file__).with_name("page.css")


def write(folder: Path) -> Path:
    """Write report.html into the directory of a run: whole or not at all."""
    path = folder / NAME
    replace_file(path, page(folder, in_use()).encode())
    return path


def page(folder: Path, language: str = "en") -> str:
    """The report of a run as HTML, in English ("en") or German ("de").

    Raises:
        FileNotFoundError: there is no such run.
        ValueError: its summary is damaged, or there is no such language.
    """
    return _Page(folder, language).html()


def verdict_of(summary: dict[str, Any], language: str = "en") -> tuple[str, str]:
    """The kind and the sentence of a run's gravest verdict; "" while there is none."""
    verdicts, say = summary.get("verdict", {}), translator(language)
    if not verdicts:
        return "", say("no verdict yet")

    def gravity(label: str) -> tuple[bool, int, float]:
        kind, difference = verdicts[label]["kind"], verdicts[label]["difference"]
        known = kind in ORDER  # another name in runs of earlier versions is a mistake
        return not known, ORDER.index(kind) if known else 0, float(difference)

    worst = verdicts[max(verdicts, key=gravity)]
    return worst["kind"], say(sentence(worst))


class _Page:
    """The parts of the page, in the order in which they stand on it."""

    def __init__(self, folder: Path, language: str) -> None:
        self.folder, self.language = folder, language
        self.summary, self.say = read_summary(folder), translator(language)
        self.errors: dict[str, Any] = self.summary.get("errors", {})
        self.checks: dict[str, Any] = self.summary.get("claims", {})
        self.trials = read_curves(folder, self.summary.get("trials", []))

    def html(self) -> str:
        """The whole page."""
        title = escape(self.say(self.summary.get("title") or self.summary["lesson"]))
        parts = [*self._head(title), *self._charts(), *self._checks()]
        parts += [*self._watched()]
        end = [*self._settings(), "</body></html>"]
        size = sum(len(part.encode()) for part in (*parts, *end))
        return "\n".join([*parts, *self._figures(MOST_BYTES - size), *end])

    def _head(self, title: str) -> Iterator[str]:
        status, reason = self.summary["status"], self.summary.get("reason", "")
        yield (
            f'<!DOCTYPE html>\n<html lang="{self.language}"><head>'
            f'<meta charset="utf-8"><title>{title}</title>'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<style>{STYLE.read_text(encoding='utf-8')}</style></head><body>"
        )
        name = f"{self.folder.parent.name}/{self.folder.name}"
        yield f"<header><h1>{title}</h1>"
        yield f'<p class="soft">{escape(name)} · {self.say(status)}</p></header>'
        kind, words = verdict_of(self.summary, self.language)
        first, colon, rest = words.partition(": ")
        mark = "✓ " if kind in ("equal", "rounding") else "✗ " if kind else ""
        ok = self.summary.get("ok", not kind)
        yield f'<div class="verdict {"good" if ok else "bad"}">'
        yield f"<p><b>{mark}{escape(first)}</b>{colon}{escape(rest)}</p>"
        if status in ("diverged", "failed", "interrupted"):
            yield f"<p>✗ {self.say(status)}: {escape(self.say(reason))}</p>"
        if self.checks:
            yield f"<p>{self._checks_in_words()}</p>"
        yield "</div>"
        if story := self.summary.get("story"):
            yield f"<p>{escape(self.say(story))}</p>"
        yield self._explanation()

    def _checks_in_words(self) -> str:
        failed = sum(not check["holds"] for check in self.checks.values())
        if not failed:
            return "✓ " + self.say("all checks hold")
        return "✗ " + self.say("{} of {} checks fail").format(failed, len(self.checks))

    def _explanation(self) -> str:
        paragraphs = "".join(f"<p>{self.say(text)}</p>" for text in EXPLANATION)
        summary = self.say("What the numbers mean")
        return f"<details><summary>{summary}</summary>{paragraphs}</details>"

    def _charts(self) -> Iterator[str]:
        """Three charts for each learner, all its seeds together."""
        learners: dict[str, dict[str, Rows]] = {}
        for label, rows in self.trials.items():
            learners.setdefault(rows[0]["learner"], {})[label] = rows
        most = max(40, min(400, MOST_POINTS // (4 * len(self.trials) or 1)))
        for learner, trials in learners.items():
            if len(learners) > 1:
                yield f"<h3>{escape(learner)}</h3>{self._verdict_of(trials)}"
            many = " many" if len(trials) > MANY else ""
            yield f'<div class="charts{many}">'
            yield self._losses(trials, most)
            yield self._differences(trials, most)
            yield self._tensors(trials)
            yield "</div>"

    def _verdict_of(self, labels: dict[str, Rows]) -> str:
        verdicts = self.summary.get("verdict", {})
        own = {label: verdicts[label] for label in labels if label in verdicts}
        _, words = verdict_of({"verdict": own}, self.language)
        return f'<p class="soft">{escape(words)}</p>'

    def _losses(self, trials: dict[str, Rows], most: int) -> str:
        sides = {"torch": "torch_ref", "handmade": "handmade"}
        curves = [
            chart.Curve(style, _points(rows, column, most))
            for style, column in sides.items()
            for rows in trials.values()
        ]
        legend = {"torch": "torch_ref (PyTorch)", "handmade": "handmade (by hand)"}
        drawn = chart.losses(curves, self.say("step"), self.say("loss"))
        return self._chart("Training loss", drawn, legend)

    def _differences(self, trials: dict[str, Rows], most: int) -> str:
        curves = []
        for rows in trials.values():
            accumulated = _points(rows, "trajectory_diff", most)
            one_step = _points(rows, "one_step_diff", most)
            curves.append(chart.Curve("trajectory", accumulated))
            curves.append(chart.Curve("one-step", one_step, dots=True))
        words = self.say("step"), self.say("relative difference")
        drawn = chart.differences(curves, self._tolerance(trials), *words)
        legend = {
            "one-step": "one step",
            "trajectory": "accumulated",
            "tolerance": "tolerance",
        }
        return self._chart("Difference", drawn, legend)

    def _tolerance(self, labels: dict[str, Rows]) -> float:
        found = [e["tolerance"] for n, e in self.errors.items() if n in labels]
        return max(found, default=0.0)

    def _tensors(self, labels: dict[str, Rows]) -> str:
        """The largest one-step difference of each gradient, if there are any."""
        errors: dict[str, float] = {}
        for label in labels:
            for name, error in self.errors.get(label, {}).get("gradients", {}).items():
                errors[name] = max(float(error), errors.get(name, 0.0))
        if not errors:
            return ""
        largest = sorted(errors, key=lambda name: errors[name])[-MOST_TENSORS:]
        shown = {name: error for name, error in errors.items() if name in largest}
        words = self.say("largest one-step difference")
        drawn = chart.tensors(shown, self._tolerance(labels), words)
        more = self.say("the {} largest of {}").format(len(shown), len(errors))
        note = f" ({more})" if len(shown) < len(errors) else ""
        title, legend = "Gradients, one-step difference", {"tolerance": "tolerance"}
        return self._chart(title, drawn, legend, note)

    def _chart(
        self, title: str, drawn: str, legend: dict[str, str], note: str = ""
    ) -> str:
        entries = "".join(
            f'<span><i class="{style}"></i>{self.say(words)}</span>'
            for style, words in legend.items()
        )
        return (
            f"<figure><figcaption>{self.say(title)}{note}</figcaption>"
            f'<p class="legend">{entries}</p>{drawn}</figure>'
        )

    def _checks(self) -> Iterator[str]:
        if not self.checks:
            return
        rows = "".join(
            f'<tr><td class="mark {"good" if check["holds"] else "bad"}">'
            f"{'✓' if check['holds'] else '✗'}</td>"
            f"<td>{escape(self.say(text))}</td>"
            f"<td>{escape(self.say(check['found']))}</td></tr>"
            for text, check in self.checks.items()
        )
        yield (
            f"<h2>{self.say('Checks')}</h2><table><thead><tr><th></th>"
            f"<th>{self.say('Check')}</th><th>{self.say('Result')}</th></tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )

    def _watched(self) -> Iterator[str]:
        """A table of each trial that was watched: its numbers in the last step."""
        sides = self.summary.get("watched", {"handmade": {}})
        watched = {label: names for label, names in sides["handmade"].items() if names}
        if watched:
            yield f"<h2>{self.say('Watched, last step')}</h2>"
        head = "".join(f"<th>{self.say(words)}</th>" for words in WATCHED.values())
        for label, names in watched.items():
            numbers = [side[label] for side in sides.values()]
            rows = "".join(_row(name, numbers) for name in names)
            yield f"<details{' open' * (len(watched) == 1)}>"
            yield f"<summary>{escape(label)}</summary><table><thead><tr><th></th>{head}"
            yield f"</tr></thead><tbody>{rows}</tbody></table></details>"

    def _figures(self, room: int) -> Iterator[str]:
        """The lesson's own figures: embedded while there is room, else linked."""
        shown = ("curves", "difference")  # as charts of the page itself
        paths = [p for p in sorted(self.folder.glob("*.png")) if p.stem not in shown]
        if not paths:
            return
        yield f'<h2>{self.say("Figures")}</h2><div class="figures">'
        for path in paths:
            name, stem = escape(path.name), escape(path.stem)
            data = base64.b64encode(path.read_bytes()).decode()
            inner = name
            if len(data) + 300 < room:
                room -= len(data) + 300
                inner = f'<img alt="{stem}" src="data:image/png;base64,{data}">'
            link = f'<a href="{name}">{inner}</a>'
            yield f"<figure><figcaption>{stem}</figcaption>{link}</figure>"
        yield "</div>"

    def _settings(self) -> Iterator[str]:
        given, say = self.summary, self.say
        switches = ("compile", "graph", "tf32", "fast", "watch")
        options = [name for name in switches if given.get(name)]
        options += [given["data"]] if given.get("data") else []
        began = given.get("began", "").replace("T", " ").replace("+00:00", " UTC")
        versions = given.get("versions", {}).items()
        seconds = given.get("timings", {}).get("seconds")
        source = given.get("source", given["lesson"])
        is_table = source.startswith("{")
        values = {
            "Lesson": given["lesson"] if is_table else Path(source).name.split("#")[0],
            "Course": ", ".join(given.get("course", [])),
            "Started": began,
            "Duration": "" if seconds is None else f"{seconds:.1f} s",
            "Steps": given.get("steps", ""),
            "Hidden layers": "-".join(map(str, given.get("hidden") or ())),
            "Learning rate": given.get("lr"),
            "Batch size": given.get("batch_size"),
            "Micro-batches": given.get("accumulate"),
            "Seed": given.get("seed", ""),
            "Starts per learner": given.get("seeds", ""),
            "Floating-point type": given.get("dtype", ""),
            "Arrays by hand": given.get("array", ""),
            "Device": given.get("device", ""),
            "Options": ", ".join(options),
            "CPU threads": given.get("threads", ""),
            "Versions": ", ".join(f"{name} {number}" for name, number in versions),
            "Machine": given.get("machine", ""),
        }
        rows = "".join(
            f"<tr><th>{say(name)}</th><td>{escape(str(value))}</td></tr>"
            for name, value in values.items()
            if value not in ("", None)
        )
        yield f"<h2>{say('Settings')}</h2><table><tbody>{rows}</tbody></table>"


def _row(name: str, sides: list[dict[str, dict[str, float]]]) -> str:
    """What was watched of one tensor or layer; a number once where both write it so."""
    cells = []
    for kind in WATCHED:
        values = [side[name][kind] for side in sides if kind in side.get(name, {})]
        cells.append(" / ".join(dict.fromkeys(f"{float(v):.3g}" for v in values)))
    return f"<tr><th>{escape(name)}</th><td>{'</td><td>'.join(cells)}</td></tr>"


def _points(rows: Rows, column: str, most: int) -> list[chart.Point]:
    """One column over the steps, without its gaps."""
    points = [
        (float(row["step"]), float(row[column])) for row in rows if row.get(column)
    ]
    return chart.thinned(points, most)

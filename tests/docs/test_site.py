"""The site is built without warnings, has no broken link and loads nothing remote."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from filelock import FileLock

from compare import registry, solved_exercises

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Built once for all processes, with the runs of two lessons."""
    own = tmp_path_factory.getbasetemp()
    shared = (own if worker_id == "master" else own.parent) / "site"
    out, runs = shared / "html", shared / "runs"
    shared.mkdir(exist_ok=True)
    with FileLock(shared / "lock"):
        if not (shared / "built").exists():
            _run("-m", "compare", "run", "or_gate", "xor_mlp", "--logdir", str(runs))
            built = _run(
                "docs/site/build.py", "--as-is", "--runs", str(runs), "--out", str(out)
            )
            assert "WARNING" not in built.stderr
            (shared / "built").touch()
    return out


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


class _Page(HTMLParser):
    """What a page points at, and what can be pointed at in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.loaded: list[str] = []
        self.anchors = {""}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and "href" in found:
            self.targets.append(found["href"])
        elif tag == "link" and found.get("rel") in ("stylesheet", "icon"):
            self.loaded.append(found["href"])
        elif tag in ("img", "script") and "src" in found:
            self.loaded.append(found["src"])


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, _Page]:
    return {path: _Page(path) for path in site.rglob("*.html")}


def _broken(pages: dict[Path, _Page], path: Path, target: str) -> bool:
    address = urlsplit(target)
    if address.scheme:
        return False  # elsewhere; what is loaded from elsewhere is another test's
    file = (path.parent / unquote(address.path)).resolve() if address.path else path
    if not file.is_file():
        return True
    return file in pages and unquote(address.fragment) not in pages[file].anchors


def test_no_link_is_broken(pages: dict[Path, _Page]) -> None:
    asked = [(path, t) for path, page in pages.items() for t in page.targets]
    assert len(asked) > 1000
    assert [(str(p), t) for p, t in asked if _broken(pages, p, t)] == []


def test_nothing_is_loaded_from_elsewhere(pages: dict[Path, _Page]) -> None:
    loaded = [(path, at) for path, page in pages.items() for at in page.loaded]
    assert loaded
    assert [at for _, at in loaded if urlsplit(at).scheme not in ("", "data")] == []
    assert [at for path, at in loaded if _broken(pages, path, at)] == []


@pytest.mark.parametrize("language", ["", "de"])
def test_every_lesson_has_a_page_in_both_languages(site: Path, language: str) -> None:
    there = {path.stem for path in (site / language / "lessons").glob("*.html")}
    assert there == {*registry.names(), "index"}


class _Words(HTMLParser):
    """The words of an article that are no code, no figure and no formula."""

    skipped = ("pre", "code", "math", "figcaption", "style", "svg")

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.said: list[str] = []
        self._depth = self._english = 0
        text = path.read_text(encoding="utf-8")
        self.feed(text[text.index("<article") : text.index("</article>")])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._depth += tag in self.skipped
        if self._english or (tag == "div" and ("lang", "en") in attrs):
            self._english += tag == "div"

    def handle_endtag(self, tag: str) -> None:
        self._depth -= tag in self.skipped
        self._english -= bool(self._english) and tag == "div"

    def handle_data(self, data: str) -> None:
        if not (self._depth or self._english) and re.search(r"[a-z]{2}", data):
            self.said.append(" ".join(data.split()))


COURSE = {registry.load(name)[1].heading for name in registry.names()}
COURSE |= {*solved_exercises.by_heading()}
"""What the course says itself, in German."""
LESSONS = [f"lessons/{name}" for name in registry.names()]
PAGES = ["index", "lessons/index", "exercises/index", "exercises/graphs"]
GUIDES = ["guides/using", "guides/checking"]
NAME = re.compile(r"(handmade|torch_ref)(\.\w+)+|[BC] .*")
"""Dotted names, and those of exercises."""
SHARED = {"Arrays", "PyTorch", "handmade", "[source]", "in"}
SHARED |= {"scaling.md", "benchmarks-cuda.md"}
"""What is the same in both languages."""


@pytest.mark.parametrize("page", [*LESSONS, *PAGES, *GUIDES])
def test_a_german_page_says_nothing_in_english(site: Path, page: str) -> None:
    english = {*_Words(site / f"{page}.html").said}
    german = _Words(site / "de" / f"{page}.html").said
    kept = {text for text in german if text in english} - SHARED - COURSE
    assert {text for text in kept if not NAME.fullmatch(text)} == set()


def test_a_lesson_shows_its_last_run_and_both_sources(site: Path) -> None:
    page = (site / "lessons" / "xor_mlp.html").read_text(encoding="utf-8")
    for text in registry.load("xor_mlp")[1].claims:
        assert text in page
    for source in ("handmade.nn.Sequential", "torch_ref re-exports torch.nn.Tanh"):
        assert source in page
    assert 'alt="curves"' in page
    (when, machine) = re.findall(r"difference · (\S+), (\w+)", page)[0]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", when)
    assert machine
    assert "There is no finished run yet" not in page


@pytest.mark.parametrize("name", registry.names())
def test_a_lesson_opens_what_it_teaches(site: Path, name: str) -> None:
    page = (site / "lessons" / f"{name}.html").read_text(encoding="utf-8")
    for taught in registry.load(name)[1].teaches:
        assert re.search(rf'reference/[\w.]+html#handmade\.{taught}"', page)
        assert re.search(rf'_modules/[\w/.]+html#{taught.rpartition(".")[2]}"', page)


def test_a_lesson_has_one_step_with_its_numbers(site: Path) -> None:
    page = (site / "lessons" / "or_gate.html").read_text(encoding="utf-8")
    # From ½, ½, ½ the errors are ½, 0, 0, ½: their mean ¼ gives the bias twice ¼.
    assert "0.5 − 0.5 · 0.5 = 0.25" in re.sub(r"<[^>]+>", "", page)


def test_the_course_leads_to_lessons_and_reference(site: Path) -> None:
    for language in ("", "de"):
        path = site / language / "guides" / "course.html"
        page = path.read_text(encoding="utf-8")
        page = page[page.index("<article") : page.index("</article>")]
        for name in registry.names():
            assert re.search(rf'href="../lessons/{name}.html">.*?{name}<', page)
        assert 'href="../reference/nn.linear.html#handmade.nn.Linear"' in page


def test_the_front_page_lists_the_lessons_in_teaching_order(site: Path) -> None:
    page = (site / "index.html").read_text(encoding="utf-8")
    article = page[page.index("<article") :]
    seen = re.findall(r'href="lessons/(\w+)\.html"', article)
    assert [name for name in seen if name != "index"][1:] == registry.names()


def test_a_lesson_that_was_never_run_says_so(site: Path) -> None:
    page = (site / "lessons" / "newton.html").read_text(encoding="utf-8")
    assert "There is no finished run yet" in page


def test_docstrings_keep_their_formulas(site: Path) -> None:
    page = (site / "reference" / "nn.linear.html").read_text(encoding="utf-8")
    assert "<mfrac>" in page
    assert "__init__" not in page


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("has no Chromium")
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.mark.browser
def test_a_click_through_all_lessons_is_quiet(site: Path, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto((site / "lessons" / "index.html").as_uri())
    seen = []
    for _ in registry.names():
        page.click("a.next-page")
        seen.append(Path(urlsplit(page.url).path).stem)
        drawn = "[...document.images].every(i => i.complete && i.naturalWidth > 0)"
        assert page.evaluate(drawn), seen[-1]
    assert seen == registry.names()
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


@pytest.mark.browser
@pytest.mark.parametrize("width", [400, 900, 1400])
def test_no_page_is_wider_than_its_window(site: Path, browser: Any, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    for path in [*PAGES, *LESSONS, "guides/course", "reference/index"]:
        for language in ("", "de/"):
            page.goto((site / f"{language}{path}.html").as_uri())
            wide = page.evaluate("document.documentElement.scrollWidth")
            content = "document.querySelector('.content').getBoundingClientRect().right"
            assert wide <= width, path
            assert page.evaluate(content) <= width, path


@pytest.mark.browser
def test_the_backward_pass_is_shown_one_step_at_a_time(
    site: Path, browser: Any
) -> None:
    page = browser.new_page(
        viewport={"width": 1400, "height": 900}, java_script_enabled=False
    )
    page.goto((site / "exercises" / "graphs.html").as_uri())
    graph = page.locator("#C1")
    gradients = graph.locator("svg .gradient")
    for step in range(1, 6):
        graph.locator(f"label[for=C1-{step}]").click()
        shown = [gradients.nth(i).is_visible() for i in range(5)]
        assert sum(shown) == step
    assert graph.locator("code:visible").inner_text() == "∂f/∂x = 1·4 = 4"


@pytest.mark.browser
def test_a_click_leads_to_german_and_back(site: Path, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.goto((site / "lessons" / "or_gate.html").as_uri())
    page.click("text=Deutsch")
    assert page.url.endswith("/de/lessons/or_gate.html")
    assert page.evaluate("document.documentElement.lang") == "de"
    page.click("text=English")
    assert page.url == (site / "lessons" / "or_gate.html").as_uri()


@pytest.mark.browser
def test_the_search_finds_a_layer(site: Path, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.goto((site / "search.html").as_uri() + "?q=GroupNorm")
    page.wait_for_selector("#search-results li a")
    assert "GroupNorm" in page.inner_text("#search-results")

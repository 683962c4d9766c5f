"""The tab "Compare" lists every run and serves its report, and nothing else."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from importlib.metadata import PathDistribution
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit
from urllib.request import HTTPRedirectHandler, build_opener
from zipfile import ZipFile

import pytest
from hatchling.builders.wheel import WheelBuilder

from compare import registry
from compare.report.page import NAME
from compare.run_folder import link
from compare.tensorboard import PLUGIN, Server, address
from compare.tensorboard_plugin import ComparePlugin
from compare.trainer import Result, RunConfig, run

ROOT = Path(__file__).parents[2]
ROUTE = f"/data/plugin/{PLUGIN}"
MANY = 300


@pytest.fixture(scope="module")
def server(logdir: Path, short_run: Result, long_run: Result) -> Iterator[Server]:
    with Server(logdir) as server:
        yield server


def name_of(result: Result) -> str:
    return f"{result.lesson}/{result.folder.name}"


def test_tensorboard_lists_the_plugin(server: Server):
    plugins = json.loads(server.get("/data/plugins_listing"))
    assert plugins[PLUGIN]["enabled"]
    assert plugins[PLUGIN]["tab_name"] == "Compare"


def test_every_run_is_listed_with_its_verdict(
    server: Server, short_run: Result, long_run: Result
):
    runs = {run["name"]: run for run in json.loads(server.get(f"{ROUTE}/runs"))}
    assert {name_of(short_run), name_of(long_run)} <= runs.keys()
    short = runs[name_of(short_run)]
    assert short["words"] == short_run.verdict.words
    assert (short["status"], short["kind"], short["ok"]) == ("finished", "equal", True)


def test_the_report_is_the_one_on_disk(server: Server, short_run: Result):
    served = server.get(f"{ROUTE}/runs/{name_of(short_run)}/{NAME}")
    assert served == (short_run.folder / NAME).read_bytes()
    german = server.get(f"{ROUTE}/runs/{name_of(short_run)}/{NAME}?lang=de-DE")
    assert "Einstellungen" in german.decode()
    said = json.loads(server.get(f"{ROUTE}/words?lang=de-DE"))
    assert said["Filter runs"] == "Läufe filtern"


def test_a_figure_is_served_beside_the_report(server: Server, short_run: Result):
    sent = server.get(f"{ROUTE}/runs/{name_of(short_run)}/boundary.png")
    assert sent == (short_run.folder / "boundary.png").read_bytes()


@pytest.mark.parametrize(
    "path",
    [
        "or_gate/nothing/report.html",
        "{run}/summary.json",
        "{run}/../../secret.png",
        "../secret.png",
        "{run}/%2e%2e/%2e%2e/secret.png",
    ],
)
def test_nothing_else_is_served(
    path: str, server: Server, short_run: Result, logdir: Path
):
    (logdir / "secret.png").write_bytes(b"secret")
    with pytest.raises(HTTPError) as error:
        server.get(f"{ROUTE}/runs/{path.format(run=name_of(short_run))}")
    error.value.close()
    assert error.value.code == 404


def test_the_time_series_view_opens_with_the_runs_charts(
    server: Server, short_run: Result
):
    class Stay(HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    with pytest.raises(HTTPError) as answer:
        build_opener(Stay).open(
            f"{server.url}{ROUTE}/timeseries?run={name_of(short_run)}"
        )
    answer.value.close()
    found = urlsplit(answer.value.headers["Location"])
    wanted = urlsplit(link("", short_run.folder))
    assert answer.value.code == 302
    assert parse_qs(found.query) == parse_qs(wanted.query)
    assert found.fragment == wanted.fragment


def test_a_damaged_summary_does_not_hide_the_other_runs(tmp_path: Path):
    for name, text in (("a", "{"), ("b", '{"lesson": "b", "status": "failed"}')):
        (tmp_path / name / "1").mkdir(parents=True)
        (tmp_path / name / "1" / "summary.json").write_text(text)
    with Server(tmp_path) as server:
        runs = {r["name"]: r for r in json.loads(server.get(f"{ROUTE}/runs"))}
    assert runs["a/1"]["status"] == "damaged"
    assert runs["b/1"]["status"] == "failed"


@pytest.mark.slow
def test_300_runs_are_listed_within_two_seconds(tmp_path: Path, short_run: Result):
    for number in range(MANY):
        folder = tmp_path / "or_gate" / f"{number:04}"
        folder.mkdir(parents=True)
        shutil.copy(short_run.folder / "summary.json", folder)
    with Server(tmp_path) as server:
        server.get(f"{ROUTE}/index.js")
        began = time.perf_counter()
        assert len(json.loads(server.get(f"{ROUTE}/runs"))) == MANY
        assert time.perf_counter() - began < 2


def test_the_address_names_the_run(short_run: Result):
    parts = urlsplit(address("http://127.0.0.1:6006/", short_run.folder))
    assert parts.netloc == "127.0.0.1:6006"
    assert parts.fragment == f"compare&p.compare.run={name_of(short_run)}"


@pytest.mark.slow
def test_an_installed_package_offers_the_plugin_to_tensorboard(tmp_path: Path):
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path))
    ZipFile(wheel).extractall(tmp_path / "site")
    (info,) = (tmp_path / "site").glob("*.dist-info")
    (offered,) = PathDistribution(info).entry_points.select(group="tensorboard_plugins")
    assert offered.load() is ComparePlugin
    assert (tmp_path / "site" / "compare" / "tensorboard_plugin.js").is_file()


# In a browser

CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
browser = pytest.mark.skipif(CHROMIUM is None, reason="has no Chromium")
ATTACK = "<script>document.title='taken'</script><img src=x onerror=alert(1)>"


@pytest.fixture
def open_page() -> Iterator[Callable[..., Any]]:
    """Opens an address in a window of a size, and keeps what it asked for."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)

        def opened(url: str, width: int = 1400, **options: Any) -> Any:
            size = {"width": width, "height": 900}
            page = chromium.new_page(viewport=size, **options)
            page.asked = []
            page.on("request", lambda request: page.asked.append(request.url))
            page.goto(url)
            return page

        yield opened
        chromium.close()


@pytest.mark.slow
@pytest.mark.browser
@browser
def test_the_tab_shows_the_run_of_its_address_and_any_other(
    open_page: Callable[..., Any], server: Server, short_run: Result, long_run: Result
):
    tab = open_page(address(server.url, long_run.folder))
    plugin = tab.frame_locator("iframe[src*='plugin_entry']")
    report = plugin.frame_locator("iframe")
    report.get_by_text(name_of(long_run)).wait_for(timeout=200_000)
    plugin.locator("input").fill("or_gate")
    plugin.get_by_role("button", name="or_gate").click()
    report.get_by_text(name_of(short_run)).wait_for(timeout=200_000)
    assert report.locator(".verdict").inner_text().count("identical") == 1
    assert tab.url == address(server.url, short_run.folder)
    assert {urlsplit(u).netloc for u in tab.asked if u.startswith("http")} == {
        urlsplit(server.url).netloc
    }
    plugin.locator("main > a").click()
    tab.locator("metrics-pinned-view scalar-card").first.wait_for(timeout=200_000)
    stored = tab.evaluate("localStorage.getItem('_tb_global_settings')")
    assert json.loads(stored)["ignoreOutliers"] is False


@pytest.mark.slow
@pytest.mark.browser
@browser
def test_no_title_becomes_html_in_the_tab(
    open_page: Callable[..., Any], tmp_path: Path, own_lesson: Callable[..., str]
):
    _, lesson = registry.load(own_lesson(f"title={ATTACK!r}, steps=2"))
    folder = run("<b>own<b>", lesson, RunConfig(logdir=tmp_path)).folder
    with Server(tmp_path) as server:
        tab = open_page(address(server.url, folder))
        plugin = tab.frame_locator("iframe[src*='plugin_entry']")
        heading = plugin.frame_locator("iframe").locator("h1")
        heading.wait_for(timeout=200_000)
        assert heading.inner_text() == ATTACK
        assert "<b>own<b>" in plugin.locator("button").inner_text()
        assert plugin.locator("b").count() == 0


@pytest.mark.slow
@pytest.mark.browser
@browser
@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_opens_from_disk_in_any_window(
    width: int, scheme: str, open_page: Callable[..., Any], short_run: Result
):
    url = (short_run.folder / NAME).as_uri()
    page = open_page(url, width, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    dark = (
        page.evaluate("getComputedStyle(document.body).backgroundColor")
        != "rgb(255, 255, 255)"
    )
    assert dark == (scheme == "dark")
    assert [u for u in page.asked if not u.startswith("data:")] == [url]

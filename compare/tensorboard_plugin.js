// The tab "Compare": the list of runs, and the report of the chosen one in a frame.
// All text is set as text, so that a title cannot become HTML.

const SECONDS_TO_REFRESH = 10;
const PARAMETER = "p.compare.run";
const STYLE = `
  :root { color-scheme: light dark; }
  body { margin: 0; display: flex; height: 100vh; font: 14px/1.4 Roboto, system-ui, sans-serif; }
  nav { width: 290px; flex: none; display: flex; flex-direction: column;
        border-right: 1px solid #8886; }
  input { margin: 10px; padding: 6px 8px; font: inherit; }
  ul { list-style: none; margin: 0; padding: 0; overflow-y: auto; }
  button { display: block; width: 100%; padding: 7px 12px; border: 0; text-align: left;
           background: none; color: inherit; font: inherit; cursor: pointer; }
  button:hover { background: #8882; }
  button[aria-current=true] { background: #0072b233; }
  small { display: block; opacity: .75; }
  .good { color: #009e73; } .bad { color: #d55e00; }
  main { flex: 1; min-width: 0; display: flex; flex-direction: column; }
  main a { padding: 8px 14px; color: inherit; align-self: flex-end; }
  iframe { flex: 1; border: 0; width: 100%; }
  @media (max-width: 760px) {
    body { flex-direction: column; }
    nav { width: auto; max-height: 30vh; border: 0; border-bottom: 1px solid #8886; }
  }`;

let words = {};
let runs = [];
let shown = "";

function element(tag, parent, text = "", attributes = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return parent.appendChild(made);
}

function path(name) {
  return name.split("/").map(encodeURIComponent).join("/");
}

function runInAddress() {
  return new URLSearchParams(parent.location.hash.slice(1)).get(PARAMETER) ?? "";
}

/** What a link cannot say: keep outliers, close the settings, draw wide cards. */
function prepareTimeSeries() {
  const key = "_tb_global_settings";
  const settings = JSON.parse(localStorage.getItem(key) ?? "{}");
  const wanted = {
    ignoreOutliers: false, timeSeriesSettingsPaneOpened: false, timeSeriesCardMinWidth: 460,
  };
  localStorage.setItem(key, JSON.stringify({ ...settings, ...wanted }));
}

export async function render() {
  words = await (await fetch(`words?lang=${navigator.language}`)).json();
  element("style", document.head, STYLE);
  const nav = element("nav", document.body);
  const filter = element("input", nav, "", { type: "search", placeholder: words["Filter runs"] });
  const list = element("ul", nav);
  const main = element("main", document.body);
  const series = element("a", main, words["Curves in Time Series"], { target: "_top" });
  const report = element("iframe", main, "", { title: "report" });
  series.addEventListener("click", prepareTimeSeries);

  function drawList() {
    const wanted = filter.value.toLowerCase();
    list.replaceChildren();
    for (const run of runs.filter((one) => one.name.toLowerCase().includes(wanted))) {
      const row = element("button", element("li", list), "", {
        title: run.words, "aria-current": run.name === chosen()?.name,
      });
      const mark = run.ok ? "✓ " : run.status === "running" ? "… " : "✗ ";
      const style = run.ok ? "good" : run.status === "running" ? "" : "bad";
      element("span", row, mark, { class: style });
      element("span", row, run.name.split("/")[0]);
      const status = run.status === "finished" ? "" : ` (${run.status})`;
      element("small", row, run.name.split("/")[1] + status);
      element("small", row, run.words.split(/[:;(]/)[0]);
      row.addEventListener("click", () => choose(run.name));
    }
    if (!runs.length) element("li", list, words["No runs yet"]);
  }

  function chosen() {
    return runs.find((run) => run.name === runInAddress()) ?? runs[0];
  }

  function choose(name) {
    const hash = `#compare&${PARAMETER}=${path(name)}`;
    parent.history.replaceState(parent.history.state, "", hash);
    draw();
  }

  function draw() {
    drawList();
    const run = chosen();
    const wanted = run ? `${run.name} ${run.status}` : "";
    if (!run || wanted === shown) {
      if (run?.status === "running") report.contentWindow.location.reload();
      return;
    }
    shown = wanted;
    series.href = `timeseries?run=${encodeURIComponent(run.name)}`;
    report.src = `runs/${path(run.name)}/report.html?lang=${navigator.language}`;
  }

  async function refresh() {
    const answer = await fetch(`runs?lang=${navigator.language}`);
    if (answer.ok) runs = await answer.json();
    draw();
  }

  filter.addEventListener("input", drawList);
  parent.addEventListener("hashchange", draw);
  await refresh();
  setInterval(() => document.hidden || refresh(), 1000 * SECONDS_TO_REFRESH);
}

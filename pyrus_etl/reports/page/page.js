"use strict";
// Shows the figures for the chosen filters. SQL computed them; this script only selects and formats.

const { clock, periods, axes, scopes, scopes_left_out: leftOut, tasks, files, file_totals: fileTotals, charts } = figures;
const dark = matchMedia("(prefers-color-scheme: dark)");
const views = {};
const PERIODS = { 30: "30 days", 90: "90 days", 365: "1 year", 730: "2 years" };

// The rows of each chart.

const later = (day, by) => new Date(Date.parse(day) + by * 86400000).toISOString().slice(0, 10);
const along = (axis, columns) =>
  axis.map((at, place) => ({ at, ...Object.fromEntries(Object.entries(columns).map(([name, all]) => [name, all[place]])) }));
const firstWith = (rows, has) => rows.slice(Math.max(0, rows.findIndex(has)));

const ROWS = {
  flow(scope, period) {
    const start = later(clock.today, -period);
    const daily = start >= axes.days[0];
    const rows = daily ? along(axes.days, scope.flow_days) : along(axes.week_ends, scope.flow_weeks);
    const shown = firstWith(rows.filter((row) => row.at >= start), (row) => row.open || row.done);
    return shown.map((row) => ({ ...row, since: row.done - shown[0].done }));
  },
  throughput(scope, period) {
    const start = later(clock.today, -period);
    const past = along(axes.weeks, scope.weeks).filter((row) => row.at > start);
    const coming = scope.forecast?.finished_p50 == null ? [] : [1, 2, 3, 4].map((week) => ({
      at: later(axes.weeks.at(-1), week * 7),
      p15: scope.forecast.finished_p15,
      p50: scope.forecast.finished_p50,
      p85: scope.forecast.finished_p85,
    }));
    const rows = [...firstWith(past, (row) => row.created || row.finished), ...coming];
    return rows.map((row) => ({ ...row, from: row.at, until: later(row.at, 6) }));
  },
  cycle(scope, period) {
    const start = later(clock.today, -period);
    const weekly = start >= axes.days[0];
    const rows = weekly ? along(axes.last_weeks, scope.cycle_weeks) : along(axes.months, scope.cycle_months);
    return rows
      .filter((row) => row.at > start && row.closed)
      .map((row) => ({ ...row, p50_text: hours(row.p50), p85_text: hours(row.p85), p95_text: hours(row.p95) }));
  },
  age: (scope) => scope.age.map((row) => ({ ...row, bucket: t(row.bucket) })),
  people: (scope) => scope.waited_for.map((row) => ({ ...row, person: t(row.person), longest_text: hours(row.longest_hours) })),
  heat(scope, period) {
    const notes = scope.heat[period];
    if (!notes.some(Boolean)) return [];
    return notes.map((events, place) => {
      const hour = String(place % 24).padStart(2, "0");
      const weekday = date(WEEK[Math.floor(place / 24)], { weekday: "short" });
      return { weekday, hour, time: `${hour}:00–${hour}:59`, notes: events };
    });
  },
};

const COLUMNS = {
  flow: { at: "End of", open: "Open", since: "Done since the period began" },
  throughput: { from: "Week from", created: "Created", finished: "Finished", p15: "Slow week", p50: "Median", p85: "Good" },
  cycle: { at: "From", closed: "Closed", p50_text: "p50", p85_text: "p85", p95_text: "p95" },
  age: { bucket: "Age", open: "Open", overdue: "Overdue" },
  people: { person: "Approver", approvals: "Waiting", longest_text: "Longest wait" },
  heat: { weekday: "On", time: "At", notes: "Notes" },
};

const TABLES = {
  approvals: { person: ["Approver", String], hours: ["Waiting for", hours] },
  overdue_tasks: { who: ["Responsible", String], days: ["Overdue by", days] },
  aging: { who: ["Responsible", String], hours: ["Open for", hours], usual_hours: ["85% took at most", hours] },
};

const ABOUT_FILES = {
  form: { name: ["Form", String], files: ["Files", number], bytes: ["Size", size] },
  type: { name: ["Type", String], files: ["Files", number], bytes: ["Size", size] },
  person: { name: ["Person", String], files: ["Files", number], bytes: ["Size", size] },
  month: { name: ["Month", (text) => month(`${text}-01`)], files: ["Files", number], bytes: ["Size", size] },
  stored: { name: ["Place, or why not stored", String], files: ["Files", number], bytes: ["Size", size] },
  largest: { name: ["File", String], bytes: ["Size", size] },
  duplicate: { name: ["File", String], files: ["Copies", number], bytes: ["Size of copies", size] },
};

// The page. Texts are inserted as text, never as HTML.

function element(name, text, properties = {}) {
  const made = Object.assign(document.createElement(name), properties);
  if (text != null) made.textContent = text;
  return made;
}

function table(columns, rows) {
  const made = element("table");
  const head = made.createTHead().insertRow();
  columns.forEach((title, place) => head.append(element("th", title, { scope: "col", className: rows[0]?.[place].className ?? "" })));
  const body = made.createTBody();
  for (const cells of rows) body.insertRow().append(...cells);
  const scroll = element("div", null, { className: "scroll", tabIndex: 0 });
  scroll.append(made);
  return scroll;
}

function chartTable(name, rows) {
  const columns = Object.entries(COLUMNS[name]);
  const cell = (value) => (typeof value === "number" ? element("td", number(value), { className: "number" }) : element("td", value));
  return table(columns.map(([, title]) => t(title)), rows.map((row) => columns.map(([key]) => cell(row[key]))));
}

function taskCell(task) {
  const cell = element("td");
  const name = element("bdi", task.text?.replace(/\s+/g, " ").trim() || t("Task {id}", { id: task.task_id }));
  const link = /^https?:/.test(task.link) ? element("a", null, { href: task.link, target: "_blank", rel: "noopener" }) : element("span");
  link.append(name);
  cell.append(link, element("small", task.place ?? ""));
  return cell;
}

function taskTable(name, tasksOf) {
  const columns = Object.entries(TABLES[name]);
  const rows = tasksOf.map((task) => [
    taskCell(task),
    ...columns.map(([key, [title, format]]) => {
      const cell = element("td", task[key] == null ? "–" : format(task[key]), { className: format === String ? "" : "number" });
      if (format !== String) cell.dataset.name = t(title);
      return cell;
    }),
  ]);
  return table([t("Task"), ...columns.map(([, [title]]) => t(title))], rows);
}

function total(section, shown, all) {
  section.querySelector(".total").textContent = shown < all ? t("{shown} of {all}", { shown: number(shown), all: number(all) }) : "";
}

function filesTable(about, rows) {
  const columns = Object.entries(ABOUT_FILES[about]);
  const cell = (file, [key, [title, format]], place) => {
    if (place) {
      const counted = element("td", format(file[key]), { className: "number" });
      counted.dataset.name = t(title);
      return counted;
    }
    const made = element("td");
    made.append(element("bdi", file[key] ? t(format(file[key])) : t("Without a name")), ...(file.task ? [element("small", file.task)] : []));
    return made;
  };
  return table(columns.map(([, [title]]) => t(title)), rows.map((file) => columns.map((column, place) => cell(file, column, place))));
}

function themed(spec) {
  const styles = getComputedStyle(document.documentElement);
  return JSON.parse(JSON.stringify(spec).replace(/var\((--\w+)\)/g, (_, name) => styles.getPropertyValue(name).trim()));
}

async function draw(name, rows) {
  const section = document.querySelector(`[data-chart=${name}]`);
  views[name]?.finalize();
  delete views[name];
  const place = section.querySelector(".chart");
  section.querySelector("details").hidden = !rows.length;
  section.querySelector("details > :last-child").replaceWith(chartTable(name, rows));
  if (!rows.length) return place.replaceChildren(element("p", t("Nothing in this selection."), { className: "nothing" }));
  const spec = translated(themed({ ...charts[name], config: charts.config }));
  spec.data.values = rows;
  if (spec.height === "rows") spec.height = 26 * rows.length; // Vega-Lite cannot combine a step in pixels with a width that fits the container
  const options = {
    ast: true, actions: false, renderer: "svg", defaultStyle: false, tooltip: { disableDefaultStyle: true },
    expressionFunctions: { hours }, // a format for the charts: a tooltip of the nearest point gets numbers only
    formatLocale: numbersOfCharts, timeFormatLocale: datesOfCharts,
    logLevel: 1, // errors only: an empty layer, such as the forecast in the first week, is not an error
  };
  views[name] = (await vegaEmbed(place, spec, options)).view;
}

function figure(name, text) {
  document.querySelector(`[data-figure=${name}]`).textContent = text;
}

function forecast(expected) {
  if (expected?.finished_p50 == null) return t("No whole week has passed yet, so there is no pace to show.");
  const pace = t("In the last {weeks} weeks, {finished} tasks were finished in the median week, and {created} were created on average.", {
    weeks: expected.weeks, finished: number(expected.finished_p50), created: number(expected.created_mean),
  });
  if (expected.weeks_at_p50 == null || !expected.backlog) return pace;
  const weeks = (value) => (value == null ? t("an unknown number of") : number(value));
  return `${pace} ` + t("At this pace, the {open} open tasks take {median} weeks, between {good} and {slow}, if no new tasks are created.", {
    open: number(expected.backlog), median: weeks(expected.weeks_at_p50), good: weeks(expected.weeks_at_p85), slow: weeks(expected.weeks_at_p15),
  });
}

function detail(scope) {
  const place = document.getElementById("detail");
  const share = Math.floor((100 * scope.detailed) / scope.tasks);
  place.hidden = scope.detailed === scope.tasks;
  place.textContent = t("{detailed} of {all} tasks ({share}%) have been read in detail so far. Open and overdue tasks are right already. " +
    "Approvals, notes and cycle times are those of the tasks that have been read, and a closed task counts as done since " +
    "its last change until it is known when it was closed.", { detailed: number(scope.detailed), all: number(scope.tasks), share });
}

let shown = Promise.resolve();
const show = () => (shown = shown.then(showChosen)); // one after the other, so that the last choice is shown

async function showChosen() {
  const scope = scopes[Number(document.getElementById("scope").value)];
  const period = Number(document.querySelector("#periods input:checked").value);
  const cycle = scope.cycle[period];
  detail(scope);
  figure("open", number(scope.open));
  figure("overdue", number(scope.overdue));
  figure("waiting", number(scope.waiting));
  figure("closed", number(cycle?.closed ?? 0));
  figure("p85", hours(cycle?.p85));
  figure("forecast", forecast(scope.forecast));
  figure("heat_since", t("since {month}", { month: month(later(clock.today, -period)) }));
  for (const name of Object.keys(TABLES)) {
    const rows = scope[name];
    const section = document.querySelector(`[data-table=${name}]`);
    total(section, rows.length, scope.totals[name]);
    section.lastElementChild.replaceWith(rows.length ? taskTable(name, rows) : element("p", t("None."), { className: "nothing" }));
  }
  total(document.querySelector("[data-chart=people]"), scope.waited_for.length, scope.totals.people);
  await Promise.all(Object.entries(ROWS).map(([name, rows]) => draw(name, rows(scope, period))));
  document.body.dataset.shown = `${scopes.indexOf(scope)}/${period}`;
}

// The address says what is chosen, so that a link or a bookmark shows the same. An address that is unknown shows everything.

function chooseByAddress() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const place = scopes.findIndex((scope) => asked.get(scope.kind) === String(scope.id));
  const period = periods.find((days) => asked.get("days") === String(days)) ?? 90;
  document.getElementById("scope").value = Math.max(place, 0);
  document.querySelector(`#periods input[value="${period}"]`).checked = true;
}

function writeAddress() {
  const { kind, id } = scopes[Number(document.getElementById("scope").value)];
  const days = document.querySelector("#periods input:checked").value;
  history.replaceState(null, "", `#${new URLSearchParams(kind === "all" ? { days } : { [kind]: id, days })}`);
}

function filters() {
  const select = document.getElementById("scope");
  const groups = { form: element("optgroup", null, { label: t("Forms") }), project: element("optgroup", null, { label: t("Projects") }) };
  scopes.forEach((scope, place) => (groups[scope.kind] ?? select).append(element("option", scope.id ? scope.name : t(scope.name), { value: place })));
  select.append(...Object.values(groups).filter((group) => group.children.length));
  for (const period of periods) {
    const label = element("label");
    const input = element("input", null, { type: "radio", name: "period", value: period });
    label.append(input, element("span", t(PERIODS[period])));
    document.getElementById("periods").append(label);
  }
  chooseByAddress();
  document.getElementById("filters").addEventListener("change", () => (writeAddress(), show()));
  addEventListener("hashchange", () => (chooseByAddress(), show()));
  if (leftOut) document.getElementById("left-out").textContent =
    t("The {count} smallest forms and projects are not listed here, but count in Everything.", { count: number(leftOut) });
}

function freshness() {
  const place = document.getElementById("freshness");
  if (clock.synced_at == null) {
    place.append(element("span", t("No sync has been completed yet."), { className: "late" }));
  } else {
    const passed = ago(Math.max(0, Date.now() / 1000 - clock.synced_at));
    place.append(t("Data as of {time}, {passed}.", { time: clock.synced, passed }), " ");
    const late = clock.is_failing ? t("The last run failed.") : clock.is_late ? t("A sync is overdue.") : "";
    if (late) place.append(element("span", late, { className: "late" }));
  }
  document.getElementById("made").textContent = clock.made;
  document.getElementById("time-zone").textContent = clock.time_zone;
}

function frames() {
  for (const heading of document.querySelectorAll("[data-chart=people] h2, [data-table] h2, [data-files] h2"))
    heading.append(" ", element("small", null, { className: "total" }));
  for (const section of document.querySelectorAll("[data-chart]")) {
    const details = element("details");
    details.append(element("summary", t("As a table")), element("div"));
    section.append(element("div", null, { className: "chart" }), details);
  }
  for (const section of document.querySelectorAll("[data-table]")) section.append(element("div"));
  for (const section of document.querySelectorAll("[data-files]")) {
    const rows = files[section.dataset.files];
    total(section, rows.length, fileTotals[section.dataset.files]);
    section.append(rows.length ? filesTable(section.dataset.files, rows) : element("p", t("None."), { className: "nothing" }));
  }
}

translateDocument();
freshness();
if (tasks) {
  document.getElementById("glance").hidden = false;
  filters();
  frames();
  dark.addEventListener("change", show);
  show();
} else {
  document.getElementById("empty").hidden = false;
}

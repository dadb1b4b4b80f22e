"use strict";
// The words, numbers and dates of the page in the reader's language. English texts are the keys of the other words.

const figures = JSON.parse(document.getElementById("figures").textContent);
const known = (tag) => ["en", ...Object.keys(figures.words)].find((language) => tag.toLowerCase().split("-")[0] === language);
const language = figures.language ?? navigator.languages.map(known).find(Boolean) ?? "en";
const dictionary = figures.words[language] ?? {};

const own = (object, key, otherwise) => (Object.hasOwn(object, key) ? object[key] : otherwise);

// The text may be a name of the user's, with any braces in it, or that of a property of every object.
function t(text, values = {}) {
  return own(dictionary, text, text).replace(/\{(\w+)\}/g, (whole, name) => own(values, name, whole));
}

const number = (value) => (value == null ? "–" : value.toLocaleString(language));

function days(value) {
  return value.toLocaleString(language, { style: "unit", unit: "day", unitDisplay: "long" });
}

function hours(value) {
  if (value == null) return "–";
  const whole = Math.floor(value);
  if (whole >= 240) return days(Math.round(value / 24));
  if (whole >= 24) return t("{days} d {hours} h", { days: Math.floor(whole / 24), hours: whole % 24 });
  const minutes = Math.floor((value - whole) * 60);
  return whole ? t("{hours} h {minutes} min", { hours: whole, minutes }) : t("{minutes} min", { minutes });
}

function size(bytes) {
  const units = [t("bytes"), t("kB"), t("MB"), t("GB"), t("TB")];
  const step = Math.min(Math.floor(Math.log(Math.max(bytes, 1)) / Math.log(1024)), units.length - 1);
  return `${(bytes / 1024 ** step).toLocaleString(language, { maximumFractionDigits: step ? 1 : 0 })} ${units[step]}`;
}

const date = (day, format) => new Date(`${day}T00:00:00Z`).toLocaleDateString(language, { ...format, timeZone: "UTC" });
const month = (day) => date(day, { month: "long", year: "numeric" });

function ago(seconds) {
  const steps = [[86400, "day"], [3600, "hour"], [60, "minute"]];
  const [size, unit] = steps.find(([size]) => seconds >= size) ?? [1, "second"];
  return new Intl.RelativeTimeFormat(language).format(-Math.floor(seconds / size), unit);
}

// The language of the charts: https://d3js.org/d3-format and https://d3js.org/d3-time-format

const part = (parts, type) => parts.find((each) => each.type === type).value;
const numbersOfCharts = (() => {
  const parts = new Intl.NumberFormat(language).formatToParts(1234567.5);
  return { decimal: part(parts, "decimal"), thousands: part(parts, "group"), grouping: [3], currency: ["", ""] };
})();
const WEEK = [1, 2, 3, 4, 5, 6, 7].map((day) => `2024-01-0${day}`); // from Monday to Sunday
const YEAR = Array.from({ length: 12 }, (_, place) => `2024-${String(place + 1).padStart(2, "0")}-01`);
const datesOfCharts = (() => {
  const named = (days, name, format) => days.map((day) =>
    part(new Intl.DateTimeFormat(language, { ...format, timeZone: "UTC" }).formatToParts(new Date(`${day}T00:00:00Z`)), name));
  const sundayFirst = [WEEK[6], ...WEEK.slice(0, 6)];
  return {
    dateTime: "%x, %X", date: "%-d %b %Y", time: "%H:%M", periods: ["AM", "PM"],
    days: named(sundayFirst, "weekday", { weekday: "long" }),
    shortDays: named(sundayFirst, "weekday", { weekday: "short" }),
    months: named(YEAR, "month", { day: "numeric", month: "long" }),
    shortMonths: named(YEAR, "month", { day: "numeric", month: "short" }),
  };
})();

const SHOWN_IN_CHARTS = new Set(["title", "description", "domain", "datum", "calculate"]);

function translated(spec, key) {
  if (Array.isArray(spec)) return spec.map((each) => translated(each, key));
  if (spec && typeof spec === "object")
    return Object.fromEntries(Object.entries(spec).map(([name, each]) => [name, translated(each, name)]));
  if (typeof spec !== "string" || !SHOWN_IN_CHARTS.has(key)) return spec;
  return key === "calculate" ? spec.replace(/'([A-Z][^']*)'/g, (_, text) => `'${t(text)}'`) : t(spec);
}

function translateDocument() {
  document.documentElement.lang = language;
  document.title = t(document.title);
  for (const element of document.querySelectorAll("[aria-label]")) element.setAttribute("aria-label", t(element.getAttribute("aria-label")));
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const text = node.data.trim().replace(/\s+/g, " ");
    if (Object.hasOwn(dictionary, text)) node.data = node.data.replace(/\S[^]*\S|\S/, () => dictionary[text]);
  }
}

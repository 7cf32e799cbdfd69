"use strict";
// Shows what /events sends each second. Every value becomes text by textContent; nothing is markup.

const OLD_AFTER = 2500;
const GONE_AFTER = 6000;
const AGAIN_AFTER = 1000;
const FULL_AGAIN_AFTER = 5000;
const SIGNS = { good: "✓", note: "i", warning: "!", critical: "✗", unsure: "?" };
const SVG = "http://www.w3.org/2000/svg";

const byId = (id) => document.getElementById(id);
const view = { reading: null, latest: null, at: 0, seen: Date.now(), began: 0, spoken: "", waiting: 0 };

// -- Values as people read them

const whole = new Intl.NumberFormat("en");
const count = (n) => (n === null || n === undefined ? "–" : whole.format(n));
const rate = (n) => {
  if (n === null || n === undefined) return "–";
  return `${n >= 100 ? whole.format(Math.round(n)) : n >= 10 || n === 0 ? n.toFixed(0) : n.toFixed(1)}/s`;
};
const span = (s) => {
  if (s === null || s === undefined) return "–";
  for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"]]) {
    if (s >= 2 * size) return `${Math.floor(s / size)} ${unit}`;
  }
  return `${Math.max(0, Math.round(s))} s`;
};
const ago = (s) => (s === null || s === undefined ? "never" : `${span(s)} ago`);
const seconds = (s) => {
  if (s === null || s === undefined) return "–";
  return s < 1 ? `${s < 0.01 ? (s * 1000).toFixed(1) : Math.round(s * 1000)} ms` : `${s.toFixed(1)} s`;
};
const bytes = (n) => {
  if (n === null || n === undefined) return "–";
  for (const [size, unit] of [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]]) {
    if (n >= size) return `${(n / size).toFixed(1)} ${unit}`;
  }
  return `${n} B`;
};
const clock = (iso) => (iso ? iso.slice(11, 19) : "–");

// -- Nodes, changed only where something changed: a selection and a focus stay

function text(node, value) {
  const wanted = value === null || value === undefined ? "" : String(value);
  if (node.textContent !== wanted) node.textContent = wanted;
}

function mark(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

function make(tag, className, value) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (value !== undefined) node.textContent = value;
  return node;
}

const made = new WeakMap();

/** Give `parent` a child for each item, in order; a child is made once for each key, and for each
 * item that has the key of another: what one gate tells takes no place of what another does. */
function fill(parent, items, key, create, update) {
  if (!made.has(parent)) made.set(parent, new Map());
  const known = made.get(parent);
  const counts = new Map();
  const names = items.map((item) => {
    const name = key(item);
    counts.set(name, (counts.get(name) || 0) + 1);
    return JSON.stringify([name, counts.get(name)]);
  });
  const wanted = new Set(names);
  for (const [name, node] of known) {
    if (!wanted.has(name)) {
      node.remove();
      known.delete(name);
    }
  }
  let place = parent.firstElementChild;
  for (const [index, item] of items.entries()) {
    let node = known.get(names[index]);
    if (!node) known.set(names[index], (node = create(item)));
    if (node === place) place = place.nextElementSibling;
    else parent.insertBefore(node, place);
    update(node, item);
  }
}

/** A table: `columns` are [title, class, cell of a row]; a cell is text, or [text, mark]. */
function table(node, caption, columns, rows, key, rowClass) {
  if (!node.tHead) {
    node.append(make("caption", "unseen", caption));
    const head = node.createTHead().insertRow();
    for (const [title, kind] of columns) {
      const cell = make("th", kind, title);
      cell.scope = "col";
      head.append(cell);
    }
    node.createTBody();
    mark(node, "role", "table");
  }
  const create = () => {
    const row = make("tr");
    mark(row, "role", "row");
    columns.forEach(([title, kind], place) => {
      const cell = make(place ? "td" : "th", kind);
      mark(cell, "role", place ? "cell" : "rowheader");
      if (!place) cell.scope = "row";
      mark(cell, "data-column", title);
      cell.append(make("span"));
      row.append(cell);
    });
    return row;
  };
  fill(node.tBodies[0], rows, key, create, (row, item) => {
    mark(row, "class", rowClass ? rowClass(item) : "");
    columns.forEach(([, , cell], place) => {
      const told = cell(item);
      const [value, colour] = Array.isArray(told) ? told : [told, ""];
      const inner = row.cells[place].firstElementChild;
      mark(inner, "class", colour ? `marked ${colour}` : "");
      text(inner, value);
    });
  });
}

// -- The page's parts

function showVerdict(state) {
  const [worst, ...others] = state.causes;
  mark(byId("verdict"), "class", `verdict ${worst.level}`);
  mark(byId("headline"), "data-sign", SIGNS[worst.level]);
  text(byId("headline"), worst.what);
  text(byId("first"), worst.first ? `First: ${worst.first}` : "");
  fill(byId("also"), others, (cause) => `${cause.gate} ${cause.name}`, () => {
    const item = make("li");
    item.append(make("b"), make("br"), make("span"));
    return item;
  }, (item, cause) => {
    mark(item, "class", `also ${cause.level}`);
    mark(item, "data-sign", SIGNS[cause.level]);
    text(item.children[0], cause.what);
    text(item.children[2], cause.first ? `First: ${cause.first}` : "");
  });
  // Figures in the sentence change each second. It is spoken when it is about something else.
  const about = `${worst.gate} ${worst.name} ${worst.level}`;
  if (view.spoken !== about) {
    view.spoken = about;
    text(byId("spoken"), `${worst.what} ${worst.first ? `First: ${worst.first}` : ""}`);
  }
  document.title = `${SIGNS[worst.level]} ${state.title} – hookgate live`;
}

function showTiles(all) {
  const kept = all.quarantine;
  const tiles = [
    ["Last delivered", ago(all.last_delivered_seconds), "", false],
    ["Delivered", rate(all.rates.delivered), "", false],
    ["Failed", rate(all.rates.failed), "", all.rates.failed > 0],
    ["In flight", count(all.in_flight), "", false],
    ["Endpoint p50", seconds(all.p50), "", false],
    ["Endpoint p99", seconds(all.p99), "", false],
    ["Near misses", count(all.near), all.near_seconds === null ? "" : ago(all.near_seconds), all.near_seconds !== null && all.near_seconds < 900],
    ["In quarantine", kept ? count(kept.items) : all.tells_quarantine ? "off" : "–", kept && kept.items ? bytes(kept.bytes) : "", Boolean(kept && !kept.usable)],
  ];
  fill(byId("tiles"), tiles, (tile) => tile[0], (tile) => {
    const node = make("div");
    const value = make("dd");
    value.append(make("span"), make("small"));
    node.append(make("dt", "", tile[0]), value);
    return node;
  }, (node, [, value, unit, isBad]) => {
    mark(node, "class", isBad ? "is-bad" : "");
    text(node.lastChild.firstChild, value);
    text(node.lastChild.lastChild, unit);
  });
}

function bars(values, high) {
  let path = "";
  values.forEach((value, place) => {
    if (value > 0) path += `M${place} 100V${(100 - Math.max(3, (96 * value) / high)).toFixed(1)}h.86V100z`;
  });
  return path;
}

function showStrips(strips) {
  fill(byId("strips"), strips.rows, (row) => row.name, (row) => {
    const node = make("div", `strip ${row.name}`);
    const words = make("div");
    const now = make("p");
    now.append(make("b", "", row.title), make("span"));
    words.append(now, make("p"));
    const chart = document.createElementNS(SVG, "svg");
    mark(chart, "viewBox", `0 0 ${row.values.length} 100`);
    mark(chart, "preserveAspectRatio", "none");
    mark(chart, "role", "img");
    for (const name of ["gaps", "bars"]) {
      const path = document.createElementNS(SVG, "path");
      mark(path, "class", name);
      chart.append(path);
    }
    node.append(words, chart);
    return node;
  }, (node, row) => {
    const most = Math.max(0, ...row.values.map((value) => value || 0));
    const all = row.values.reduce((sum, value) => sum + (value || 0), 0);
    const told = `${count(all)} in 15 min, at most ${rate(most / strips.seconds)}`;
    text(node.children[0].children[0].children[1], rate(row.now));
    text(node.children[0].children[1], told);
    const chart = node.children[1];
    mark(chart, "aria-label", `${row.title}: ${rate(row.now)} now, ${told}`);
    const gaps = row.values.map((value, place) => (value === null ? `M${place} 100V88h1V100z` : ""));
    mark(chart.children[0], "d", gaps.join(""));
    mark(chart.children[1], "d", bars(row.values, most || 1));
  });
}

const STATES = { ready: "good", "not ready": "critical", "no answer": "critical" };

function showGates(state) {
  const rows = state.total ? [...state.gates, { ...state.total, name: "All", state: "", is_total: true }] : state.gates;
  table(byId("gates"), "Each gate", [
    ["Gate", "", (g) => g.name],
    ["State", "", (g) => [g.answers === false ? `no answer since ${clock(g.silent_since)}` : g.state, STATES[g.state] || ""]],
    ["Last delivered", "number", (g) => ago(g.last_delivered_seconds)],
    ["Delivered", "number", (g) => rate(g.rates.delivered)],
    ["Refused inside", "number", (g) => rate(g.rates.inside)],
    ["Refused outside", "number", (g) => rate(g.rates.foreign)],
    ["Failed", "number", (g) => rate(g.rates.failed)],
    ["In flight", "number", (g) => count(g.in_flight)],
    ["p50", "number", (g) => seconds(g.p50)],
    ["p99", "number", (g) => seconds(g.p99)],
    ["Near", "number", (g) => count(g.near)],
  ], rows, (g) => g.where || "", (g) => (g.is_total ? "total" : g.answers === false ? "stale" : ""));
  table(byId("kept"), "What each gate runs by and writes", [
    ["Gate", "", (g) => g.name],
    ["Policy", "", (g) => g.policy],
    ["Version", "", (g) => g.version],
    ["Workers", "number", (g) => count(g.workers)],
    ["Running for", "number", (g) => span(g.up_seconds)],
    ["Ledger", "", (g) => g.ledger.word],
    ["Synced", "number", (g) => (g.ledger.unsynced === 0 ? "all" : ago(g.ledger.synced_seconds))],
    ["Checkpoint", "number", (g) => ago(g.ledger.checkpoint_seconds)],
    ["Quarantine", "", (g) => (g.quarantine ? `${count(g.quarantine.items)}${g.quarantine.oldest_seconds === null ? "" : `, oldest ${ago(g.quarantine.oldest_seconds)}`}` : g.tells_quarantine ? "off" : "–")],
    ["Shipping", "", (g) => g.shipping],
  ], state.gates, (g) => g.where, (g) => (g.answers === false ? "stale" : ""));
}

function showUndelivered(state) {
  const rows = state.not_delivered;
  byId("none").hidden = rows.length > 0;
  text(byId("none"), state.unknown || "Nothing that has a line of its own in the ledger.");
  byId("undelivered-scroll").hidden = rows.length === 0;
  const columns = [
    ["Time", "short", (r) => clock(r.time)],
    ["Reason", "short", (r) => [r.upstream_error ? `${r.reason}: ${r.upstream_error}` : r.reason, r.kind]],
    ["Answered", "number", (r) => (r.upstream_status ? `${r.status ?? "–"}, endpoint ${r.upstream_status}` : (r.status ?? "nothing"))],
    ["What was found", "long", (r) => r.found || r.pointer],
    ["Contract", "short", (r) => (r.route || "").split("/").pop()],
    ["Client", "short", (r) => r.client],
    ["Event", "short wrap", (r) => [r.channel, r.event_type].filter(Boolean).join(" ")],
    ["Request id", "short", (r) => r.request_id],
  ];
  if (state.total) columns.splice(1, 0, ["Gate", "short", (r) => r.gate]);
  table(byId("undelivered"), "What was not delivered, the newest first", columns, rows, (r) => r.key);
  fill(byId("meanings"), state.meanings, (m) => m.word, (m) => {
    const node = make("div");
    const told = make("dd");
    told.append(make("i"), make("span"));
    node.append(make("dt", "", m.word), told);
    return node;
  }, (node, m) => {
    text(node.lastChild.firstChild, `${m.count} × ${m.means}. `);
    text(node.lastChild.lastChild, m.first);
  });
}

function showLately(causes) {
  byId("lately-card").hidden = causes.length === 0;
  fill(byId("lately"), causes, (cause) => `${cause.gate} ${cause.what}`, () => {
    const item = make("li");
    item.append(make("span"), make("i"));
    return item;
  }, (item, cause) => {
    text(item.children[0], cause.name === "changed" ? clock(cause.since) : `${clock(cause.since)} to ${clock(cause.until)}`);
    text(item.children[1], cause.what);
  });
}

function show(state) {
  view.latest = state;
  view.at = Date.now();
  text(byId("where"), state.gates.map((gate) => gate.name).join(", "));
  text(byId("clock"), `${state.time.slice(0, 10)} ${clock(state.time)} UTC`);
  text(byId("version"), `hookgate ${state.version}.`);
  const gone = state.gates.every((gate) => gate.answers === false);
  document.documentElement.classList.toggle("gone", gone);
  byId("of").hidden = !gone;
  text(byId("of"), gone ? `Of ${clock(state.gates[0].silent_since)} UTC, when the gate answered last:` : "");
  showVerdict(state);
  showTiles(state.total || state.gates[0]);
  showStrips(state.strips);
  showGates(state);
  showUndelivered(state);
  showLately(state.lately);
  say("");
}

// -- Being connected

function say(words) {
  byId("link").hidden = !words;
  text(byId("link"), words);
  document.documentElement.classList.toggle("old", Boolean(words) && view.latest !== null);
}

function ask(isAsked) {
  byId("login").hidden = !isAsked;
  byId("view").hidden = isAsked || view.latest === null;
  byId("logout").hidden = isAsked;
  if (isAsked) {
    view.latest = null;
    say("");
    byId("token").focus();
  }
}

/** Read states until the stream ends; return in how many milliseconds to try again, or null. */
async function read(signal) {
  const response = await fetch("/events", { signal, cache: "no-store" });
  if (response.status === 401) {
    ask(true);
    return null;
  }
  if (!response.ok) {
    say(await response.text());
    return FULL_AGAIN_AFTER;
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return AGAIN_AFTER;
    const parts = (held + value).split("\n\n");
    held = parts.pop();
    if (parts.length) {
      show(JSON.parse(parts[parts.length - 1].slice("data: ".length)));
      ask(false);
    }
  }
}

async function connect() {
  clearTimeout(view.waiting);
  if (view.reading || document.hidden) return;
  const reading = (view.reading = new AbortController());
  view.began = Date.now();
  let again = AGAIN_AFTER;
  try {
    again = await read(reading.signal);
  } catch {
    // Nobody answers there; what is shown says so.
  }
  if (view.reading === reading) view.reading = null;
  if (again !== null && !document.hidden) view.waiting = setTimeout(connect, again);
}

function disconnect() {
  if (view.reading) view.reading.abort();
  view.reading = null;
}

function look() {
  const now = Date.now();
  if (document.hidden || !byId("login").hidden) return;
  if (view.reading && now - Math.max(view.at, view.began) > GONE_AFTER) {
    disconnect();
    connect();
  }
  if (now - Math.max(view.at, view.seen) > OLD_AFTER && byId("link").hidden) {
    const since = view.latest ? ` All below is of ${clock(view.latest.time)} UTC.` : "";
    say(`hookgate live does not answer this page.${since} It tries again each second.`);
  }
}

document.addEventListener("visibilitychange", () => {
  view.seen = Date.now();
  if (document.hidden) disconnect();
  else connect();
});
byId("login").addEventListener("submit", async (submitted) => {
  submitted.preventDefault();
  text(byId("wrong"), "");
  try {
    const response = await fetch("/login", { method: "POST", body: byId("token").value });
    if (response.ok) {
      byId("token").value = "";
      ask(false);
      connect();
    } else {
      byId("token").select(); // what is pasted next stands alone
      text(byId("wrong"), await response.text());
    }
  } catch {
    text(byId("wrong"), "hookgate live does not answer.");
  }
});
byId("logout").addEventListener("click", async () => {
  await fetch("/logout", { method: "POST" });
  disconnect();
  ask(true);
});
setInterval(look, 500);
connect();

// The admin API with made-up figures: for working on the dashboard without a daemon, and for its states that a daemon is
// seldom in. `node mock/serve.mjs [PORT] [without=store,demo,events,…] [token=SECRET] [shadow=yes] [twin=yes]`; prints its address.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const built = join(dirname(fileURLToPath(import.meta.url)), "../built");
const options = Object.fromEntries(process.argv.slice(2).filter((it) => it.includes("=")).map((it) => it.split("=")));
const without = new Set((options.without ?? "").split(","));
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const FILES = { "/": ["index.html", "text/html"], "/assets/dashboard.js": ["dashboard.js", "text/javascript"], "/assets/dashboard.css": ["dashboard.css", "text/css"], "/assets/icon.svg": ["icon.svg", "image/svg+xml"], "/assets/licences.txt": ["licences.txt", "text/plain"] };

const started = Date.now() / 1000 - 7300;
const now = () => Date.now() / 1000;
let seed = 7;
const luck = () => ((seed = (seed * 1664525 + 1013904223) % 4294967296) / 4294967296);
const acts = {};
const ROUTES = {
  chat: { rps: 38, targets: [["fast", "sim-fast/large", 0.5, 620, 0.0042], ["steady", "sim-steady/large", 0.3, 900, 0.0033], ["cheap", "sim-cheap/large", 0.2, 1500, 0.0011]] },
  summary: { rps: 4, targets: [["cheap", "sim-cheap/large", 0.9, 1500, 0.0011], ["steady", "sim-steady/large", 0.1, 900, 0.0033]] },
};

function shares(name, at) {
  const targets = ROUTES[name].targets;
  if (name === "summary") return targets.map((target) => target[2]);
  const since = at - (now() - 170);
  const ill = Math.max(0, Math.min(1, since / 6)) * (since > 110 ? Math.max(0, 1 - (since - 110) / 30) : 1);
  const weights = targets.map((target, i) => target[2] * (i === 0 ? Math.exp(-4.4 * ill) : 1) * (i === 2 ? 1.25 : 1));
  const pin = orders.find((order) => order.action === "pin" && order.route === name);
  const sum = weights.reduce((a, b) => a + b);
  const out = weights.map((weight) => weight / sum);
  if (pin) {
    const place = targets.findIndex((target) => target[0] === pin.target);
    const rest = 1 - out[place];
    return out.map((share, i) => (i === place ? pin.share : (share / rest) * (1 - pin.share)));
  }
  return out;
}

function sample(name, at) {
  const { rps, targets } = ROUTES[name];
  const granted = options.shadow === "yes" ? targets.map((target) => target[2]) : shares(name, at);
  const n = Math.max(0, Math.round(rps * (1 + 0.15 * Math.sin(at / 40)) + (luck() - 0.5) * Math.sqrt(rps) * 2));
  const actual = granted.map((share) => Math.max(0, share + (luck() - 0.5) * 0.08));
  const all = actual.reduce((a, b) => a + b);
  const ms = granted.reduce((sum, share, i) => sum + share * targets[i][3], 0) * (0.9 + luck() * 0.2);
  return {
    at: Math.floor(at),
    requests: n,
    failed: luck() < 0.04 ? 1 : 0,
    first_token_ms: n ? [ms * 0.35, ms * 0.8] : null,
    total_ms: n ? [ms, ms * 2.3] : null,
    cost_usd: n * granted.reduce((sum, share, i) => sum + share * targets[i][4], 0),
    granted,
    actual: actual.map((share) => share / all),
    configured: { cost_usd: n * targets.reduce((sum, target) => sum + target[2] * target[4], 0), total_ms: ms * 1.18, failed: 0.2 },
  };
}

const histogram = (mid) => Array.from({ length: 18 }, (_, i) => [Math.round(80 * 1.45 ** i), Math.round(400 * Math.exp(-((Math.log((80 * 1.45 ** i) / mid) / 0.55) ** 2)))]).filter(([, n]) => n > 0);

function report(name) {
  const { rps, targets } = ROUTES[name];
  const adaptive = name === "chat";
  const shadowed = adaptive && options.shadow === "yes";
  const found = shares(name, now());
  const granted = shadowed ? targets.map((target) => target[2]) : found;
  return {
    route: name,
    strategy: adaptive ? "adaptive" : "fixed",
    mode: shadowed ? "shadow" : "auto",
    aims: adaptive ? "follow latency, cost and errors" : "stay at the configured weights",
    table_version: 381,
    demand: rps,
    targets: targets.map(([target, use, configured, mid, cost], i) => ({
      name: target,
      use,
      tier: 1,
      configured,
      proposed: granted[i] * 0.96 + 0.04 * configured,
      granted: granted[i],
      ...(shadowed ? { if_obeyed: found[i] } : {}),
      ...(shadowed && target === "cheap" ? { spent_until: now() + 30000 } : {}),
      actual: granted[i] * 0.9 + 0.1 * configured,
      samples: 14210 - i * 4000,
      confidence: 0.93 - i * 0.1,
      state: adaptive && i === 0 && granted[0] < 0.1 ? "returning" : "serving",
      terms: { latency: [1.9, 0.95, 1.25][i], cost: [0.62, 0.48, 0.16][i] ?? 0.2, error: [0.09, 0.03, 0.05][i] ?? 0 },
      rails: adaptive ? [["exploration", "step"], [], ["floor"]][i] : ["off"],
      evidence: { first_token: mid / 2500, per_token: 0.012, slowness: mid / 900, faults: 0.004, cost, cached: 0.31, quality: i === 2 ? null : { mean: 0.86 - 0.2 * i, deviation: 0.03, scores: 57 - i, histogram: [1, 0, 2, 0, 3, 4, 6, 9, 12, 20] }, deviation: 0.1, gap: 0.2 },
      levels: adaptive ? [{ level: "p95_first_token", at_most: 1.5, value: 0.9 + i * 0.4, samples: 812, excess: 0, deviation: 0.05, verdict: i === 2 ? "uncertain" : "met" }] : [],
      sentence: adaptive
        ? [
            "fast: takes 8 % instead of its configured 50 %: its answers take 2.1× the route's mean (first token 1.7 s, then 12 ms a token)",
            "steady: takes 54 % instead of its configured 30 %: it is the quickest",
            "cheap: takes 38 % instead of its configured 20 %: it has its part of what fast lost; costs $3.10 per thousand answers less than fast",
          ][i]
        : `${target}: takes its configured ${Math.round(configured * 100)} %`,
      first_token_ms: [mid * 0.35, mid * 0.9, mid * 1.4],
      total_ms: [mid, mid * 2.2, mid * 3.4],
      usd_per_1k_tokens: cost * 3,
      spent_usd: 12.4 * cost * 1000,
      calls: 14210 - i * 4000,
      failed: 31 + i,
      in_flight: 3 + i,
      interval: [Math.max(0, granted[i] - 0.02), granted[i] + 0.02],
      requests_last_minute: Math.round(rps * 60 * granted[i]),
      noise: granted[i] * rps * 60 < 100 ? "Fewer than 100 requests in the last minute: nothing can be said of the difference." : "The difference to the granted share is what chance does.",
      errors: i === 0 ? { server_error: 4, timeout: 1 } : i === 2 ? { rate_limited: 2 } : {},
      latency_histogram: histogram(mid),
      first_token_histogram: histogram(mid * 0.35),
      cached_ratio: [0.31, 0.02, null][i],
    })),
    explanation: adaptive
      ? ["chat: shares follow latency, cost and errors; 38 requests/s; moved 42 points off fast: its answers take 2.1× the route's mean"]
      : ["summary: shares stay at the configured weights; 4.0 requests/s"],
  };
}
const explained = (name) => {
  const shown = report(name);
  shown.explanation.push(...shown.targets.map((target) => target.sentence));
  return shown;
};

let orders = [{ id: "1", action: "freeze", route: "summary", reason: "quarter close: no surprises in the books", by: "mira", since: now() - 1900, until: now() + 12500 }];
let next = 2;
const requests = Array.from({ length: 260 }, (_, i) => {
  const failed = i % 41 === 3;
  const moved = i % 13 === 0;
  const at = now() - i * 1.7;
  const ok = (target, ms) => ({ target, use: `sim-${target}/large`, reason: "drawn", propensity: moved ? null : [0.08, 0.54, 0.38][i % 3], after_ms: moved ? 415 : 0.2, outcome: "ok", status: null, total_ms: ms, first_content_ms: 300 + ((i * 53) % 700), cost_usd: 0.0011 });
  const bad = (target, outcome, status, ms) => ({ target, use: `sim-${target}/large`, reason: "drawn", propensity: null, after_ms: 0.2, outcome, status, total_ms: ms, first_content_ms: null, cost_usd: null });
  const served = ["fast", "steady", "cheap"][i % 3];
  const ms = 900 + ((i * 97) % 1400);
  const calls = failed ? [bad("fast", "timeout_first_token", null, 60000), bad("cheap", "server_error", 500, 801)] : moved ? [bad("fast", "server_error", 503, 412), ok(served, ms)] : [ok(served, ms)];
  return {
    number: 91000 - i,
    id: `req-${(91000 - i).toString(36)}`,
    at,
    route: i % 7 === 2 ? "summary" : "chat",
    target: failed ? "cheap" : served,
    key: i % 2 ? "web" : "batch",
    team: i % 2 ? "search" : "support",
    feature: "answer",
    user: null,
    attempts: calls.length,
    calls,
    tokens: failed ? null : { input: 412 + ((i * 31) % 900), cached_input: (i % 4) * 64, output: 130 + ((i * 17) % 200), reasoning: 0, estimated: false },
    cost_usd: failed ? null : 0.0011 + (i % 9) * 0.0003,
    first_content_ms: failed ? null : 300 + ((i * 53) % 700),
    total_ms: failed ? 60801 : ms,
    feedback: !failed && i % 4 === 1 ? { score: 0.9, label: "thumbs" } : null,
    overhead_ms: 0.31,
    ended_by: failed ? "target.first_token" : "target.done",
    good: !failed,
    code: failed ? "upstream_timeout" : null,
    status: failed ? 504 : 200,
  };
});

const problem = { file: "config/production.toml", line: 31, column: 10, key: "routes.chat.targets.fast.weight", message: "expected a number of at least 0, found -5", hint: "0 drains a target", text: "fast = { use = \"sim-fast/large\", weight = -5 }" };
const answers = {
  "/api/v1": () => ({ paths: PATHS.filter((path) => !without.has(path.slice(8))).map((path) => `GET ${path}`) }),
  "/api/v1/overview": () => ({ version: "0.1.0", environment: "production", started_at: started, config_generation: 12, mode: "auto", controller: { age_seconds: 0.2, ticks_lost: 0 }, store: { state: without.has("store") ? "off" : "ok" }, problems: 1, alerts: 2, steering: orders.length, routes: Object.keys(ROUTES), demo: !without.has("demo") }),
  "/api/v1/routes": () => ({ config_generation: 12, decided_seconds_ago: 0.2, routes: Object.keys(ROUTES).map(explained) }),
  "/api/v1/config": () => ({
    environment: "production",
    config_generation: 12,
    loaded_at: now() - 5400,
    digest: "9f31c2aa5b40e1d7",
    changes: ["routes.chat.targets.cheap.min_share: 0.02 (was not set)", "routes.chat.targets.fast.weight: 60 -> 50", "providers.sim-old: taken out"],
    last_read: { ok: false, refused_seconds_ago: 300, problems: [problem] },
    config: { config_version: 1, routes: { chat: { strategy: "adaptive", targets: { fast: { use: "sim-fast/large", weight: 50 } } } }, providers: { "sim-fast": { kind: "openai", api_key: "***" } } },
  }),
  "/api/v1/steering": () => ({ orders, kept: true, switch: { off: switchedOff, thrown: null } }),
  "/api/v1/keys": () => ({ keys: [{ name: "search-team", from: "files", place: "production.toml:31", routes: ["chat"], expires: null, state: "active", last_used: now() - 40, made: null, revoked: null }, { name: "partner", from: "books", place: null, routes: null, expires: "2027-03-31 24:00", state: "active", last_used: null, made: { at: now() - 9000, by: "ada", reason: "pilot" }, revoked: null }, { name: "old-app", from: "books", place: null, routes: null, expires: null, state: "revoked", last_used: null, made: { at: now() - 900000, by: "bo", reason: "launch" }, revoked: { at: now() - 500, by: "ada", reason: "leaked" } }, { name: "mobile", from: "books", place: null, routes: ["chat", "summary"], expires: null, state: "active", last_used: now() - 3, made: { at: now() - 9000000, by: "ada", reason: "launch" }, revoked: null, rotated: { at: now() - 90000, by: "ada", reason: "half a year old" }, before: [{ since: now() - 9000000, replaced: { at: now() - 90000, by: "ada", reason: "half a year old" }, until: now() + 82800, state: "accepted", last_used: now() - 1300, last_refused: null }, { since: null, replaced: { at: now() - 9000000, by: "bo", reason: "leaked" }, until: now() - 9000000, state: "over", last_used: null, last_refused: now() - 7200 }] }], asked_for: true }),
  "/api/v1/budgets": () => ({ budgets: [{ name: "provider openai, month", scope: "provider", subject: "openai", window: "month", limit_usd: 500, spent_usd: 431.2, left_usd: 68.8, began_at: now() - 2500000, resets_at: now() + 86000, alert_at: [0.5, 0.8, 1], at_cap: "avoid", state: "open" }, { name: "route chat, day", scope: "route", subject: "chat", window: "day", limit_usd: 20, spent_usd: 20.3, left_usd: 0, began_at: now() - 50000, resets_at: now() + 30000, alert_at: [1], at_cap: "refuse", state: "refused" }, { name: "target chat/cheap, day", scope: "target", subject: "chat/cheap", window: "day", limit_usd: 5, spent_usd: 5.02, left_usd: 0, began_at: now() - 50000, resets_at: now() + 30000, alert_at: [0.8, 1], at_cap: "avoid", state: "avoided" }] }),
  "/api/v1/alerts": () => ({ alerts: [{ id: 3, kind: "budget", subject: "openai-month", since: now() - 4000, resolved: null, message: "spent $431.20 of $500.00 this month: over 80 %" }, { id: 2, kind: "config_refused", subject: "production.toml", since: now() - 300, resolved: null, message: "the file was refused: 1 problem" }, { id: 1, kind: "ejection", subject: "sim-fast/large", since: now() - 9000, resolved: now() - 8700, message: "ejected: 6 of its last 10 answers failed" }] }),
  "/api/v1/usage": () => ({ by: ["team", "route"], rows: [{ team: "search", route: "chat", requests: 81233, failed: 41, tokens_in: 40112345, tokens_cached: 9112345, tokens_out: 12112345, cost_usd: 212.4 }, { team: "support", route: "chat", requests: 21233, failed: 11, tokens_in: 10112345, tokens_cached: 112345, tokens_out: 2112345, cost_usd: 52.1 }, { team: null, route: "summary", requests: 1233, failed: 0, tokens_in: 512345, tokens_cached: 0, tokens_out: 212345, cost_usd: 1.9 }], total: { requests: 103699, failed: 52, tokens_in: 50737035, tokens_cached: 9224690, tokens_out: 14437035, cost_usd: 266.4 }, is_cut: false }),
  "/api/v1/demo": () => ({ providers: ["aurora", "borealis", "cirrus"].map((name) => ({ name, act: acts[name] ?? "heal" })), adaptive: { requests: 9120, failed: 0, p95_ms: 1830, cost_usd: 21.31 }, fixed: { requests: 9120, failed: 212, p95_ms: 6110, cost_usd: 24.2 } }),
  "/api/v1/fleet": () => (without.has("fleet") ? { state: "alone", since: null, replicas: [] } : { state: "joined", since: started, namespace: "production", exchanges: 5412, exchange_failures: 3, replicas: [{ name: "pod-0", is_self: true, live: true, version: "0.1.0", started_at: started, last_seen_seconds_ago: 0, lag_seconds: 0.2, same_configuration: true, same_orders: true, in_flight: 7, evidence: 0, believed: null, ejected: [], shares: {} }, { name: "pod-1", is_self: false, live: true, version: "0.1.0", started_at: started, last_seen_seconds_ago: 0.4, lag_seconds: 0.7, same_configuration: true, same_orders: true, in_flight: 5, evidence: 90112, believed: 1, ejected: [], shares: {} }, { name: "pod-2", is_self: false, live: false, gone: "silent", version: "0.1.0", started_at: started, last_seen_seconds_ago: 71, lag_seconds: 71.4, same_configuration: false, same_orders: false, in_flight: 0, evidence: 412, believed: 0.31, ejected: ["sim-fast/large"], shares: {} }, { name: "pod-3", is_self: false, live: false, gone: "left", version: "0.1.0", started_at: started, last_seen_seconds_ago: 12, lag_seconds: 12.3, same_configuration: true, same_orders: true, in_flight: 0, evidence: 51, believed: null, ejected: [], shares: {} }], ...(options.twin && { same_name: { started_at: started, since: started, message: "another process calls itself pod-0 as this replica does; each needs a name of its own" } }) }),
  "/api/v1/openapi.json": () => ({ openapi: "3.1.0" }),
};
let switchedOff = false;
const PATHS = ["overview", "routes", "routes/{route}", "history", "events", "requests", "requests/{id}", "config", "steering", "switch", "budgets", "keys", "alerts", "fleet", "usage", "demo", "openapi.json"].map((it) => `/api/v1/${it}`);
const needs = { "/api/v1/usage": "store", "/api/v1/demo": "demo", "/api/v1/budgets": "budgets" };

function history(name, seconds, step) {
  const end = Math.floor(now());
  const samples = Array.from({ length: Math.floor(seconds / step) }, (_, i) => sample(name, end - seconds + (i + 1) * step));
  for (const it of samples) {
    it.requests *= step;
    it.cost_usd *= step;
    it.configured.cost_usd *= step;
  }
  return { step, targets: ROUTES[name].targets.map((target) => target[0]), samples };
}

const streams = new Set();
const tell = (kind, value) => streams.forEach((stream) => stream.write(`event: ${kind}\ndata: ${JSON.stringify(value)}\n\n`));
setInterval(() => tell("sample", { at: Math.floor(now()), routes: Object.fromEntries(Object.keys(ROUTES).map((name) => [name, sample(name, now())])) }), 1000).unref();

async function body(request) {
  let text = "";
  for await (const part of request) text += part;
  return JSON.parse(text || "null");
}

async function answer(request, response) {
  const url = new URL(request.url, "http://mock");
  const path = url.pathname;
  const send = (status, value) => response.writeHead(status, { "content-type": "application/json" }).end(value === undefined ? "" : JSON.stringify(value));
  const fail = (status, message) => send(status, { error: { message } });
  const file = FILES[path];
  if (file) return response.writeHead(200, { "content-type": file[1], "content-security-policy": POLICY }).end(await readFile(join(built, file[0])));
  if (options.token && request.headers.authorization !== `Bearer ${options.token}`) return fail(401, "expected the token of admin.token");
  if (needs[path] && without.has(needs[path])) return needs[path] === "store" ? fail(409, "nothing is kept: server.state is not set") : fail(404, "there is nothing here");
  if (path === "/api/v1/events" && !without.has("events")) {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("event: hello\ndata: {}\n\n");
    streams.add(response);
    return request.on("close", () => streams.delete(response));
  }
  if (path === "/api/v1/history") {
    const seconds = Math.min(21600, Number(url.searchParams.get("seconds") ?? 900));
    const step = seconds > 1800 ? 15 : 1;
    return send(200, { routes: Object.fromEntries(Object.keys(ROUTES).map((name) => [name, history(name, seconds, step)])) });
  }
  const route = /^\/api\/v1\/routes\/([^/]+)$/.exec(path);
  if (route) return ROUTES[decodeURIComponent(route[1])] ? send(200, explained(decodeURIComponent(route[1]))) : fail(404, `no route is called "${decodeURIComponent(route[1])}"; there are chat, summary`);
  if (path === "/api/v1/requests") {
    let found = requests;
    if (url.searchParams.get("route")) found = found.filter((it) => it.route === url.searchParams.get("route"));
    if (url.searchParams.get("failed") === "true") found = found.filter((it) => !it.good);
    const before = url.searchParams.get("before");
    if (before) found = found.slice(found.findIndex((it) => String(it.number) === before) + 1);
    return send(200, { requests: found.slice(0, Number(url.searchParams.get("limit") ?? 100)) });
  }
  const one = /^\/api\/v1\/requests\/([^/]+)$/.exec(path);
  if (one) {
    const found = requests.find((it) => it.id === one[1]);
    return found ? send(200, found) : fail(404, "no such request; it may have left the ring");
  }
  if (path === "/api/v1/steering" && request.method === "POST") {
    const { seconds = 14400, ...asked } = await body(request);
    const order = { id: String(next++), since: now(), until: now() + seconds, ...asked };
    if (order.action === "pin" && !(order.share >= 0 && order.share <= 1)) return fail(400, "share: expected a part of 1, 0 to 1");
    orders.push(order);
    tell("steering", {});
    return send(201, order);
  }
  if (path === "/api/v1/switch" && request.method === "POST") {
    switchedOff = (await body(request)).off;
    tell("steering", {});
    return send(200, { off: switchedOff, thrown: null });
  }
  const ended = /^\/api\/v1\/steering\/([^/]+)$/.exec(path);
  if (ended && request.method === "DELETE") {
    orders = orders.filter((order) => String(order.id) !== ended[1]);
    tell("steering", {});
    return send(204);
  }
  if (path === "/api/v1/demo" && request.method === "POST") {
    const asked = await body(request);
    acts[asked.provider] = asked.act;
    return send(200, answers[path]());
  }
  if (answers[path]) return send(200, answers[path]());
  return fail(404, "there is nothing here; GET /api/v1 lists what there is");
}

const server = createServer((request, response) => void answer(request, response).catch((problem) => response.writeHead(500).end(String(problem))));
server.listen(Number(process.argv[2] ?? 0) || 0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/`));

// The dashboard of a live daemon (WEIGHBRIDGE_BIN) on simulated providers, one of which becomes slow; and pictures of each
// view, in target/screens.

import assert from "node:assert/strict";

import { accessible, fits, launch, picture, run, settled, until, watched } from "./claims.mjs";
import { Files, traffic } from "./daemon.mjs";

const browser = await launch();
const files = new Files();
files.write();
const daemon = await files.serve();
const requests = traffic(daemon.data, { chat: 24, summary: 4 });

const chat = () => daemon.ask("/api/v1/routes/chat");
const granted = (report, name) => report.targets.find((target) => target.name === name).granted;
const steering = async () => (await daemon.ask("/api/v1/steering")).orders;
/** What the legend of a chart says of `name`, as a part of one. */
const legend = async (page, chart, name) => {
  const figure = page.locator("figure.chart", { hasText: chart }).first();
  const text = await figure.locator(".legend li", { hasText: name }).locator("b").textContent();
  return parseFloat(text.replace("<", "")) / 100;
};
const near = (a, b, within = 0.006) => Math.abs(a - b) <= within;

/** Fills in the form for an order on `#/steering/chat`, and confirms it. */
async function order(page, fields) {
  for (const [name, value] of Object.entries(fields)) {
    const field = page.locator(`form [name=${name}]`);
    if ((await field.evaluate((it) => it.tagName)) === "SELECT") await field.selectOption(value);
    else await field.fill(value);
  }
  await page.getByRole("button", { name: "Review" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  await dialog.getByRole("button", { name: "Put it in force" }).click();
  await dialog.waitFor({ state: "detached" });
}

/** Ends the one order that the page lists, and waits until nothing is in force. */
async function ended(page) {
  await page.getByRole("button", { name: "End now" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "End it" }).click();
  await page.getByText("Nothing is overruled").waitFor();
  await until("no order in force", steering, (held) => held.length === 0);
}

await run("live", {
  "the overview shows what the daemon decides, alive": async () => {
    const { page, show, end } = await watched(browser, daemon.admin);
    await show("#/");
    await page.locator(".is-live").waitFor();
    await until("three seconds of history", () => page.locator("figure.chart").count(), (n) => n >= 10);
    for (const name of ["chat", "summary"]) await page.getByRole("heading", { name }).waitFor();
    await accessible(page, "the overview");
    await end();
  },

  "the share chart moves within three seconds of the table": async () => {
    const { page, show, end } = await watched(browser, daemon.admin);
    await show("#/");
    await until("a good share for fast", chat, (report) => granted(report, "fast") > 0.35 && report.targets.every((it) => it.samples > 40), 40);
    await until("the same on the page", () => legend(page, "Granted shares", "fast"), (share) => share > 0.3);
    files.write({ fast: 900 });
    const half = 0.25;
    let table = null;
    let chart = null;
    await until(
      "a move of the table and of the chart",
      async () => {
        table ??= granted(await chat(), "fast") < half ? Date.now() : null;
        chart ??= (await legend(page, "Granted shares", "fast")) < half ? Date.now() : null;
        return [table, chart];
      },
      (both) => both.every((it) => it !== null),
      45,
    );
    console.log(`          the chart followed the table by ${chart - table} ms`);
    assert.ok(chart - table <= 3000, `${chart - table} ms`);
    await end();
  },

  "why a share is what it is says what the API says": async () => {
    const { page, show, end } = await watched(browser, daemon.admin);
    await show("#/routes/chat");
    const why = page.locator("#why");
    await why.waitFor();
    // The table moves; what is compared is of one version.
    const [said, shown] = await until(
      "the page and the API to speak of one table",
      async () => {
        const report = await chat();
        const text = await why.textContent();
        return [report, text];
      },
      ([report, text]) =>
        text.includes(`Table ${report.table_version}.`) && report.explanation.slice(1).every((sentence) => text.includes(sentence)),
      30,
    );
    for (const target of said.targets) {
      const bars = await why.locator(`[aria-labelledby="why-${target.name}"] .waterfall`).getAttribute("aria-label");
      assert.match(bars, new RegExp(`configured ${(target.configured * 100).toFixed(1)} %`));
      assert.match(bars, /rails [+−±][\d.]+, granted [<\d.]+ %$/);
      for (const rail of target.rails) assert.ok(shown.includes(rail.replaceAll("_", " ")), `${rail} is named`);
    }
    await accessible(page, "a route");
    await end();
  },

  "a pinned share is in force, and survives a reload of the page": async () => {
    const { page, show, end } = await watched(browser, daemon.admin);
    await show("#/steering/chat");
    await page.locator("form [name=action]").waitFor();
    await order(page, { action: "pin", target: "cheap", share: "35", reason: "a test of the till", by: "nora" });
    await until("35 % for cheap", chat, (report) => near(granted(report, "cheap"), 0.35));
    const [held] = await steering();
    assert.deepEqual([held.action, held.route, held.target, held.reason, held.by], ["pin", "chat", "cheap", "a test of the till", "nora"]);
    assert.ok(near(held.until - held.since, 14_400, 60), "four hours unless said otherwise");
    await page.reload();
    const row = page.getByRole("row", { name: /cheap is pinned to 35\.0 %/ });
    await row.waitFor();
    assert.match(await row.textContent(), /a test of the till.*nora/);
    await accessible(page, "steering");
    await show("#/routes/chat");
    await page.getByText("Steering in force here").waitFor();
    await until("the rail on the page", () => page.locator("#why").textContent(), (text) => text.includes("pinned"));
    await show("#/steering/chat");
    await ended(page);
    await until("a share of its own again", chat, (report) => !near(granted(report, "cheap"), 0.35, 0.001));
    await end();
  },

  "a drained target gets nothing, and survives a reload of the page": async () => {
    const { page, show, end } = await watched(browser, daemon.admin);
    await show("#/steering/chat");
    await page.locator("form [name=action]").waitFor();
    await order(page, { action: "drain", route: "chat", target: "steady", seconds: "3600", reason: "its maker works on it", by: "nora" });
    const drained = await until("nothing for steady", chat, (report) => granted(report, "steady") === 0);
    assert.equal(drained.targets.find((it) => it.name === "steady").state, "drained");
    await page.reload();
    await page.getByRole("row", { name: /steady is drained on route chat/ }).waitFor();
    const calls = async () => (await daemon.ask("/api/v1/requests?limit=20&route=chat")).requests.map((request) => request.target);
    await until("twenty requests without it", calls, (targets) => targets.length === 20 && !targets.includes("steady"));
    await ended(page);
    await until("steady is back", chat, (report) => granted(report, "steady") > 0);
    await end();
  },

  "the controller can be switched off and on": async () => {
    const { page, show, end } = await watched(browser, daemon.admin);
    const off = async () => (await daemon.ask("/api/v1/switch")).off;
    await show("#/steering");
    await page.getByRole("button", { name: "Switch the controller off" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Switch it off" }).click();
    await page.getByText("The controller is off").waitFor();
    assert.equal(await off(), true);
    await until("the configured shares", chat, (it) => it.targets.every((target) => near(target.granted, target.configured, 0.001)));
    await page.reload();
    await page.getByRole("button", { name: "Switch the controller on again" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Switch it on" }).click();
    await page.getByText("The controller is off").waitFor({ state: "detached" });
    assert.equal(await off(), false);
    await end();
  },

  "a refused configuration is shown with its line": async () => {
    const { page, show, end } = await watched(browser, daemon.admin);
    await show("#/config");
    await page.getByRole("heading", { name: "Configuration", exact: true }).waitFor();
    files.write({ weight: "-5" });
    await page.getByRole("heading", { name: "Refused" }).waitFor({ timeout: 10_000 });
    const number = files.lines.findIndex((line) => line.includes("weight = -5")) + 1;
    const told = await page.locator(".problem").first().textContent();
    assert.ok(told.includes(`browser.toml:${number}`), `the line's number ${number} in ${told}`);
    assert.ok(told.includes(files.lines[number - 1].trim()), `the line itself in ${told}`);
    await accessible(page, "a refused configuration");
    await picture(page, "config-refused-light-1280");
    await show("#/alerts");
    await page.getByRole("row", { name: /config refused/ }).waitFor();
    await picture(page, "alert-light-1280");
    await show("#/config");
    files.write();
    await page.getByRole("heading", { name: "Refused" }).waitFor({ state: "detached", timeout: 10_000 });
    await end();
  },

  "a budget is shown with what was spent of it": async () => {
    const { page, show, end } = await watched(browser, daemon.admin);
    const [budget] = (await daemon.ask("/api/v1/budgets")).budgets;
    await show("#/alerts");
    const row = page.getByRole("row", { name: new RegExp(budget.name) });
    await row.waitFor();
    assert.match(await row.textContent(), /day.*\$\d.*\$500\.00.*an alert, and nothing else/);
    await accessible(page, "budgets and alerts");
    await end();
  },

  "a request's row leads to its attempts": async () => {
    const { page, show, end } = await watched(browser, daemon.admin);
    await show("#/requests");
    const link = page.getByRole("row").nth(1).getByRole("link");
    // Held before there is a row, the list would stay empty.
    await link.waitFor();
    await page.getByRole("button", { name: "Hold" }).click();
    const id = decodeURIComponent((await link.getAttribute("href")).split("/").pop());
    await link.click();
    await page.getByRole("heading", { name: "Attempts" }).waitFor();
    const known = await daemon.ask(`/api/v1/requests/${encodeURIComponent(id)}`);
    const text = await page.locator("main").textContent();
    for (const part of [id, known.route, known.calls[0].target]) assert.ok(text.includes(part), `${part} in ${text}`);
    await accessible(page, "a request");
    await end();
  },

  "each view is pictured, light and dark, on a desk and on a phone": async () => {
    const [newest] = (await daemon.ask("/api/v1/requests?limit=1")).requests;
    const views = { overview: "#/", route: "#/routes/chat", requests: "#/requests", request: `#/requests/${newest.id}`, steering: "#/steering", alerts: "#/alerts", usage: "#/usage", config: "#/config" };
    for (const dark of [false, true]) {
      for (const width of [1280, 390]) {
        const { page, show, end } = await watched(browser, daemon.admin, { dark, width });
        for (const [name, hash] of Object.entries(views)) {
          await show(hash);
          await settled(page);
          await fits(page, `${name} at ${width} px`);
          await picture(page, `${name}-${dark ? "dark" : "light"}-${width}`);
        }
        await end();
      }
    }
  },
});

requests.end();
await browser.close();
await daemon.end();

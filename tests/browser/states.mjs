// The states of the dashboard that a healthy daemon is not in, on its mock of the API: no token, no store, a lost connection,
// an older daemon.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

import { accessible, fits, launch, picture, run, until, watched } from "./claims.mjs";

const MOCK = fileURLToPath(new URL("../../src/admin/dashboard/mock/serve.mjs", import.meta.url));
const browser = await launch();

/** What a broken claim may have left. */
const children = [];

async function mock(...options) {
  const child = spawn(process.execPath, [MOCK, "0", ...options], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const base = await new Promise((done) => child.stdout.once("data", (line) => done(String(line).trim())));
  return { base, pid: child.pid, end: () => child.kill("SIGKILL") };
}

const REFUSED = /status of (401|404|409)|ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE/;

await run("states", {
  "a token is asked for, kept for the tab, and can be forgotten": async () => {
    const api = await mock("token=open-sesame");
    const { page, show, end } = await watched(browser, api.base, { expected: REFUSED });
    await show("#/");
    await page.getByRole("heading", { name: "This listener asks for a token" }).waitFor();
    await accessible(page, "the form for the token");
    await picture(page, "token-light-1280");
    await page.getByLabel("Token").fill("wrong");
    await page.getByRole("button", { name: "Use it" }).click();
    await page.getByText("is not the one").waitFor();
    await page.getByLabel("Token").fill("open-sesame");
    await page.getByRole("button", { name: "Use it" }).click();
    await page.getByText("live", { exact: false }).first().waitFor();
    await page.getByRole("heading", { name: "chat" }).waitFor();
    await page.reload();
    await page.getByRole("heading", { name: "chat" }).waitFor();
    assert.equal(await page.evaluate(() => Object.values(localStorage).includes("open-sesame")), false, "not beyond the tab");
    await page.getByRole("button", { name: "Forget the token" }).click();
    await page.getByRole("heading", { name: "This listener asks for a token" }).waitFor();
    await end();
    api.end();
  },

  "a lost connection is said at once, and found again": async () => {
    const api = await mock();
    const { page, show, end } = await watched(browser, api.base, { expected: REFUSED });
    await show("#/");
    await page.locator(".is-live").waitFor();
    api.end();
    await page.getByText("What is shown is from before that").waitFor();
    await accessible(page, "a lost connection");
    await picture(page, "lost-light-1280");
    const again = spawn(process.execPath, [MOCK, new URL(api.base).port], { stdio: "ignore" });
    children.push(again);
    await page.locator(".is-live").waitFor();
    assert.equal(await page.getByText("What is shown is from before that").count(), 0);
    await end();
    again.kill("SIGKILL");
  },

  "a daemon without a store, budgets and events says so in words": async () => {
    const api = await mock("without=store,budgets,events,demo");
    const { page, show, end } = await watched(browser, api.base, { expected: REFUSED });
    await show("#/usage");
    await page.getByText("server.state").first().waitFor();
    await picture(page, "no-store-light-1280");
    await show("#/alerts");
    await page.getByText("This daemon keeps no budgets.").waitFor();
    await page.getByText("no live events").waitFor();
    await show("#/demo");
    await page.getByText("This is no demo").waitFor();
    await show("#/routes/nobody");
    await page.getByText("no route is called").waitFor();
    await show("#/nothing");
    await page.getByText("There is no such view").first().waitFor();
    await accessible(page, "a view that is not there");
    await end();
    api.end();
  },

  "in shadow mode it is shown what obeying would do, and whose hand and which budget is on a target": async () => {
    const api = await mock("shadow=yes");
    const { page, show, end } = await watched(browser, api.base);
    await show("#/routes/chat");
    await page.getByRole("columnheader", { name: "If obeyed" }).waitFor();
    await page.getByText("the shares are the configured ones").waitFor();
    const shares = page.locator("table.shares");
    await shares.getByText("budget spent", { exact: true }).waitFor();
    const budgets = page.getByRole("heading", { name: "Budgets that bear on it" });
    await budgets.waitFor();
    await page.getByRole("row", { name: /target chat\/cheap, day.*requests go elsewhere until it begins again/ }).waitFor();
    assert.equal(await page.getByText("provider openai, month").count(), 0, "nobody of this route is behind it");
    await accessible(page, "a route in shadow mode");
    await picture(page, "route-shadow-light-1280");
    await show("#/routes/summary");
    await page.locator("table.shares").getByText(/frozen by mira until/).first().waitFor();
    assert.equal(await page.getByRole("columnheader", { name: "If obeyed" }).count(), 0, "it is obeyed");
    await end();
    for (const [width, name] of [[390, "390"], [1280, "dark-1280"]]) {
      const narrow = await watched(browser, api.base, { width, dark: name.startsWith("dark") });
      await narrow.show("#/routes/chat");
      await narrow.page.getByText("Budgets that bear on it").waitFor();
      await fits(narrow.page, `a route in shadow mode at ${width}`);
      await picture(narrow.page, `route-shadow-${name}`);
      await narrow.end();
    }
    api.end();
  },

  "requests say in which order they are, and keys which secrets still come": async () => {
    const api = await mock();
    const { page, show, end } = await watched(browser, api.base);
    await show("#/requests");
    await page.getByText(/The newest first, by when they ended/).waitFor();
    await picture(page, "requests-order-light-1280");
    await show("#/config");
    await page.getByText(/and still came/).waitFor();
    await page.getByText(/is accepted until/).waitFor();
    await accessible(page, "keys that were rotated");
    await picture(page, "keys-rotated-light-1280");
    await end();
    api.end();
  },

  "who has left is told from who is silent, and that two processes share a name": async () => {
    const api = await mock("twin=yes");
    const { page, show, end } = await watched(browser, api.base);
    await show("#/");
    await page.getByRole("row", { name: /pod-2 silent for 1 min 11 s/ }).waitFor();
    await page.getByRole("row", { name: /pod-3 left 12 s ago/ }).waitFor();
    await page.getByText("another process calls itself pod-0").waitFor();
    await accessible(page, "replicas");
    await picture(page, "replicas-light-1280");
    await end();
    api.end();
  },

  "the colours that are chosen stay chosen": async () => {
    const api = await mock();
    const { page, show, end } = await watched(browser, api.base);
    await show("#/");
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await ground();
    await page.getByLabel("Colours").selectOption("dark");
    const dark = await ground();
    assert.notEqual(dark, light);
    await page.reload();
    assert.equal(await ground(), dark);
    await end();
    api.end();
  },

  "everything can be reached by keyboard, and a dialog gives the focus back": async () => {
    const api = await mock();
    const { page, show, end } = await watched(browser, api.base);
    await show("#/steering");
    await page.getByRole("button", { name: "End now" }).waitFor();
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to content");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");
    const seen = new Set();
    await until(
      "the button that ends an order",
      async () => {
        await page.keyboard.press("Tab");
        const text = await page.evaluate(() => document.activeElement.textContent ?? "");
        seen.add(text);
        return text;
      },
      (text) => text.startsWith("End now"),
    );
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await accessible(page, "the dialog");
    await picture(page, "dialog-light-1280");
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await until("the focus to be where it was", () => page.evaluate(() => document.activeElement.textContent), (text) => text.startsWith("End now"), 2);
    await end();
    api.end();
  },

  "every view fits a phone, and axe finds nothing serious in it": async () => {
    const api = await mock();
    for (const [dark, width] of [[false, 390], [true, 1280]]) {
      const { page, show, end } = await watched(browser, api.base, { dark, width });
      for (const hash of ["#/", "#/routes/chat", "#/requests", "#/steering", "#/alerts", "#/usage", "#/config", "#/demo"]) {
        await show(hash);
        await page.waitForTimeout(250);
        await fits(page, hash);
        await accessible(page, `${hash} ${dark ? "dark" : "light"} ${width}`);
      }
      await end();
    }
    api.end();
  },

  "each chart can be read as a table": async () => {
    const api = await mock();
    const { page, show, end } = await watched(browser, api.base);
    await show("#/routes/chat");
    const chart = page.locator("figure.chart", { hasText: "Granted shares" }).first();
    await chart.getByRole("button", { name: "Table of Granted shares" }).click();
    const rows = chart.getByRole("row");
    await until("rows of figures", () => rows.count(), (n) => n > 5);
    assert.match(await rows.last().textContent(), /\d+ %.*\d+ %.*\d+ %/);
    const said = await chart.getByRole("img", { includeHidden: true }).getAttribute("aria-label");
    assert.match(said, /Granted shares\. Now: fast [\d.]+ %, steady [\d.]+ %, cheap [\d.]+ %\./);
    await end();
    api.end();
  },
});
await browser.close();
for (const child of children) child.kill("SIGKILL");

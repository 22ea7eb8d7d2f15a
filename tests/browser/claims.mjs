// What the scripts of this folder share: the browser, a page that is watched, and the running of claims.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import process from "node:process";

import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** Where pictures of each view are put, for people to look at. */
export const SCREENS = fileURLToPath(new URL("../../target/screens/", import.meta.url));

export function launch() {
  const paths = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
  const executablePath = paths.find((path) => path && existsSync(path));
  assert.ok(executablePath, "no Chromium on this machine");
  // Root has no sandbox of its own in a container; the pages are our own.
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}

/** A page of `base` that notes what it should not do. `expected` matches errors of the console that belong to the claim. */
export async function watched(browser, base, { dark = false, width = 1280, expected = null } = {}) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: dark ? "dark" : "light" });
  const page = await context.newPage();
  const faults = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && !expected?.test(message.text())) {
      faults.push(`console: ${message.text()} (${message.location().url})`);
    }
  });
  page.on("pageerror", (error) => faults.push(`exception: ${error.message}`));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol !== "data:" && url.origin !== new URL(base).origin) faults.push(`asked elsewhere: ${request.url()}`);
  });
  return {
    page,
    show: (hash) => page.goto(base + hash),
    /** Ends the page, which must have done nothing that it should not. */
    end: async () => {
      await context.close();
      assert.deepEqual(faults, [], "no error in the console, nothing asked of another host");
    },
  };
}

/** Runs axe on what the page shows; nothing serious may be found. */
export async function accessible(page, what) {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  const told = serious.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html.slice(0, 160)).slice(0, 3).join(" | ")}`);
  assert.deepEqual(told, [], `axe, ${what}`);
}

/** Waits until a view has read what it shows. */
export async function settled(page) {
  await page.locator(".is-live").waitFor();
  await until("everything is read", () => page.locator(".standing", { hasText: /^Reading / }).count(), (n) => n === 0);
  await page.waitForTimeout(150);
}

export async function picture(page, name) {
  mkdirSync(SCREENS, { recursive: true });
  await page.screenshot({ path: `${SCREENS}${name}.png`, fullPage: true });
}

/** Nothing may stick out at the right: the page scrolls down only. */
export async function fits(page, what) {
  const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(wide <= room, `${what} is ${wide} px wide in ${room} px`);
}

/** What `ask` gives once `good` holds of it; looks every 50 ms. */
export async function until(what, ask, good, seconds = 20) {
  const end = Date.now() + seconds * 1000;
  let seen;
  for (;;) {
    seen = await ask();
    if (good(seen)) return seen;
    assert.ok(Date.now() < end, `${what} within ${seconds} s; last seen: ${JSON.stringify(seen)?.slice(0, 600)}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** Runs `claims`, names with a function each, one after the other. Sets the exit status. */
export async function run(title, claims) {
  const broken = [];
  let passed = 0;
  for (const [name, claim] of Object.entries(claims)) {
    const begun = Date.now();
    let word = "ok     ";
    try {
      await claim();
      passed += 1;
    } catch (error) {
      broken.push(`--- ${name}\n${error.stack}`);
      word = "FAILED ";
    }
    console.log(`  ${word} ${name} (${((Date.now() - begun) / 1000).toFixed(1)} s)`);
  }
  for (const trace of broken) console.log(trace);
  console.log(`browser (${title}): ${passed} passed, ${broken.length} failed`);
  if (broken.length) process.exitCode = 1;
}

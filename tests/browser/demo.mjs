// The page of `weighbridge demo` (WEIGHBRIDGE_BIN): its buttons do what they say, and its counters count.

import assert from "node:assert/strict";

import { accessible, fits, launch, picture, run, settled, until, watched } from "./claims.mjs";
import { demo } from "./daemon.mjs";

const browser = await launch();
const daemon = await demo();
const scene = () => daemon.ask("/api/v1/demo");
/** The target of `provider` on the route with fixed weights, where what is done to it is seen longest. */
const fixed = async (provider) => (await daemon.ask("/api/v1/routes/chat-fixed")).targets.find((target) => target.name === provider);

/** What each button brings about, seen from outside; `before` is the same target before it was pressed. */
const EFFECTS = {
  slow: ["Slow ×4", "four times as slow", (now) => now.first_token_ms?.[2] > 700],
  throttle: ["Throttle (429)", "refuses with 429", (now) => now.errors.rate_limited > 0],
  triple_price: ["Triple price", "three times the price", (now, before) => now.evidence.cost > 1.5 * before.evidence.cost],
  cut: ["Cut streams", "cuts its streams", (now, before) => now.failed > before.failed + 3],
  kill: ["Kill", "dead", (now, before) => now.failed > before.failed + 3],
  hang: ["Hang", "hangs", (now, before) => now.in_flight > before.in_flight + 5],
};

/** Presses a button each for several providers, waits for what it does, and heals them. */
async function press(acts) {
  const { page, show, end } = await watched(browser, daemon.admin);
  await show("#/demo");
  const section = (provider) => page.locator(`section[aria-labelledby="demo-${provider}"]`);
  await section("aurora").waitFor();
  const before = {};
  for (const [provider, act] of Object.entries(acts)) {
    const [label, words] = EFFECTS[act];
    before[provider] = await fixed(provider);
    await section(provider).getByRole("button", { name: label }).click();
    await section(provider).getByText(words).waitFor();
    assert.equal((await scene()).providers.find((it) => it.name === provider).act, act);
  }
  for (const [provider, act] of Object.entries(acts)) {
    const [label, , seen] = EFFECTS[act];
    await until(`what "${label}" does`, () => fixed(provider), (now) => seen(now, before[provider]), 25);
    await section(provider).getByRole("button", { name: "Heal" }).click();
    await section(provider).getByText("well", { exact: true }).waitFor();
    assert.equal((await scene()).providers.find((it) => it.name === provider).act, "heal");
  }
  await end();
}

await run("demo", {
  "the counters of both policies are shown": async () => {
    const { page, show, end } = await watched(browser, daemon.admin);
    await show("#/");
    await page.getByRole("navigation").getByRole("link", { name: "Demo" }).click();
    await page.getByRole("heading", { name: "The same requests, twice" }).waitFor();
    await until("some requests", scene, (it) => it.adaptive.requests > 20, 60);
    const row = await until("the same on the page", () => page.getByRole("row", { name: /^adaptive/ }).textContent(), (text) => /[1-9]\d/.test(text));
    assert.match(row, /\$\d/);
    await page.getByText(/\d would have failed; you lost \d/).waitFor();
    await accessible(page, "the demo");
    await end();
  },

  "the buttons slow, throttle and triple the price": () => press({ borealis: "throttle", cirrus: "slow", aurora: "triple_price" }),

  "the buttons cut, kill and hang": () => press({ borealis: "kill", cirrus: "cut", aurora: "hang" }),

  "adaptive shares leave a killed provider": async () => {
    const { page, show, end } = await watched(browser, daemon.admin);
    const targets = async () => (await daemon.ask("/api/v1/routes/chat")).targets;
    await show("#/demo");
    const [most] = (await targets()).sort((a, b) => b.granted - a.granted);
    const section = page.locator(`section[aria-labelledby="demo-${most.name}"]`);
    await section.getByRole("button", { name: "Kill" }).click();
    await until(`hardly any share for ${most.name}`, targets, (now) => now.find((it) => it.name === most.name).granted < 0.05, 25);
    await section.getByRole("button", { name: "Heal" }).click();
    await end();
  },

  "its page is pictured, light and dark, on a desk and on a phone": async () => {
    for (const dark of [false, true]) {
      for (const width of [1280, 390]) {
        const { page, show, end } = await watched(browser, daemon.admin, { dark, width });
        for (const [name, hash] of [["demo", "#/demo"]]) {
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
await browser.close();
await daemon.end();

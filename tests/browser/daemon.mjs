// A daemon of its own on simulated providers, with traffic.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

const PROGRAM = process.env.WEIGHBRIDGE_BIN;

/** Starts `weighbridge`; `ready` finds its admin and data addresses in what it has printed so far. */
async function start(args, ready, folder = null) {
  assert.ok(PROGRAM, "WEIGHBRIDGE_BIN names the program");
  const child = spawn(PROGRAM, args, { stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  const { data, admin } = await new Promise((done, failed) => {
    const heard = (part) => {
      text = (text + part).slice(-50_000);
      const found = ready(text);
      if (found) done(found);
    };
    child.stdout.on("data", heard);
    child.stderr.on("data", heard);
    child.on("exit", (status) => failed(new Error(`ended with ${status} before it was ready:\n${text}`)));
    child.on("error", failed);
  });
  return {
    data: `http://${data}`,
    admin: `http://${admin}/`,
    ask: async (path, init) => {
      const answer = await fetch(`http://${admin}${path}`, init);
      const body = await answer.text();
      assert.ok(answer.ok, `${path}: ${answer.status} ${body.slice(0, 300)}`);
      return body ? JSON.parse(body) : null;
    },
    end: async () => {
      const gone = new Promise((done) => child.once("exit", done));
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await gone;
      clearTimeout(timer);
      if (folder) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The demo, on free ports. */
export function demo() {
  const ready = (text) => {
    const admin = /The dashboard: http:\/\/([^/]+)\//.exec(text)?.[1];
    return admin && { admin, data: null };
  };
  return start(["demo", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"], ready);
}

/** A configuration in a folder of its own; `law` of `fast` can be changed while it is in force. */
export class Files {
  folder = mkdtempSync(join(tmpdir(), "weighbridge-browser-"));
  file = join(this.folder, "browser.toml");

  write({ fast = 60, weight = "60", extra = "" } = {}) {
    this.lines = `config_version = 1
[server]
state = ${JSON.stringify(join(this.folder, "state"))}
[providers.sim-fast]
kind = "simulated"
law = { ttft_ms = ${fast}, tpot_ms = 1, spread = 0.2, error_rate = 0, tokens_out = { median = 20, spread = 0.3, min = 5, max = 60 } }
[providers.sim-steady]
kind = "simulated"
law = { ttft_ms = 90, tpot_ms = 1, spread = 0.2, error_rate = 0.02, tokens_out = { median = 20, spread = 0.3, min = 5, max = 60 } }
[providers.sim-cheap]
kind = "simulated"
budget = { day_usd = 500 }
law = { ttft_ms = 110, tpot_ms = 1, spread = 0.2, error_rate = 0, tokens_out = { median = 20, spread = 0.3, min = 5, max = 60 } }
[prices]
"sim-fast/large" = { input = "$2.50", output = "$10.00" }
"sim-steady/large" = { input = "$2.00", output = "$8.00" }
"sim-cheap/large" = { input = "$1.60", output = "$6.40" }
[routes.chat.targets]
fast = { use = "sim-fast/large", weight = ${weight} }
steady = { use = "sim-steady/large", weight = 25 }
cheap = { use = "sim-cheap/large", weight = 15 }
[routes.summary]
strategy = "fixed"
targets.cheap = { use = "sim-cheap/large", weight = 90 }
targets.steady = { use = "sim-steady/large", weight = 10 }
${extra}`.split("\n");
    writeFileSync(this.file, this.lines.join("\n"));
  }

  serve() {
    const args = ["serve", "--env", "browser", "--config", this.folder, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    const ready = (text) => {
      const line = text.split("\n").find((it) => it.startsWith("{") && it.endsWith("}") && it.includes('"admin"'));
      return line && JSON.parse(line);
    };
    return start(args, ready, this.folder);
  }
}

/** Requests at a steady rate, streamed; each answer is read to its end. */
export function traffic(data, rates) {
  let open = 0;
  const send = async (model) => {
    if (open > 200) return;
    open += 1;
    try {
      const answer = await fetch(`${data}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ model, stream: true, messages: [{ role: "user", content: "How warm is it in Utrecht?" }] }),
      });
      await answer.text();
    } catch {
      // A daemon that is told to end cuts what is open.
    } finally {
      open -= 1;
    }
  };
  const timers = Object.entries(rates).map(([model, rps]) => setInterval(() => void send(model), 1000 / rps));
  return { end: () => timers.forEach(clearInterval) };
}

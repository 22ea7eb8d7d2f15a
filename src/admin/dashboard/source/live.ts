// The stream of events, what it has told so far, and whether it still flows.

import { ApiError, events, read, token, tokenNeeded } from "./api";
import { Cell } from "./cell";
import type { History, Sample } from "./types";

export type Connection =
  | { state: "connecting" }
  | { state: "live" }
  | { state: "lost"; since: number; why: string }
  | { state: "without" };

/** Seconds of history that are kept here: as many as the daemon tells second by second. */
export const KEPT = 1800;
/** The stream brings a sample a second; after so many milliseconds without a byte it counts as lost. */
const SILENCE = 5000;
/** Milliseconds between two tries to connect: the first, and the most. */
const RETRY = [500, 5000] as const;

export const connection = new Cell<Connection>({ state: "connecting" });
/** Each route's history by name; the object is changed in place. */
export const histories = new Cell<Record<string, History>>({});
/** Counts events of each kind, so that views know when to ask again. */
export const told = new Cell<Record<string, number>>({});
/** What was said last about the configuration. */
export const notice = new Cell<string | null>(null);

let started = false;

/** Starts listening; once. */
export function listen(): void {
  if (started) {
    return;
  }
  started = true;
  void follow();
  tokenNeeded.watch(() => {
    if (tokenNeeded.value === "no") {
      wake();
    }
  });
}

let wake: () => void = () => undefined;

function pause(ms: number): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, ms);
    wake = () => {
      clearTimeout(timer);
      done();
    };
  });
}

async function follow(): Promise<void> {
  let wait: number = RETRY[0];
  for (;;) {
    let why = "The stream of events ended.";
    try {
      await fill();
      await stream(() => (wait = RETRY[0]));
    } catch (problem) {
      if (problem instanceof ApiError && problem.absent) {
        connection.set({ state: "without" });
        await pause(60_000);
        continue;
      }
      why = problem instanceof ApiError ? problem.message : "The stream of events was cut.";
    }
    const before = connection.value;
    const since = before.state === "lost" ? before.since : Date.now();
    connection.set({ state: "lost", since, why });
    await pause(wait);
    wait = Math.min(wait * 2, RETRY[1]);
  }
}

async function fill(): Promise<void> {
  try {
    const all = await read<{ routes: Record<string, History> }>(`/api/v1/history?seconds=${KEPT}`);
    histories.set({ ...all.routes });
  } catch (problem) {
    if (!(problem instanceof ApiError && problem.absent)) {
      throw problem;
    }
  }
}

async function stream(flowing: () => void): Promise<void> {
  const aborter = new AbortController();
  let timer = setTimeout(() => aborter.abort(), SILENCE);
  try {
    const answer = await events(aborter.signal);
    if (!answer.body) {
      return;
    }
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let held = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return;
      }
      clearTimeout(timer);
      timer = setTimeout(() => aborter.abort(), SILENCE);
      flowing();
      connection.value.state !== "live" && connection.set({ state: "live" });
      held = (held + value).replace(/\r\n/g, "\n");
      for (let end = held.indexOf("\n\n"); end >= 0; end = held.indexOf("\n\n")) {
        take(held.slice(0, end));
        held = held.slice(end + 2);
      }
    }
  } finally {
    clearTimeout(timer);
    aborter.abort();
  }
}

/** Takes one event in. */
function take(block: string): void {
  let kind = "message";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) {
      kind = line.slice(6).trim();
    } else if (line.startsWith("data:")) {
      data.push(line.slice(5).trimStart());
    }
  }
  if (data.length === 0) {
    return;
  }
  let value: unknown;
  try {
    value = JSON.parse(data.join("\n"));
  } catch {
    return;
  }
  if (kind === "sample") {
    sampled(value as { routes?: Record<string, Sample> });
  }
  told.set({ ...told.value, [kind]: (told.value[kind] ?? 0) + 1 });
}

function sampled(event: { routes?: Record<string, Sample> }): void {
  const all = histories.value;
  let stale = false;
  for (const [name, sample] of Object.entries(event.routes ?? {})) {
    const history = all[name];
    if (!history || history.targets.length !== sample.granted.length) {
      stale = true;
      continue;
    }
    const last = history.samples[history.samples.length - 1];
    if (last && last.at >= sample.at) {
      continue;
    }
    history.samples.push(sample);
    const most = Math.ceil(KEPT / (history.step || 1));
    if (history.samples.length > most + 60) {
      history.samples.splice(0, history.samples.length - most);
    }
  }
  histories.changed();
  if (stale) {
    void fill().catch(() => undefined);
  }
}

/** Whether a token is held, for the button that forgets it. */
export function holdsToken(): boolean {
  return token() !== null;
}

// Requests to the admin API, with the token where one is needed.

import { Cell } from "./cell";

const KEY = "weighbridge.token";

/** Whether the listener asks for a token that we do not have, or that it refused. */
export const tokenNeeded = new Cell<"no" | "missing" | "refused">("no");

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }

  /** Whether this daemon does not have what was asked for. */
  get absent(): boolean {
    return this.status === 404;
  }
}

export function token(): string | null {
  return sessionStorage.getItem(KEY);
}

export function keepToken(value: string | null): void {
  if (value) {
    sessionStorage.setItem(KEY, value);
  } else {
    sessionStorage.removeItem(KEY);
  }
  tokenNeeded.set(value ? "no" : "missing");
}

/** One request; throws `ApiError`, with status 0 where nobody answers. */
export async function ask(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = {};
  const held = token();
  if (held) {
    headers["authorization"] = `Bearer ${held}`;
  }
  if (body !== undefined) {
    headers["content-type"] = "application/json";
  }
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
      cache: "no-store",
      credentials: "omit",
    });
  } catch (problem) {
    if (signal?.aborted) {
      throw problem;
    }
    throw new ApiError(0, "The daemon does not answer.");
  }
  if (answer.status === 401) {
    tokenNeeded.set(held ? "refused" : "missing");
  }
  if (!answer.ok) {
    throw new ApiError(answer.status, await said(answer));
  }
  return answer;
}

async function said(answer: Response): Promise<string> {
  try {
    const body = (await answer.json()) as { error?: { message?: string; problems?: unknown } };
    return body.error?.message ?? `The daemon answered with status ${answer.status}.`;
  } catch {
    return `The daemon answered with status ${answer.status}.`;
  }
}

let offered: Promise<RegExp[] | null> | null = null;

/** The paths that the daemon says it has; `null` where it does not say. Asked once: another daemon serves another page. */
async function paths(): Promise<RegExp[] | null> {
  offered ??= index();
  const found = await offered;
  if (found === null) {
    offered = null;
  }
  return found;
}

async function index(): Promise<RegExp[] | null> {
  try {
    const answer = await ask("GET", "/api/v1");
    const { paths: told } = (await answer.json()) as { paths?: unknown };
    return Array.isArray(told) ? told.map((it) => template(String(it))) : null;
  } catch {
    return null;
  }
}

/** `GET /api/v1/routes/{route}` as a pattern. */
function template(told: string): RegExp {
  const path = told.replace(/^[A-Z, ]+ /, "").replace(/[.*+?^$()|[\]\\]/g, "\\$&");
  return new RegExp(`^${path.replace(/\{[^}]*\}/g, "[^/]+")}$`);
}

/** Throws where the daemon is known not to have `path`: no need to ask for it. */
async function offers(path: string): Promise<void> {
  const known = await paths();
  const bare = path.split("?")[0] ?? path;
  if (known !== null && !known.some((pattern) => pattern.test(bare))) {
    throw new ApiError(404, "This daemon does not have it.");
  }
}

export async function read<T>(path: string, signal?: AbortSignal): Promise<T> {
  await offers(path);
  const answer = await ask("GET", path, undefined, signal);
  return (await answer.json()) as T;
}

export async function write<T>(method: string, path: string, body?: unknown): Promise<T | null> {
  const answer = await ask(method, path, body);
  const text = await answer.text();
  return text ? (JSON.parse(text) as T) : null;
}

/** The path of a route's resource. */
export function named(base: string, name: string): string {
  return `${base}/${encodeURIComponent(name)}`;
}

/** The stream of events. */
export async function events(signal: AbortSignal): Promise<Response> {
  await offers("/api/v1/events");
  return ask("GET", "/api/v1/events", undefined, signal);
}

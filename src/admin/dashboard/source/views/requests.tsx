// Recent requests: what each was, where it went, and who ended it. No text of prompts or answers.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { named, read } from "../api";
import { clock, count, dollars, milliseconds, moment, NONE, percent, when } from "../format";
import { Badge, Panel, Scroll, Standing } from "../parts";
import { useResource } from "../resource";
import type { Attempt, Overview } from "../types";
import { words } from "../words";

export interface Recorded {
  id: string;
  at: number | string;
  route?: string | null;
  target?: string | null;
  key?: string | null;
  tags?: Record<string, string> | null;
  attempts?: Attempt[];
  tokens?: { input?: number; cached?: number; output?: number } | null;
  tokens_in?: number | null;
  tokens_cached?: number | null;
  tokens_out?: number | null;
  cost_usd?: number | null;
  first_content_ms?: number | null;
  total_ms?: number | null;
  propensity?: number | null;
  reason?: string | null;
  outcome?: string | null;
  status?: number | null;
  failed?: boolean;
}

const PAGE = 50;

export function failedOf(request: Recorded): boolean {
  return request.failed ?? (request.status !== undefined && request.status !== null && request.status >= 500);
}

export function RequestsView() {
  const [route, setRoute] = useState("");
  const [failed, setFailed] = useState(false);
  const [paused, setPaused] = useState(false);
  const [older, setOlder] = useState<Recorded[] | null>(null);
  const [ended, setEnded] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const overview = useResource<Overview>("/api/v1/overview", 30);
  const query = new URLSearchParams({ limit: String(PAGE) });
  if (route) query.set("route", route);
  if (failed) query.set("failed", "true");
  const path = `/api/v1/requests?${query}`;
  const held = paused || older !== null;
  const list = useResource<{ requests: Recorded[] }>(path, held ? 0 : 2);
  const newest = list.data?.requests ?? [];
  const shown = older ? [...newest, ...older] : newest;
  useEffect(() => {
    setOlder(null);
    setEnded(false);
    setProblem(null);
  }, [path]);
  const more = async () => {
    const last = shown[shown.length - 1];
    if (!last) {
      return;
    }
    setProblem(null);
    try {
      const page = await read<{ requests: Recorded[] }>(`${path}&before=${encodeURIComponent(last.id)}`);
      setOlder([...(older ?? []), ...page.requests]);
      setEnded(page.requests.length < PAGE);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <>
      <div class="view-head">
        <h1>Recent requests</h1>
        <div class="tools">
          <select aria-label="Route" class="auto" value={route} onChange={(event) => setRoute(event.currentTarget.value)}>
            <option value="">all routes</option>
            {(overview.data?.routes ?? []).map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
          <label class="check">
            <input type="checkbox" checked={failed} onChange={(event) => setFailed(event.currentTarget.checked)} /> failed only
          </label>
          <button type="button" aria-pressed={held} onClick={() => (older !== null ? (setOlder(null), setPaused(false)) : setPaused(!paused))}>
            {held ? "Follow again" : "Hold"}
          </button>
        </div>
      </div>
      <Standing of={list} what="the recent requests" />
      {list.data && shown.length === 0 && (
        <p class="standing">{failed || route ? "None of the requests that are remembered is like that." : "No request has ended yet. Send one to the data address, and it is here."}</p>
      )}
      {shown.length > 0 && (
        <section class="panel flush">
          <Scroll>
            <table class="requests">
              <thead>
                <tr>
                  <th scope="col">Time</th>
                  <th scope="col">Route</th>
                  <th scope="col">Target</th>
                  <th scope="col">Attempts</th>
                  <th scope="col">Ended by</th>
                  <th scope="col" class="number">Tokens in / out</th>
                  <th scope="col" class="number">Cost</th>
                  <th scope="col" class="number">First</th>
                  <th scope="col" class="number">Total</th>
                  <th scope="col" class="number">Propensity</th>
                  <th scope="col">Key</th>
                </tr>
              </thead>
              <tbody>
                {shown.map((request) => (
                  <Row key={request.id} request={request} />
                ))}
              </tbody>
            </table>
          </Scroll>
        </section>
      )}
      {problem && (
        <p class="standing bad" role="alert">
          {problem}
        </p>
      )}
      {shown.length >= PAGE && !ended && (
        <button type="button" onClick={() => void more()}>
          Older ones
        </button>
      )}
      {ended && <p class="standing">That is all that is remembered.</p>}
    </>
  );
}

function Row(props: { request: Recorded }) {
  const { request } = props;
  const href = `#/requests/${encodeURIComponent(request.id)}`;
  return (
    <tr class={failedOf(request) ? "failed" : undefined}>
      <td class="number left">
        <a href={href}>
          {clock(moment(request.at))}
          <span class="unseen"> request {request.id}</span>
        </a>
      </td>
      <td>{request.route || NONE}</td>
      <td>{request.target || NONE}</td>
      <td>
        <Attempts attempts={request.attempts ?? []} />
      </td>
      <td>{ReasonOf(request)}</td>
      <td class="number">
        {count(inOf(request))} / {count(outOf(request))}
      </td>
      <td class="number">{dollars(request.cost_usd)}</td>
      <td class="number">{milliseconds(request.first_content_ms)}</td>
      <td class="number">{milliseconds(request.total_ms)}</td>
      <td class="number">{percent(request.propensity)}</td>
      <td>{request.key || NONE}</td>
    </tr>
  );
}

function ReasonOf(request: Recorded) {
  const word = request.reason ?? request.outcome;
  return word ? <span class={failedOf(request) ? "bad" : "dim"}>{words(word)}</span> : NONE;
}

/** One mark an attempt: its target, and what came of it where it was not good. */
function Attempts(props: { attempts: Attempt[] }) {
  if (props.attempts.length === 0) {
    return <>{NONE}</>;
  }
  return (
    <>
      {props.attempts.map((attempt, i) => (
        <span key={i} class="attempt">
          {i > 0 && " → "}
          {attempt.outcome === "ok" ? <span class="dim">ok</span> : <Badge word={`${attempt.target ?? "?"} ${words(attempt.outcome ?? "?")}`} tone="bad" />}
        </span>
      ))}
    </>
  );
}

const inOf = (request: Recorded) => request.tokens_in ?? request.tokens?.input ?? null;
const outOf = (request: Recorded) => request.tokens_out ?? request.tokens?.output ?? null;
const cachedOf = (request: Recorded) => request.tokens_cached ?? request.tokens?.cached ?? null;

export function RequestView(props: { id: string }) {
  const found = useResource<Recorded>(named("/api/v1/requests", props.id), 0);
  const request = found.data;
  return (
    <>
      <div class="view-head">
        <h1>
          <a class="crumb" href="#/requests">
            Recent requests
          </a>{" "}
          <span class="crumb" aria-hidden="true">
            /
          </span>{" "}
          <code>{props.id}</code>
        </h1>
      </div>
      <Standing of={found} what="the request" absent="It is not remembered any more: only the newest requests are kept." />
      {request && (
        <div class="columns">
          <Panel title="Request">
            <dl class="facts">
              <Pair name="Time">{when(request.at)}</Pair>
              <Pair name="Route">{request.route ? <a href={`#/routes/${encodeURIComponent(request.route)}`}>{request.route}</a> : NONE}</Pair>
              <Pair name="Served by">{request.target || NONE}</Pair>
              <Pair name="Ended by">{ReasonOf(request)}</Pair>
              {request.status !== undefined && <Pair name="Status">{request.status ?? NONE}</Pair>}
              <Pair name="Key">{request.key || NONE}</Pair>
              {Object.entries(request.tags ?? {}).map(([name, value]) => (
                <Pair key={name} name={name}>
                  {value}
                </Pair>
              ))}
              <Pair name="Tokens in">
                {count(inOf(request))}
                {cachedOf(request) ? `, of which ${count(cachedOf(request))} cached` : ""}
              </Pair>
              <Pair name="Tokens out">{count(outOf(request))}</Pair>
              <Pair name="Cost">{dollars(request.cost_usd)}</Pair>
              <Pair name="First content">{milliseconds(request.first_content_ms)}</Pair>
              <Pair name="Total">{milliseconds(request.total_ms)}</Pair>
              <Pair name="Propensity">
                {request.propensity === null || request.propensity === undefined ? "none: retried, probed, or kept with its conversation" : percent(request.propensity, 2)}
              </Pair>
            </dl>
          </Panel>
          <Panel title="Attempts">
            <AttemptTable attempts={request.attempts ?? []} />
          </Panel>
        </div>
      )}
    </>
  );
}

function AttemptTable(props: { attempts: Attempt[] }) {
  if (props.attempts.length === 0) {
    return <p class="standing">No target was called.</p>;
  }
  return (
    <Scroll>
      <table>
        <thead>
          <tr>
            <th scope="col">#</th>
            <th scope="col">Target</th>
            <th scope="col">Outcome</th>
            <th scope="col" class="number">Status</th>
            <th scope="col" class="number">Time</th>
          </tr>
        </thead>
        <tbody>
          {props.attempts.map((attempt, i) => (
            <tr key={i}>
              <td class="number left">{i + 1}</td>
              <th scope="row">{attempt.target ?? NONE}</th>
              <td>
                <Badge word={words(attempt.outcome ?? "?")} tone={attempt.outcome === "ok" ? "good" : "bad"} />
              </td>
              <td class="number">{attempt.status ?? NONE}</td>
              <td class="number">{milliseconds(attempt.ms)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function Pair(props: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}

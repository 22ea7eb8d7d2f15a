// Recent requests: what each was, where it went, and who ended it. No text of prompts or answers.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { named, read } from "../api";
import { count, dollars, milliseconds, NONE, percent, when, zone } from "../format";
import { Badge, capital, Panel, Scroll, Standing } from "../parts";
import { useResource } from "../resource";
import type { Call, Overview, Recorded } from "../types";
import { words } from "../words";

const PAGE = 50;

export function RequestsView() {
  const [route, setRoute] = useState("");
  const [failed, setFailed] = useState(false);
  // What is shown while it does not follow: the list as it was, and older ones below it.
  const [held, setHeld] = useState<Recorded[] | null>(null);
  const [ended, setEnded] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const overview = useResource<Overview>("/api/v1/overview", 30);
  const query = new URLSearchParams({ limit: String(PAGE) });
  if (route) query.set("route", route);
  if (failed) query.set("failed", "true");
  const path = `/api/v1/requests?${query}`;
  const list = useResource<{ requests: Recorded[] }>(held ? null : path, 2);
  const shown = held ?? list.data?.requests ?? [];
  useEffect(() => {
    setHeld(null);
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
      const page = await read<{ requests: Recorded[] }>(`${path}&before=${last.number}`);
      setHeld([...shown, ...page.requests]);
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
          <button type="button" aria-pressed={held !== null} onClick={() => (setEnded(false), setHeld(held ? null : shown))}>
            {held ? "Follow again" : "Hold"}
          </button>
        </div>
      </div>
      {!held && <Standing of={list} what="the recent requests" />}
      {(held || list.data) && shown.length === 0 && (
        <p class="standing">{failed || route ? "None of the requests that are remembered is like that." : "No request has ended yet. Send one to the data address, and it is here."}</p>
      )}
      {shown.length > 0 && (
        <section class="panel flush">
          <p class="note">The newest first, by when they ended. Times are when each came, by this browser's clock ({zone()}).</p>
          <Scroll>
            <table class="requests">
              <thead>
                <tr>
                  <th scope="col">Came at</th>
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
                  <Row key={request.number} request={request} />
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
    <tr class={request.good ? undefined : "failed"}>
      <td class="number left">
        <a href={href}>
          {when(request.at)}
          <span class="unseen"> request {request.id}</span>
        </a>
      </td>
      <td>{request.route || NONE}</td>
      <td>{request.target || NONE}</td>
      <td>
        <Attempts request={request} />
      </td>
      <td><EndedBy request={request} /></td>
      <td class="number">
        {count(request.tokens?.input)} / {count(request.tokens?.output)}
      </td>
      <td class="number">{dollars(request.cost_usd)}</td>
      <td class="number">{milliseconds(request.first_content_ms)}</td>
      <td class="number">{milliseconds(request.total_ms)}</td>
      <td class="number">{percent(propensityOf(request))}</td>
      <td>{request.key || NONE}</td>
    </tr>
  );
}

/** Who ended it in which phase. */
function EndedBy(props: { request: Recorded }) {
  const { request } = props;
  return <code class={request.good ? "dim" : "bad"}>{request.ended_by}</code>;
}

/** One mark an attempt: its target, and what came of it where it was not good. */
function Attempts(props: { request: Recorded }) {
  const { calls, attempts } = props.request;
  if (calls.length === 0) {
    return <>{NONE}</>;
  }
  return (
    <>
      {calls.map((call, i) => (
        <span key={i} class="attempt">
          {i > 0 && " → "}
          {call.outcome === "ok" ? <span class="dim">ok</span> : <Badge word={`${call.target} ${words(call.outcome)}`} tone="bad" />}
        </span>
      ))}
      {attempts > calls.length && ` and ${attempts - calls.length} more`}
    </>
  );
}

/** The probability by which the target that served was drawn, if it was the first. */
function propensityOf(request: Recorded): number | null {
  return request.calls.length === 1 ? (request.calls[0]?.propensity ?? null) : null;
}

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
              <Pair name="Came at">{when(request.at)}</Pair>
              <Pair name="Route">{request.route ? <a href={`#/routes/${encodeURIComponent(request.route)}`}>{request.route}</a> : NONE}</Pair>
              <Pair name="Served by">{request.target || NONE}</Pair>
              <Pair name="Ended by"><EndedBy request={request} /></Pair>
              <Pair name="Status">
                {request.status}
                {request.code && <code class="dim"> {request.code}</code>}
              </Pair>
              <Pair name="Key">{request.key || NONE}</Pair>
              {(["team", "feature", "user"] as const).map((name) => request[name] && (
                <Pair key={name} name={capital(name)}>
                  {request[name]}
                </Pair>
              ))}
              <Pair name="Tokens in">
                {count(request.tokens?.input)}
                {request.tokens?.cached_input ? `, of which ${count(request.tokens.cached_input)} from a cache` : ""}
              </Pair>
              <Pair name="Tokens out">
                {count(request.tokens?.output)}
                {request.tokens?.reasoning ? `, of which ${count(request.tokens.reasoning)} thoughts` : ""}
                {request.tokens?.estimated ? " (estimated from sizes)" : ""}
              </Pair>
              <Pair name="Cost">{dollars(request.cost_usd)}</Pair>
              <Pair name="First content">{milliseconds(request.first_content_ms)}</Pair>
              <Pair name="Total">{milliseconds(request.total_ms)}</Pair>
              {request.feedback ? (
                <Pair name="Rated">
                  {request.feedback.score.toFixed(2)}
                  {request.feedback.label ? `, “${request.feedback.label}”` : ""}
                </Pair>
              ) : null}
              <Pair name="Our own part">{milliseconds(request.overhead_ms)}</Pair>
              <Pair name="Propensity">{propensityOf(request) === null ? "not known: only first calls have one, while a journal is kept" : percent(propensityOf(request), 2)}</Pair>
            </dl>
          </Panel>
          <Panel title="Attempts">
            <Calls calls={request.calls} />
          </Panel>
        </div>
      )}
    </>
  );
}

function Calls(props: { calls: Call[] }) {
  if (props.calls.length === 0) {
    return <p class="standing">No target was called.</p>;
  }
  return (
    <Scroll>
      <table>
        <thead>
          <tr>
            <th scope="col">Target</th>
            <th scope="col">Why it</th>
            <th scope="col">Outcome</th>
            <th scope="col" class="number">Status</th>
            <th scope="col" class="number">After</th>
            <th scope="col" class="number">First content</th>
            <th scope="col" class="number">Took</th>
            <th scope="col" class="number">Cost</th>
          </tr>
        </thead>
        <tbody>
          {props.calls.map((call, i) => (
            <tr key={i}>
              <th scope="row">
                {call.target}
                <div class="under dim mono">{call.use}</div>
              </th>
              <td>{words(call.reason)}</td>
              <td>
                <Badge word={words(call.outcome)} tone={call.outcome === "ok" ? "good" : "bad"} />
              </td>
              <td class="number">{call.status ?? NONE}</td>
              <td class="number">{milliseconds(call.after_ms)}</td>
              <td class="number">{milliseconds(call.first_content_ms)}</td>
              <td class="number">{milliseconds(call.total_ms)}</td>
              <td class="number">{dollars(call.cost_usd)}</td>
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

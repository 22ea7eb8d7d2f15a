// One route: what each target should get, may get and got; why; and what was measured.

import { Chart } from "../chart";
import { named } from "../api";
import { useCell } from "../cell";
import { quantile, recent, redrawn, tint } from "../figures";
import { count, dollars, milliseconds, NONE, percent, plural, when } from "../format";
import { histories } from "../live";
import { Badge, Panel, Points, Scroll, Standing } from "../parts";
import { useResource } from "../resource";
import type { Order, RouteReport, Target } from "../types";
import { MODES, RAILS, STATES, TELLING, words } from "../words";
import { Budgets, budgetsOf } from "./budgets";
import type { Budget } from "./budgets";
import { Choice, RouteFigures, SharesChart, TrafficCharts, useHistories, WINDOWS } from "./overview";
import { InForce } from "./steering_list";
import { useState } from "preact/hooks";
import { Waterfall } from "./waterfall";

export function RouteView(props: { name: string }) {
  const { name } = props;
  const [seconds, setSeconds] = useState(300);
  const report = useResource<RouteReport>(named("/api/v1/routes", name), 1, ["moved", "config", "steering"]);
  const steering = useResource<{ orders: Order[] }>("/api/v1/steering", 10, ["steering"]);
  const budgets = useResource<{ budgets: Budget[] }>("/api/v1/budgets", 10, ["alert", "config"]);
  const fine = useCell(histories)[name];
  const history = useHistories(seconds, name)[name];
  const data = report.data;
  const samples = recent(history, seconds);
  const step = history?.step || 1;
  const bearing = data ? budgetsOf(budgets.data?.budgets ?? [], data) : [];
  const orders = (steering.data?.orders ?? []).filter((order) => !order.route || order.route === name);
  return (
    <>
      <div class="view-head">
        <h1>
          <a href="#/" class="crumb">
            Overview
          </a>{" "}
          <span class="crumb" aria-hidden="true">
            /
          </span>{" "}
          {name}{" "}
          {data && <Badge word={data.strategy} />} {data && <Badge word={data.mode} title={MODES[data.mode]} />}
        </h1>
        <div class="tools">
          <a class="button" href={`#/steering/${encodeURIComponent(name)}`}>
            Steer this route
          </a>
          <Choice label="Window" options={WINDOWS} value={seconds} onChange={setSeconds} />
        </div>
      </div>
      <Standing of={report} what={`the route ${name}`} absent={report.error?.message} />
      {orders.length > 0 && (
        <Panel title="Steering in force here">
          <InForce orders={orders} again={steering.again} />
        </Panel>
      )}
      {data && (
        <>
          <Panel title="Shares" note={data.mode === "auto" ? undefined : MODES[data.mode]}>
            <RouteFigures report={data} samples={recent(fine, 60)} />
            <ShareTable targets={data.targets} orders={orders} />
          </Panel>
          {bearing.length > 0 && (
            <Panel title="Budgets that bear on it">
              <Budgets budgets={bearing} />
            </Panel>
          )}
          <Why report={data} />
          {history && samples.length > 1 && (
            <Panel title="Over time">
              <div class="charts">
                <div>
                  <SharesChart report={data} history={history} samples={samples} kind="granted" seconds={seconds} size="middle" />
                  <SharesChart report={data} history={history} samples={samples} kind="actual" seconds={seconds} size="low" />
                </div>
                <TrafficCharts report={data} samples={samples} step={step} seconds={seconds} />
              </div>
            </Panel>
          )}
          <div class="columns">
            <Distribution title="Whole answers, last minute" targets={data.targets} of={(target) => target.latency_histogram} />
            <Distribution title="First token, last minute" targets={data.targets} of={(target) => target.first_token_histogram} />
          </div>
          <Targets targets={data.targets} />
        </>
      )}
    </>
  );
}

function Name(props: { target: Target; index: number }) {
  return (
    <th scope="row">
      <i class={`swatch tint-${tint(props.index)}`} aria-hidden="true" />
      {props.target.name}
      <div class="dim under mono">{props.target.use}</div>
    </th>
  );
}

/** Configured → granted → actual, with the interval of the last and what to think of it. */
function ShareTable(props: { targets: Target[]; orders: Order[] }) {
  // Where the controller is not obeyed, what it would do is the news.
  const shadowed = props.targets.some((target) => typeof target.if_obeyed === "number");
  return (
    <Scroll>
      <table class="shares stack">
        <thead>
          <tr>
            <th scope="col">Target</th>
            <th scope="col">State</th>
            <th scope="col" class="number">
              Configured
            </th>
            <th scope="col" class="number">
              Granted
            </th>
            {shadowed && (
              <th scope="col" class="number">
                If obeyed
              </th>
            )}
            <th scope="col" class="number">
              Actual, last minute
            </th>
            <th scope="col">
              Actual against granted <span class="dim">(95 % interval; the mark is the grant of now)</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {props.targets.map((target, i) => (
            <tr key={target.name}>
              <Name target={target} index={i} />
              <td data-label="State">
                <State target={target} orders={props.orders} />
              </td>
              <td class="number" data-label="Configured">
                {percent(target.configured)}
              </td>
              <td class="number" data-label="Granted">
                <b>{percent(target.granted)}</b>
                <div class="under">
                  <Points value={target.granted - target.configured} />
                </div>
              </td>
              {shadowed && (
                <td class="number" data-label="If obeyed">
                  {percent(target.if_obeyed)}
                  {typeof target.if_obeyed === "number" && (
                    <div class="under">
                      <Points value={target.if_obeyed - target.granted} />
                    </div>
                  )}
                </td>
              )}
              <td class="number" data-label="Actual">
                {percent(lately(target, props.targets))}
                <div class="under dim">{plural(target.requests_last_minute ?? 0, "request")}</div>
              </td>
              <td class="wide" data-label="Interval">
                <Interval target={target} actual={lately(target, props.targets)} index={i} />
                {target.noise && <div class="under">{target.noise}</div>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

/** How a target stands, and who has a hand in it: an order, a budget. */
function State(props: { target: Target; orders: Order[] }) {
  const { target } = props;
  const provider = target.use.split("/")[0];
  const orders = props.orders.filter((order) => !order.idle && (order.target === target.name || order.provider === provider || order.action === "freeze"));
  return (
    <>
      <StateBadge target={target} />
      {target.spent_until && <div class="under">until {when(target.spent_until)}</div>}
      {orders.map((order) => (
        <div key={order.id} class="under dim">
          {HELD[order.action] ?? order.action} by {order.by || "somebody"} until {when(order.until)}
        </div>
      ))}
    </>
  );
}

/** What is out or drained is that whatever it may spend. */
const OUT = new Set(["ejected", "probing", "drained"]);

function StateBadge(props: { target: Target }) {
  const { state, spent_until } = props.target;
  const word = spent_until && !OUT.has(state) ? "budget spent" : state;
  return <Badge word={word} title={STATES[word]} tone={word === state ? undefined : "bad"} />;
}

const HELD: Record<string, string> = { pin: "pinned", drain: "drained", freeze: "frozen" };

/** The part of the last minute's requests that a target got first; `null` without any. */
function lately(target: Target, targets: Target[]): number | null {
  const all = targets.reduce((sum, other) => sum + (other.requests_last_minute ?? 0), 0);
  return all > 0 ? (target.requests_last_minute ?? 0) / all : null;
}

/** The interval as a line from 0 to 100 %, the actual share as a dot, the granted share as a mark. */
function Interval(props: { target: Target; actual: number | null; index: number }) {
  const { target, actual } = props;
  const x = (share: number) => `${(Math.min(1, Math.max(0, share)) * 100).toFixed(2)}%`;
  const [low, high] = target.interval ?? [null, null];
  const text =
    low === null || high === null
      ? "no requests in the last minute"
      : `actual ${percent(actual)}, between ${percent(low)} and ${percent(high)} with 95 % confidence; granted ${percent(target.granted)}`;
  return (
    <div class="interval">
      <svg role="img" aria-label={text} height="18" width="100%">
        <line class="rule" x1="0" x2="100%" y1="9" y2="9" />
        {low !== null && high !== null && <line class={`span tint-${tint(props.index)}`} x1={x(low)} x2={x(high)} y1="9" y2="9" />}
        {actual !== null && low !== null && <circle class={`dot tint-${tint(props.index)}`} cx={x(actual)} cy="9" r="4" />}
        <line class="mark-line" x1={x(target.granted)} x2={x(target.granted)} y1="1" y2="17" />
      </svg>
      <span class="number dim">{low === null || high === null ? NONE : `${percent(low)} to ${percent(high)}`}</span>
    </div>
  );
}

/** The decision: what moved each target from its weight to its grant, and the sentences about it. */
function Why(props: { report: RouteReport }) {
  const { report } = props;
  const about = (target: Target) => report.explanation.find((sentence) => sentence.startsWith(`${target.name}: `)) ?? target.sentence;
  return (
    <Panel
      title="Why this share?"
      id="why"
      note={
        <>
          Table {report.table_version}. Each target starts at its configured share; what its terms made of that, then what rails
          left of it, is its grant. The terms' parts are in proportion to how far each is from the mean of the route.
        </>
      }
    >
      {report.explanation[0] && <p class="sentence">{report.explanation[0]}</p>}
      {report.apart && (
        <p class="standing bad" role="alert">
          {report.apart}
        </p>
      )}
      <div class="why">
        {report.targets.map((target, i) => (
          <article key={target.name} aria-labelledby={`why-${target.name}`}>
            <h3 id={`why-${target.name}`}>
              <i class={`swatch tint-${tint(i)}`} aria-hidden="true" />
              {target.name}
            </h3>
            <p class="sentence why-sentence">{about(target)}</p>
            <Waterfall target={target} targets={report.targets} />
            <Rails target={target} />
            {(target.levels ?? []).length > 0 && (
              <ul class="plain-list">
                {target.levels!.map((level) => (
                  <li key={level.level}>
                    <span class="mono">{level.level}</span> at most {levelValue(level.level, level.at_most)}: {levelValue(level.level, level.value)}{" "}
                    <Badge word={words(level.verdict)} tone={level.verdict === "met" ? "good" : level.verdict === "missed" ? "bad" : "plain"} />
                  </li>
                ))}
              </ul>
            )}
          </article>
        ))}
      </div>
    </Panel>
  );
}

function levelValue(level: string, value: number | null): string {
  return level.includes("error") ? percent(value, 2) : milliseconds(value === null ? null : value * 1000);
}

function Rails(props: { target: Target }) {
  const { rails } = props.target;
  if (rails.length === 0) {
    return <p class="under dim">No rail stood in the way.</p>;
  }
  return (
    <ul class="plain-list rails">
      {rails.map((rail) => (
        <li key={rail}>
          <Badge word={words(rail)} tone={TELLING.has(rail) ? "plain" : "warn"} /> {RAILS[rail] ?? ""}
        </li>
      ))}
    </ul>
  );
}

type Histogram = Array<[number, number]>;

/** How answers' times are spread, by target: the part of its answers in each bucket. */
function Distribution(props: { title: string; targets: Target[]; of: (target: Target) => Histogram | undefined }) {
  const { targets, of } = props;
  const { uppers, counts } = redrawn(targets.map((target) => of(target) ?? []));
  if (!targets.some((target) => of(target) !== undefined)) {
    return (
      <Panel title={props.title}>
        <p class="standing">This daemon does not tell its histograms.</p>
      </Panel>
    );
  }
  if (uppers.length < 2) {
    return (
      <Panel title={props.title}>
        <p class="standing">Too few answers in the last minute to draw how their times are spread.</p>
      </Panel>
    );
  }
  const lines = targets.map((target, i) => {
    const row = counts[i] ?? [];
    const all = row.reduce((sum, n) => sum + n, 0);
    return { label: target.name, tint: tint(i), values: uppers.map((_, at) => (all > 0 ? (row[at] ?? 0) / all : null)) };
  });
  const said = targets.map((target) => {
    const own = of(target) ?? [];
    return `${target.name} median ${milliseconds(quantile(own, 0.5))}, 95th percentile ${milliseconds(quantile(own, 0.95))}`;
  });
  return (
    <Panel title={props.title} note="Over all routes that use the same upstream.">
      <Chart title="Part of each target's answers by time" summary={`${said.join("; ")}.`} times={uppers} lines={lines} format={(value) => percent(value, 0)} axis="log-ms" size="middle" />
      <Scroll>
        <table>
          <thead>
            <tr>
              <th scope="col">Target</th>
              <th scope="col" class="number">Answers</th>
              <th scope="col" class="number">p50</th>
              <th scope="col" class="number">p95</th>
              <th scope="col" class="number">p99</th>
            </tr>
          </thead>
          <tbody>
            {targets.map((target, i) => {
              const own = of(target) ?? [];
              return (
                <tr key={target.name}>
                  <th scope="row">
                    <i class={`swatch tint-${tint(i)}`} aria-hidden="true" />
                    {target.name}
                  </th>
                  <td class="number">{count(own.reduce((sum, [, n]) => sum + n, 0))}</td>
                  {[0.5, 0.95, 0.99].map((q) => (
                    <td class="number" key={q}>
                      {milliseconds(quantile(own, q))}
                    </td>
                  ))}
                </tr>
              );
            })}
          </tbody>
        </table>
      </Scroll>
    </Panel>
  );
}

/** What was measured of each target. */
function Targets(props: { targets: Target[] }) {
  return (
    <Panel title="Targets" note="Calls, failures and dollars are counted since the start, over all routes that use the same upstream.">
      <Scroll>
        <table>
          <thead>
            <tr>
              <th scope="col">Target</th>
              <th scope="col">State</th>
              <th scope="col" class="number">In flight</th>
              <th scope="col" class="number">First token p50 / p95</th>
              <th scope="col" class="number">Whole answer p50 / p95</th>
              <th scope="col" class="number">$ per 1k tokens</th>
              <th scope="col" class="number">Cached tokens</th>
              <th scope="col" class="number">Rated</th>
              <th scope="col" class="number">Spent</th>
              <th scope="col" class="number">Calls</th>
              <th scope="col" class="number">Failed</th>
              <th scope="col">Errors by kind</th>
            </tr>
          </thead>
          <tbody>
            {props.targets.map((target, i) => (
              <tr key={target.name}>
                <Name target={target} index={i} />
                <td>
                  <StateBadge target={target} />
                </td>
                <td class="number">{count(target.in_flight)}</td>
                <td class="number">{pair(target.first_token_ms)}</td>
                <td class="number">{pair(target.total_ms)}</td>
                <td class="number">{dollars(target.usd_per_1k_tokens)}</td>
                <td class="number">{percent(target.cached_ratio ?? target.evidence.cached ?? null)}</td>
                <td class="number">{rated(target)}</td>
                <td class="number">{dollars(target.spent_usd)}</td>
                <td class="number">{count(target.calls)}</td>
                <td class="number">{count(target.failed)}</td>
                <td>{errorsOf(target)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </Panel>
  );
}

/** The mean score of its answers, how far off that may be by chance, and from how many. */
function rated(target: Target): string {
  const quality = target.evidence.quality;
  return quality ? `${quality.mean.toFixed(2)} ± ${quality.deviation.toFixed(2)} (${count(Math.round(quality.scores))})` : NONE;
}

function pair(times: [number, number, number] | null): string {
  return times ? `${milliseconds(times[0])} / ${milliseconds(times[1])}` : NONE;
}

function errorsOf(target: Target): string {
  if (target.errors === undefined) {
    return NONE;
  }
  const kinds = Object.entries(target.errors).filter(([, n]) => n > 0);
  return kinds.length === 0 ? "none" : kinds.map(([kind, n]) => `${words(kind)} ${count(n)}`).join(", ");
}

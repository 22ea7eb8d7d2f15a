// All routes: shares over time, what they carry, and what the configured weights would have made of it.

import { useState } from "preact/hooks";
import { Chart } from "../chart";
import { useCell } from "../cell";
import { binned, quantiles, recent, spanOf, tint, totals } from "../figures";
import { count, dollars, milliseconds, percent, plural, rate } from "../format";
import { histories, KEPT } from "../live";
import { Badge, Figure, Standing } from "../parts";
import { useResource } from "../resource";
import type { History, Reports, RouteReport, Sample } from "../types";
import { MODES } from "../words";
import { FleetPanel } from "./fleet";

export const WINDOWS: Array<[number, string]> = [
  [300, "5 min"],
  [1800, "30 min"],
  [21_600, "6 h"],
];

/** The histories to draw: what the stream brought, or for longer windows the coarser ones. */
export function useHistories(seconds: number, route?: string): Record<string, History> {
  const fine = useCell(histories);
  const long = seconds > KEPT;
  const name = route === undefined ? "" : `&route=${encodeURIComponent(route)}`;
  const coarse = useResource<{ routes: Record<string, History> }>(long ? `/api/v1/history?seconds=${seconds}${name}` : null, 15);
  return long ? (coarse.data?.routes ?? {}) : fine;
}

export function OverviewView() {
  const [seconds, setSeconds] = useState(300);
  const [kind, setKind] = useState<"granted" | "actual">("granted");
  const reports = useResource<Reports>("/api/v1/routes", 2, ["moved", "config", "steering"]);
  const fine = useCell(histories);
  const all = useHistories(seconds);
  const routes = reports.data?.routes ?? [];
  return (
    <>
      <div class="view-head">
        <h1>Overview</h1>
        <div class="tools">
          <Choice label="Shares" options={[["granted", "granted"], ["actual", "actual"]]} value={kind} onChange={setKind} />
          <Choice label="Window" options={WINDOWS} value={seconds} onChange={setSeconds} />
        </div>
      </div>
      <Standing of={reports} what="the routes" />
      {reports.data && routes.length === 0 && (
        <p class="standing">No route is configured. A route is a name that clients send as the model, with its targets; see Configuration.</p>
      )}
      {routes.map((route) => (
        <RoutePanel key={route.route} report={route} history={all[route.route]} lately={recent(fine[route.route], 60)} seconds={seconds} kind={kind} />
      ))}
      <FleetPanel />
    </>
  );
}

/** A few options next to each other, of which one is chosen. */
export function Choice<T extends string | number>(props: { label: string; options: Array<[T, string]>; value: T; onChange: (value: T) => void }) {
  return (
    <div class="choice" role="group" aria-label={props.label}>
      <span class="choice-label" aria-hidden="true">
        {props.label}
      </span>
      {props.options.map(([value, word]) => (
        <button type="button" key={value} aria-pressed={value === props.value} onClick={() => props.onChange(value)}>
          {word}
        </button>
      ))}
    </div>
  );
}

function RoutePanel(props: { report: RouteReport; history: History | undefined; lately: Sample[]; seconds: number; kind: "granted" | "actual" }) {
  const { report, history, seconds, kind } = props;
  const samples = recent(history, seconds);
  const step = history?.step || 1;
  return (
    <section class="panel route" aria-labelledby={`route-${report.route}`}>
      <header>
        <h2 id={`route-${report.route}`}>
          <a href={`#/routes/${encodeURIComponent(report.route)}`}>{report.route}</a>
        </h2>
        <Badge word={report.strategy} />
        <Badge word={report.mode} title={MODES[report.mode]} />
        {report.targets
          .filter((target) => target.state !== "serving")
          .map((target) => (
            <Badge key={target.name} word={`${target.name} ${target.state}`} tone={target.state === "ejected" ? "bad" : "warn"} />
          ))}
      </header>
      {report.explanation[0] && <p class="note sentence">{report.explanation[0]}</p>}
      <RouteFigures report={report} samples={props.lately} />
      {samples.length < 2 ? (
        <NoHistory report={report} known={history !== undefined} />
      ) : (
        <div class="charts">
          <SharesChart report={report} history={history!} samples={samples} kind={kind} seconds={seconds} />
          <TrafficCharts report={report} samples={samples} step={step} seconds={seconds} />
        </div>
      )}
    </section>
  );
}

function NoHistory(props: { report: RouteReport; known: boolean }) {
  return (
    <div class="standing">
      <p>{props.known ? "The history begins in a moment." : "There is no history of this route yet."} Shares now:</p>
      <ul class="legend">
        {props.report.targets.map((target, i) => (
          <li key={target.name}>
            <i class={`swatch tint-${tint(i)}`} aria-hidden="true" />
            <span class="legend-name">{target.name}</span> <b>{percent(target.granted)}</b>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** The last minute in figures. */
export function RouteFigures(props: { report: RouteReport; samples: Sample[] }) {
  const { report, samples } = props;
  const sum = totals(samples, 1);
  const [firstMid, firstHigh] = quantiles(samples, "first_token_ms");
  const [mid, high] = quantiles(samples, "total_ms");
  const known = samples.length > 0;
  const perHour = known ? (sum.cost / sum.seconds) * 3600 : null;
  const otherPerHour = known && sum.costConfigured !== null ? (sum.costConfigured / sum.seconds) * 3600 : null;
  const failing = sum.requests > 0 ? sum.failed / sum.requests : null;
  // Where the shares are the configured ones, what those would have brought is what there is.
  const asConfigured = isAsConfigured(report, samples);
  const otherFailing = asConfigured ? null : sum.requests > 0 && sum.failedConfigured !== null ? sum.failedConfigured / sum.requests : null;
  return (
    <dl class="figures-row">
      <Figure label="Requests/s" value={rate(known ? sum.requests / sum.seconds : report.demand)} note={known ? plural(sum.requests, "request") + " in the last minute" : "smoothed"} />
      <Figure
        label="Failed"
        value={percent(failing, 2)}
        tone={failing !== null && failing > 0.02 ? "bad" : undefined}
        note={otherFailing === null ? `${count(known ? sum.failed : null)} of them` : `${percent(otherFailing, 2)} at configured weights`}
      />
      <Figure label="First token" value={milliseconds(firstMid)} note={`p95 ${milliseconds(firstHigh)}`} />
      <Figure
        label="Whole answer"
        value={milliseconds(mid)}
        note={`p95 ${milliseconds(high)}`}
      />
      <Figure label="Cost/hour" value={dollars(perHour)} note={perHour === null ? "no requests yet" : `${dollars(perHour * 24)} a day at this rate`} />
      {asConfigured ? (
        <Figure label="At configured weights" value="as now" note="the shares are the configured ones" />
      ) : (
        <Figure label="At configured weights" value={otherPerHour === null ? "–" : `${dollars(otherPerHour)}/h`} note={compared(perHour, otherPerHour, sum.totalConfigured)} />
      )}
    </dl>
  );
}

/** Whether the shares were the configured ones in all of these seconds, as far as a table tells: to half a point. */
function isAsConfigured(report: RouteReport, samples: Sample[]): boolean {
  const near = (share: number | undefined, i: number) => Math.abs((share ?? 0) - (report.targets[i]?.configured ?? 0)) < 0.005;
  return report.targets.every((target, i) => near(target.granted, i)) && samples.every((sample) => sample.granted.every(near));
}

/** What the configured weights would have cost and taken, against what is. */
function compared(now: number | null, other: number | null, ms: number | null): string {
  const parts: string[] = [];
  if (now !== null && other !== null && other > 0) {
    const part = (now - other) / other;
    parts.push(Math.abs(part) < 0.005 ? "the same cost" : `${percent(Math.abs(part), 0)} ${part < 0 ? "saved" : "more spent"}`);
  }
  if (ms !== null) {
    parts.push(`answers in ${milliseconds(ms)} on average`);
  }
  return parts.length > 0 ? parts.join("; ") : "not known yet";
}

export function SharesChart(props: { report: RouteReport; history: History; samples: Sample[]; kind: "granted" | "actual"; seconds: number; size?: "low" | "middle" | "tall" }) {
  const { report, history, samples, kind } = props;
  // Actual shares of one second are all or nothing: they are put together.
  const width = kind === "actual" ? 60 : 180;
  const { bins, times } = kind === "actual" ? binned(samples, history.step || 1, width) : { bins: samples.map((sample) => [sample]), times: samples.map((sample) => sample.at) };
  const lines = history.targets.map((name, i) => ({
    label: name,
    tint: tint(i),
    values: bins.map((bin) => shareOf(bin, kind, i)),
  }));
  const now = report.targets.map((target) => `${target.name} ${percent(kind === "granted" ? target.granted : target.actual)}`);
  return (
    <Chart
      title={kind === "granted" ? "Granted shares" : "Actual shares"}
      summary={`Now: ${now.join(", ")}.`}
      times={times}
      lines={lines}
      format={(value) => percent(value, 0)}
      stacked
      size={props.size ?? "tall"}
      span={spanOf(samples, props.seconds)}
    />
  );
}

function shareOf(bin: Sample[], kind: "granted" | "actual", index: number): number | null {
  let sum = 0;
  let weight = 0;
  for (const sample of bin) {
    const value = sample[kind]?.[index];
    if (value === null || value === undefined) {
      continue;
    }
    const by = kind === "actual" ? sample.requests : 1;
    sum += value * by;
    weight += by;
  }
  return weight > 0 ? sum / weight : null;
}

export function TrafficCharts(props: { report: RouteReport; samples: Sample[]; step: number; seconds: number }) {
  const { bins, times, width } = binned(props.samples, props.step, 90);
  const span = spanOf(props.samples, props.seconds);
  const sums = bins.map((bin) => totals(bin, props.step));
  const perSecond = sums.map((sum) => sum.requests / width);
  const failed = sums.map((sum) => sum.failed / width);
  const hourly = sums.map((sum) => (sum.cost / width) * 3600);
  const configured = sums.map((sum) => (sum.costConfigured === null ? null : (sum.costConfigured / width) * 3600));
  // A second line on top of the first says less than none.
  const apart = !isAsConfigured(props.report, props.samples);
  const first = bins.map((bin) => quantiles(bin, "first_token_ms"));
  const whole = bins.map((bin) => quantiles(bin, "total_ms"));
  const each = (pairs: Array<[number | null, number | null]>, index: 0 | 1) => pairs.map((pair) => pair[index]);
  const lastOf = (values: Array<number | null>) => values[values.length - 1] ?? null;
  return (
    <div class="small-charts">
      <Chart
        title="Requests/s"
        summary={`Now ${rate(lastOf(perSecond))} a second, of which ${rate(lastOf(failed))} fail.`}
        times={times}
        lines={[
          { label: "all", tint: 1, values: perSecond },
          { label: "failed", tint: 8, values: failed },
        ]}
        format={rate}
        span={span}
      />
      <Chart
        title="First token"
        summary={`Median now ${milliseconds(lastOf(each(first, 0)))}, 95th percentile ${milliseconds(lastOf(each(first, 1)))}.`}
        times={times}
        lines={[
          { label: "p50", tint: 1, values: each(first, 0) },
          { label: "p95", tint: 2, values: each(first, 1) },
        ]}
        format={milliseconds}
        span={span}
      />
      <Chart
        title="Whole answer"
        summary={`Median now ${milliseconds(lastOf(each(whole, 0)))}, 95th percentile ${milliseconds(lastOf(each(whole, 1)))}.`}
        times={times}
        lines={[
          { label: "p50", tint: 1, values: each(whole, 0) },
          { label: "p95", tint: 2, values: each(whole, 1) },
        ]}
        format={milliseconds}
        span={span}
      />
      <Chart
        title="Cost/hour"
        summary={`Now ${dollars(lastOf(hourly))} an hour; at the configured weights ${apart ? dollars(lastOf(configured)) : "the same"}.`}
        times={times}
        lines={[
          { label: "now", tint: 1, values: hourly },
          ...(apart ? [{ label: "at configured weights", tint: 0, dashed: true, values: configured }] : []),
        ]}
        format={dollars}
        span={span}
      />
    </div>
  );
}

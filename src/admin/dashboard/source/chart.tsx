// A line or area chart over time by uPlot, with a legend that tells the values, and the same figures as a table.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { useCell } from "./cell";
import { clock, NONE } from "./format";
import { Scroll } from "./parts";
import { colour, theme } from "./theme";

export interface Line {
  label: string;
  /** Which of the palette's colours, from 1; 0 is that of plain text. */
  tint: number;
  dashed?: boolean;
  values: Array<number | null>;
}

export interface ChartProps {
  title: string;
  /** What the chart shows now, in a sentence: its text alternative. */
  summary: string;
  times: number[];
  lines: Line[];
  format: (value: number | null) => string;
  /** Areas on top of each other, which make a whole. */
  stacked?: boolean;
  /** How high it is; the style says in pixels. */
  size?: "small" | "low" | "middle" | "tall";
  /** The horizontal axis: time (the default) or milliseconds by their logarithm. */
  axis?: "time" | "log-ms";
  /** The least upper end of the vertical axis. */
  least?: number;
  /** From and to on the time axis. */
  span?: [number, number];
}

/** Pixels between two marks of the time axis: without and with seconds. */
const [NARROW, WIDE] = [46, 66];
/** Rows of the table that stands in for the chart. */
const ROWS = 12;

export function Chart(props: ChartProps) {
  const { title, summary, times, lines, format, stacked, size = "small", axis = "time" } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [hover, setHover] = useState<number | null>(null);
  const [table, setTable] = useState(false);
  const look = useCell(theme);
  const shape = `${look.dark}|${stacked}|${axis}|${size}|${lines.map((line) => `${line.label}:${line.tint}:${line.dashed}`).join("|")}`;
  const span = useRef(props.span);
  span.current = props.span;
  const data = useMemo(() => drawn(times, lines, stacked ?? false), [times, lines, stacked]);
  const latest = useRef(data);
  latest.current = data;

  useEffect(() => {
    const host = box.current;
    if (!host) {
      return undefined;
    }
    const options = optionsFor(props, () => span.current, host, setHover);
    const made = new uPlot(options, latest.current, host);
    plot.current = made;
    const watcher = new ResizeObserver(() => {
      if (host.clientWidth > 0) {
        made.setSize({ width: host.clientWidth, height: host.clientHeight });
      }
    });
    watcher.observe(host);
    return () => {
      watcher.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape]);

  useEffect(() => {
    plot.current?.setData(data);
  }, [data, props.span?.[0], props.span?.[1]]);

  const at = hover !== null && hover < times.length ? hover : null;
  return (
    <figure class="chart">
      <figcaption>
        <span class="chart-title">{title}</span>
        {at !== null && <span class="chart-at">{place(times[at], axis)}</span>}
        <button type="button" class="quiet small" aria-expanded={table} onClick={() => setTable(!table)}>
          {table ? "Chart" : "Table"}
          <span class="unseen"> of {title}</span>
        </button>
      </figcaption>
      <div class={`plot ${size}${table ? " hidden" : ""}`} role="img" aria-label={`${title}. ${summary}`} ref={box} />
      {table && <Figures times={times} lines={lines} format={format} axis={axis} title={title} />}
      <ul class="legend">
        {lines.map((line) => (
          <li key={line.label}>
            <i class={`swatch tint-${line.tint}${line.dashed ? " dashed" : ""}`} aria-hidden="true" />
            <span class="legend-name">{line.label}</span>{" "}
            <b>{shownValue(line, at, axis, format)}</b>
          </li>
        ))}
      </ul>
    </figure>
  );
}

/** What the legend says: the value under the pointer, or the last one. */
function shownValue(line: Line, at: number | null, axis: string, format: ChartProps["format"]): string {
  if (at !== null) {
    return format(line.values[at] ?? null);
  }
  return axis === "time" ? format(last(line.values)) : "";
}

export function last(values: Array<number | null>): number | null {
  for (let i = values.length - 1; i >= 0; i--) {
    const value = values[i];
    if (value !== null && value !== undefined) {
      return value;
    }
  }
  return null;
}

function place(x: number | undefined, axis: string): string {
  if (x === undefined) {
    return NONE;
  }
  return axis === "time" ? clock(new Date(x * 1000)) : `up to ${axisMs(x)}`;
}

function Figures(props: { times: number[]; lines: Line[]; format: ChartProps["format"]; axis: string; title: string }) {
  const { times, lines, format, axis } = props;
  const every = Math.max(1, Math.ceil(times.length / ROWS));
  const rows = times.map((_, i) => i).filter((i) => (times.length - 1 - i) % every === 0);
  return (
    <Scroll>
      <table class="figures">
        <caption class="unseen">{props.title}</caption>
        <thead>
          <tr>
            <th scope="col">{axis === "time" ? "Time" : "Up to"}</th>
            {lines.map((line) => (
              <th scope="col" class="number" key={line.label}>
                {line.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((i) => (
            <tr key={i}>
              <th scope="row">{axis === "time" ? clock(new Date(times[i]! * 1000)) : axisMs(times[i]!)}</th>
              {lines.map((line) => (
                <td class="number" key={line.label}>
                  {format(line.values[i] ?? null)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

/** uPlot's columns; where areas are stacked, the sums from the first line on, the whole first. */
function drawn(times: number[], lines: Line[], stacked: boolean): uPlot.AlignedData {
  if (!stacked) {
    return [times, ...lines.map((line) => line.values)];
  }
  const sums: number[] = new Array(times.length).fill(0);
  const columns = lines.map((line) =>
    line.values.map((value, i) => {
      sums[i] = (sums[i] ?? 0) + (value ?? 0);
      return value === null ? null : sums[i]!;
    }),
  );
  return [times, ...columns.reverse()];
}

function optionsFor(
  props: ChartProps,
  span: () => [number, number] | undefined,
  host: HTMLElement,
  hovered: (index: number | null) => void,
): uPlot.Options {
  const { lines, stacked, axis = "time", format } = props;
  const grid = { stroke: colour("grid"), width: 1 };
  const font = '11px system-ui, "Segoe UI", sans-serif';
  const common = { stroke: colour("muted"), font, grid, ticks: { ...grid, size: 4 } };
  const order = stacked ? [...lines].reverse() : lines;
  const log = axis === "log-ms";
  return {
    width: host.clientWidth,
    height: host.clientHeight,
    padding: [8, 16, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      points: { show: !stacked, size: 6 },
      drag: { x: false, y: false },
      ...(log ? {} : { sync: { key: "time" } }),
    },
    scales: {
      x: log
        ? { time: false, distr: 3, range: (_, from, to) => [(from ?? 1) / 1.2, (to ?? 10) * 1.05] }
        : { time: true, range: (_, from, to) => span() ?? [from, to] },
      y: {
        range: stacked
          ? () => [0, 1]
          : (_, __, most) => {
              const top = Math.max(props.least ?? 0, (most ?? 0) * 1.1);
              return [0, top > 0 ? top : 1];
            },
      },
    },
    axes: [
      {
        ...common,
        size: 26,
        // Labels of minutes need less room than those with seconds.
        space: (self: uPlot, _: number, from: number, to: number) =>
          log || (to - from) / (self.width / NARROW) > 60 ? NARROW : WIDE,
        ...(log ? { splits: (_: uPlot, __: number, from: number, to: number) => halves(from, to), filter: (_: uPlot, marks: number[]) => marks } : {}),
        values: (_, ticks) => ticks.map((tick) => (log ? axisMs(tick) : tickTime(tick, ticks))),
      },
      {
        ...common,
        size: 54,
        space: 28,
        values: (_, ticks) => ticks.map((tick) => format(tick)),
      },
    ],
    series: [
      {},
      ...order.map((line) => {
        const stroke = line.tint === 0 ? colour("muted") : colour(`tint-${line.tint}`);
        return {
          label: line.label,
          stroke: stacked ? colour("panel") : stroke,
          width: stacked ? 1 : 1.75,
          ...(stacked ? { fill: colour(`area-${line.tint}`) } : {}),
          ...(line.dashed ? { dash: [5, 4] } : {}),
          ...(log && uPlot.paths.stepped ? { paths: uPlot.paths.stepped({ align: -1 }) } : {}),
          points: { show: false },
          spanGaps: !stacked,
        };
      }),
    ],
    hooks: {
      setCursor: [(self) => hovered(self.cursor.idx ?? null)],
    },
  };
}

function tickTime(tick: number | null, ticks: Array<number | null>): string {
  if (tick === null) {
    return "";
  }
  const seconds = ticks.some((other) => other !== null && other % 60 !== 0);
  return clock(new Date(tick * 1000), seconds);
}

/** Where a logarithmic axis is marked: 1, 2 and 5 of each decade. */
function halves(from: number, to: number): number[] {
  const marks: number[] = [];
  for (let decade = 10 ** Math.floor(Math.log10(Math.max(from, 1e-3))); decade <= to; decade *= 10) {
    marks.push(...[1, 2, 5].map((digit) => digit * decade).filter((mark) => mark >= from && mark <= to));
  }
  return marks;
}

/** Milliseconds on an axis. */
function axisMs(tick: number | null): string {
  if (tick === null) {
    return "";
  }
  return tick >= 1000 ? `${trimmed(tick / 1000)} s` : `${trimmed(tick)} ms`;
}

function trimmed(value: number): string {
  return String(Number(value.toPrecision(3)));
}

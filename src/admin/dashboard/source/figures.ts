// Sums and quantiles over what the API tells of each second.

import type { History, Sample } from "./types";

/** The samples of the last `seconds`, counted from the newest one. */
export function recent(history: History | undefined, seconds: number): Sample[] {
  const samples = history?.samples ?? [];
  const newest = samples[samples.length - 1];
  if (!newest) {
    return [];
  }
  const from = newest.at - seconds;
  let first = samples.length;
  while (first > 0 && samples[first - 1]!.at > from) {
    first--;
  }
  return samples.slice(first);
}

export interface Totals {
  seconds: number;
  requests: number;
  failed: number;
  cost: number;
  /** What the same requests would have cost by the configured shares; `null` where that is not known. */
  costConfigured: number | null;
  failedConfigured: number | null;
  /** Mean milliseconds at the configured shares, weighted by requests. */
  totalConfigured: number | null;
}

export function totals(samples: Sample[], step: number): Totals {
  const sum = { requests: 0, failed: 0, cost: 0 };
  let cost: number | null = null;
  let failed: number | null = null;
  let time = 0;
  let timed = 0;
  for (const sample of samples) {
    sum.requests += sample.requests;
    sum.failed += sample.failed;
    sum.cost += sample.cost_usd;
    const other = sample.configured;
    if (other?.cost_usd !== null && other?.cost_usd !== undefined) {
      cost = (cost ?? 0) + other.cost_usd;
    }
    if (other?.failed !== null && other?.failed !== undefined) {
      failed = (failed ?? 0) + other.failed;
    }
    if (other?.total_ms !== null && other?.total_ms !== undefined && sample.requests > 0) {
      time += other.total_ms * sample.requests;
      timed += sample.requests;
    }
  }
  return {
    seconds: Math.max(step, samples.length * step),
    ...sum,
    costConfigured: cost,
    failedConfigured: failed,
    totalConfigured: timed > 0 ? time / timed : null,
  };
}

/** Samples put together so that there are about `most` of them; each bin starts at a multiple of its width. */
export function binned(samples: Sample[], step: number, most: number): { width: number; bins: Sample[][]; times: number[] } {
  const width = Math.max(step, Math.ceil((samples.length * step) / most / step) * step);
  const bins: Sample[][] = [];
  const times: number[] = [];
  let current = -1;
  for (const sample of samples) {
    const bin = Math.floor(sample.at / width);
    if (bin !== current) {
      bins.push([]);
      times.push(bin * width + width);
      current = bin;
    }
    bins[bins.length - 1]!.push(sample);
  }
  // The first and the last bin may be half full; a rate of them would be wrong.
  if (width > step && bins.length > 2) {
    bins.pop();
    times.pop();
    bins.shift();
    times.shift();
  }
  return { width, bins, times };
}

/** Part of a second's answers that its 95th percentile stands for. */
const HIGH = 0.05;

/**
 * Median and 95th percentile of several seconds together, from those of each. A second's answers are taken to lie half at
 * its median, at the end at its 95th percentile and for the rest between them; of two answers that is exactly what they
 * were. `null` without an answer.
 */
export function quantiles(samples: Sample[], which: "first_token_ms" | "total_ms"): [number | null, number | null] {
  const points: Array<[number, number]> = [];
  for (const sample of samples) {
    const known = sample[which];
    if (!known) {
      continue;
    }
    const n = Math.max(1, sample.requests);
    const [middle, high] = known;
    const end = Math.min(0.5, Math.max(HIGH, 1 / n));
    points.push([middle, n * 0.5], [(middle + high) / 2, n * (0.5 - end)], [high, n * end]);
  }
  points.sort((a, b) => a[0] - b[0]);
  const all = points.reduce((sum, [, weight]) => sum + weight, 0);
  const at = (q: number): number | null => {
    let sum = 0;
    for (const [value, weight] of points) {
      sum += weight;
      if (weight > 0 && sum >= q * all - 1e-9) {
        return value;
      }
    }
    return null;
  };
  return [at(0.5), at(0.95)];
}

type Histogram = Array<[number, number]>;

/** Ratio of a drawn bucket's ends: ten to a decade. The API's own are finer, and would draw a comb. */
const DRAWN = 10 ** 0.1;

/** Histograms by the same coarse buckets, without gaps: their upper ends, and each one's counts. */
export function redrawn(histograms: Histogram[]): { uppers: number[]; counts: number[][] } {
  const place = (upper: number) => Math.ceil(Math.log(Math.max(upper, 1e-3)) / Math.log(DRAWN) - 1e-9);
  const places = histograms.flat().map(([upper]) => place(upper));
  if (places.length === 0) {
    return { uppers: [], counts: histograms.map(() => []) };
  }
  const first = Math.min(...places) - 1;
  const many = Math.max(...places) + 1 - first;
  const counts = histograms.map((histogram) => {
    const row: number[] = new Array(many + 1).fill(0);
    for (const [upper, n] of histogram) {
      row[place(upper) - first] = (row[place(upper) - first] ?? 0) + n;
    }
    return row;
  });
  return { uppers: Array.from({ length: many + 1 }, (_, i) => DRAWN ** (first + i)), counts };
}

/** A quantile of a histogram: the upper end of the bucket that holds it, so never too good. */
export function quantile(histogram: Histogram, q: number): number | null {
  const all = histogram.reduce((sum, [, n]) => sum + n, 0);
  if (all === 0) {
    return null;
  }
  let sum = 0;
  for (const [upper, n] of histogram) {
    sum += n;
    if (sum >= q * all) {
      return upper;
    }
  }
  return histogram[histogram.length - 1]?.[0] ?? null;
}

/** From when to when a chart of so many seconds goes: no further back than there is something, and a minute at least. */
export function spanOf(samples: Sample[], seconds: number): [number, number] {
  const first = samples[0]?.at ?? 0;
  const end = samples[samples.length - 1]?.at ?? 0;
  return [Math.max(end - seconds, Math.min(first, end - 60)), end];
}

/** One of the palette's colours for the target at `index`. */
export function tint(index: number): number {
  return (index % 8) + 1;
}

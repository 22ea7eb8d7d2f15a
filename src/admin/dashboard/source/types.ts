// What the admin API answers. Everything that an older or smaller daemon may leave out is optional.

export interface Overview {
  version?: string;
  environment?: string;
  started_at?: number | string;
  config_generation?: number;
  mode?: string;
  controller?: { age_seconds?: number; ticks_lost?: number };
  store?: { state?: string; message?: string };
  problems?: number;
  alerts?: number;
  steering?: number;
  switch_off?: boolean;
  routes?: string[];
  demo?: boolean;
}

export interface Terms {
  latency: number;
  cost: number;
  error: number;
  quality?: number;
}

export interface Level {
  level: string;
  at_most: number;
  value: number | null;
  samples: number;
  verdict: string;
}

export interface Target {
  name: string;
  use: string;
  tier?: number;
  configured: number;
  proposed: number;
  granted: number;
  /** What it would be granted if the controller were obeyed; absent where it is. */
  if_obeyed?: number | null;
  actual: number | null;
  samples: number;
  confidence: number;
  state: string;
  terms: Terms;
  rails: string[];
  evidence: {
    first_token: number | null;
    per_token: number | null;
    slowness: number;
    faults: number;
    cost?: number | null;
    cached?: number | null;
    /** What applications said of its answers. */
    quality?: { mean: number; deviation: number; scores: number; histogram: number[] } | null;
    gap: number;
  };
  levels?: Level[];
  sentence: string;
  first_token_ms: [number, number, number] | null;
  total_ms: [number, number, number] | null;
  usd_per_1k_tokens: number | null;
  spent_usd: number;
  calls: number;
  failed: number;
  in_flight: number;
  interval?: [number, number] | null;
  requests_last_minute?: number;
  /** Until when a spent budget keeps requests away or has them refused. */
  spent_until?: number | null;
  noise?: string;
  errors?: Record<string, number>;
  latency_histogram?: Array<[number, number]>;
  first_token_histogram?: Array<[number, number]>;
  cached_ratio?: number | null;
}

export interface RouteReport {
  route: string;
  strategy: string;
  mode: string;
  aims?: string;
  table_version: number;
  demand: number;
  targets: Target[];
  explanation: string[];
  apart?: string;
}

export interface Reports {
  config_generation: number;
  decided_seconds_ago: number;
  routes: RouteReport[];
}

export interface Sample {
  at: number;
  requests: number;
  failed: number;
  first_token_ms: [number, number] | null;
  total_ms: [number, number] | null;
  cost_usd: number;
  granted: number[];
  actual: Array<number | null>;
  configured?: { cost_usd: number | null; total_ms: number | null; failed: number | null } | null;
}

export interface History {
  step: number;
  start?: number;
  targets: string[];
  samples: Sample[];
}

export interface Order {
  id: string | number;
  action: string;
  route?: string | null;
  target?: string | null;
  provider?: string | null;
  share?: number | null;
  strategy?: string | null;
  mode?: string | null;
  reason?: string | null;
  by?: string | null;
  since?: number | null;
  until?: number | null;
  /** Why it does nothing anywhere, or not everywhere. */
  idle?: string | null;
}

/** What is overruled. */
export interface Steering {
  orders: Order[];
  /** Whether a restart goes on with it. */
  kept: boolean;
  message?: string | null;
  switch: { off: boolean; thrown: { off: boolean; by: string; reason: string; since: number } | null };
}

export interface Problem {
  file?: string;
  line?: number;
  column?: number;
  key?: string;
  message?: string;
  hint?: string;
  text?: string;
}

/** A call to a target. */
export interface Call {
  target: string;
  use: string;
  reason: string;
  propensity: number | null;
  after_ms: number;
  outcome: string;
  status: number | null;
  total_ms: number;
  first_content_ms: number | null;
  cost_usd: number | null;
}

export interface Recorded {
  number: number;
  id: string;
  at: number;
  route: string;
  key: string | null;
  team: string | null;
  feature: string | null;
  user: string | null;
  target: string | null;
  status: number;
  code: string | null;
  ended_by: string;
  good: boolean;
  attempts: number;
  calls: Call[];
  tokens: { input: number; cached_input: number; output: number; reasoning: number; estimated: boolean } | null;
  cost_usd: number | null;
  total_ms: number;
  first_content_ms: number | null;
  /** What its application said of the answer. */
  feedback?: { score: number; label: string | null } | null;
  overhead_ms: number;
}

export interface Alert {
  id: string | number;
  kind: string;
  subject: string;
  since: number | string;
  resolved?: number | string | null;
  message: string;
}

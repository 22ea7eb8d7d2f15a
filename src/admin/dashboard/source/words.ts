// What the API's one-word names mean, in words for people.

export const RAILS: Record<string, string> = {
  cold_start: "fewer than 100 answers so far: little is known yet; restrains nothing by itself",
  floor: "the configured min_share keeps it up",
  exploration: "a worse target keeps a few requests, so that its recovery is seen",
  ceiling: "the configured max_share holds it down",
  rate_cap: "the rate that its own refusals taught",
  announced: "what its provider says is left of its limits",
  in_flight_limit: "what it can have in flight before its answers queue",
  step: "the largest change of one tick",
  kept: "moving more conversations would lose more prompt cache than it gains",
  dead_band: "the change was too small to publish",
  ejected: "it failed and takes nothing",
  ramp: "it comes back step by step",
  blocked: "it asked to be left alone for a while",
  drained: "it takes nothing: its weight is 0, or an operator drained it",
  spills: "it takes all that it has room for, the next tier the rest",
  displaced: "what others may not take or give falls to it",
  model_split: "the split between models is held at the configured one",
  min_quality: "its answers are rated below the route's min_quality",
  min_quality_lifted: "its answers are rated below the route's min_quality, and nobody else is left",
  held_outage: "all targets are ejected: the configured shares are in force",
  shadow: "the controller decides and is not obeyed",
  off: "the controller does not decide",
  pinned: "an operator pinned its share",
  frozen: "an operator froze the route's shares",
};

/** Which rails restrain; the others only tell. */
export const TELLING = new Set(["cold_start"]);

export const STATES: Record<string, string> = {
  serving: "takes its share",
  ejected: "takes nothing: it failed",
  probing: "one request at a time: does it work again?",
  returning: "a growing part of its share",
  blocked: "takes nothing for a while: it asked for that",
  drained: "takes nothing: its weight is 0, or it was drained",
  "budget spent": "a budget is spent: until it begins again, requests go elsewhere or are refused",
};

export const MODES: Record<string, string> = {
  auto: "the controller decides and is obeyed",
  shadow: "the controller decides and is shown, but not obeyed: configured shares are in force",
  off: "the controller does not decide: configured shares are in force",
};

export function words(name: string): string {
  return name.replace(/_/g, " ");
}

// A target's way from its configured share to its grant, as bars under each other.

import { percent, points } from "../format";
import type { Target } from "../types";

interface Step {
  label: string;
  from: number;
  to: number;
  kind: "whole" | "up" | "down" | "none";
  text: string;
}

/** A step between two shares. */
function step(label: string, from: number, to: number): Step {
  const kind = Math.abs(to - from) < 0.0005 ? "none" : to > from ? "up" : "down";
  return { label, from, to, kind, text: points(to - from) };
}

function whole(label: string, share: number): Step {
  return { label, from: 0, to: share, kind: "whole", text: percent(share) };
}

const TERMS = [
  ["latency", "latency"],
  ["cost", "cost"],
  ["error", "errors"],
  ["quality", "quality"],
] as const;

/**
 * The steps of one target. The controller tilts by the sum of the terms; to show which of them did it, the move is divided
 * in proportion to each term's distance from the mean of the route (by configured shares). Where these all but cancel each
 * other, that would make large parts out of nothing, and the move stays whole.
 */
export function steps(target: Target, targets: Target[]): Step[] {
  const mean = (term: (typeof TERMS)[number][0]) => targets.reduce((sum, other) => sum + other.configured * (other.terms[term] ?? 0), 0);
  const distances = TERMS.map(([term]) => (target.terms[term] ?? 0) - mean(term));
  const sum = distances.reduce((a, b) => a + b, 0);
  const size = distances.reduce((a, b) => a + Math.abs(b), 0);
  const move = target.proposed - target.configured;
  const made: Step[] = [whole("configured", target.configured)];
  let at = target.configured;
  // A move against the sum of the terms is not theirs alone: others lost or won more.
  const theirs = Math.abs(sum) > 0.4 * size && sum * move < 0;
  if (theirs) {
    TERMS.forEach(([, label], i) => {
      const part = (move * (distances[i] ?? 0)) / sum;
      if (label !== "quality" || Math.abs(part) > 0.0005) {
        made.push(step(label, at, at + part));
        at += part;
      }
    });
  } else {
    made.push(step("terms and others", at, target.proposed));
  }
  made.push(step("rails", target.proposed, target.granted));
  made.push(whole("granted", target.granted));
  return made;
}

export function Waterfall(props: { target: Target; targets: Target[] }) {
  const { target, targets } = props;
  const made = steps(target, targets);
  const ends = made.flatMap((it) => [it.from, it.to]);
  const low = Math.min(0, ...ends);
  const high = Math.max(0.01, ...ends);
  const x = (share: number) => ((share - low) / (high - low)) * 100;
  const text = made.map((it) => `${it.label} ${it.text}`).join(", ");
  return (
    <div class="waterfall" role="img" aria-label={`From the configured share to the grant of ${target.name}: ${text}`}>
      {made.map((it) => (
        <div class="waterfall-row" key={it.label} aria-hidden="true">
          <span class="waterfall-label">{it.label}</span>
          <svg width="100%" height="14" preserveAspectRatio="none">
            <rect class={`bar ${it.kind}`} x={`${x(Math.min(it.from, it.to))}%`} width={`${Math.max(0.6, Math.abs(x(it.to) - x(it.from)))}%`} y="2" height="10" rx="1.5" />
          </svg>
          <span class={`number waterfall-value ${it.kind}`}>{it.text}</span>
        </div>
      ))}
    </div>
  );
}

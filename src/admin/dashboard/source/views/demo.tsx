// The demo's panel: do something to a provider, and see what adaptive shares lose against fixed ones.

import { useState } from "preact/hooks";
import { write } from "../api";
import { count, dollars, milliseconds } from "../format";
import { Badge, Panel, Scroll, Standing } from "../parts";
import { useResource } from "../resource";

interface Counters {
  requests?: number;
  failed?: number;
  p95_ms?: number | null;
  cost_usd?: number | null;
}

interface Demo {
  providers: Array<{ name: string; act: string }>;
  adaptive: Counters;
  fixed: Counters;
}

const ACTS: Array<[string, string]> = [
  ["slow", "Slow ×4"],
  ["hang", "Hang"],
  ["throttle", "Throttle (429)"],
  ["cut", "Cut streams"],
  ["triple_price", "Triple price"],
  ["kill", "Kill"],
  ["heal", "Heal"],
];
const NOW: Record<string, string> = {
  slow: "four times as slow",
  hang: "hangs",
  throttle: "refuses with 429",
  cut: "cuts its streams",
  triple_price: "three times the price",
  kill: "dead",
  heal: "well",
  none: "well",
};

export function DemoView() {
  const demo = useResource<Demo>("/api/v1/demo", 1);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const data = demo.data;
  const act = async (provider: string, what: string) => {
    setBusy(true);
    setProblem(null);
    try {
      await write("POST", "/api/v1/demo", { provider, act: what });
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
      demo.again();
    }
  };
  return (
    <>
      <div class="view-head">
        <h1>Demo</h1>
      </div>
      <Standing of={demo} what="the demo" absent="This is no demo: weighbridge demo runs one." />
      {data && (
        <>
          <Panel title="The same requests, twice" note="Every request of the demo is sent to both routes: one with adaptive shares, one with the same weights fixed.">
            <Counts demo={data} />
          </Panel>
          <Panel title="Providers" note="Do something to one, then watch its share on the overview.">
            {problem && (
              <p class="standing bad" role="alert">
                {problem}
              </p>
            )}
            <div class="demo">
              {data.providers.map((provider) => (
                <section key={provider.name} aria-labelledby={`demo-${provider.name}`}>
                  <h3 id={`demo-${provider.name}`}>
                    {provider.name} <Badge word={NOW[provider.act] ?? provider.act} tone={provider.act === "heal" || provider.act === "none" ? "good" : "bad"} />
                  </h3>
                  <div class="acts">
                    {ACTS.map(([what, label]) => (
                      <button key={what} type="button" disabled={busy} aria-pressed={provider.act === what} onClick={() => void act(provider.name, what)}>
                        {label}
                        <span class="unseen"> {provider.name}</span>
                      </button>
                    ))}
                  </div>
                </section>
              ))}
            </div>
          </Panel>
        </>
      )}
    </>
  );
}

function Counts(props: { demo: Demo }) {
  const { adaptive, fixed } = props.demo;
  return (
    <>
      <p class="sentence headline" role="status">
        {count(fixed.failed)} would have failed; you lost {count(adaptive.failed)}.
      </p>
      <Scroll>
        <table class="counts">
          <thead>
            <tr>
              <th scope="col">Shares</th>
              <th scope="col" class="number">Requests</th>
              <th scope="col" class="number">Failed</th>
              <th scope="col" class="number">p95</th>
              <th scope="col" class="number">Dollars</th>
            </tr>
          </thead>
          <tbody>
            {(
              [
                ["adaptive", adaptive],
                ["fixed", fixed],
              ] as const
            ).map(([name, counters]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td class="number">{count(counters.requests)}</td>
                <td class="number">{count(counters.failed)}</td>
                <td class="number">{milliseconds(counters.p95_ms)}</td>
                <td class="number">{dollars(counters.cost_usd)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </>
  );
}

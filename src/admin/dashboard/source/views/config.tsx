// What is configured: where from, since when, what changed, and what is wrong with a file that was refused.

import { useState } from "preact/hooks";
import { write } from "../api";
import { ago, NONE, plural, when } from "../format";
import { Panel, Scroll, Standing } from "../parts";
import { useResource } from "../resource";
import type { Problem } from "../types";

interface Change {
  key?: string;
  path?: string;
  before?: unknown;
  after?: unknown;
}

interface Shown {
  environment?: string;
  generation?: number;
  config_generation?: number;
  loaded_at?: number | string;
  digest?: string;
  config?: unknown;
  changes?: Array<Change | string>;
  last_read?: { at?: number | string; problems?: Problem[] };
  problems?: Problem[];
}

export function ConfigView() {
  const shown = useResource<Shown>("/api/v1/config", 10, ["config"]);
  const data = shown.data;
  const problems = data?.last_read?.problems ?? data?.problems ?? [];
  const generation = data?.generation ?? data?.config_generation;
  const body = data && "config" in data ? data.config : data;
  return (
    <>
      <div class="view-head">
        <h1>Configuration</h1>
        <div class="tools">
          <Reload again={shown.again} />
        </div>
      </div>
      <Standing of={shown} what="the configuration" />
      {problems.length > 0 && (
        <Panel title="Refused" id="refused">
          <p class="standing bad" role="status">
            What was read {data?.last_read?.at === undefined ? "last" : ago(data.last_read.at)} was refused for {plural(problems.length, "problem")}. The
            configuration before it is still in force.
          </p>
          {problems.map((problem, i) => (
            <ProblemShown key={i} problem={problem} />
          ))}
        </Panel>
      )}
      {data && (
        <>
          <dl class="figures-row panel">
            <Fact label="Environment" value={data.environment ?? NONE} />
            <Fact label="Generation" value={generation === undefined ? NONE : String(generation)} />
            <Fact label="In force since" value={data.loaded_at === undefined ? NONE : when(data.loaded_at)} note={data.loaded_at === undefined ? "" : ago(data.loaded_at)} />
            <Fact label="Digest" value={data.digest ?? NONE} />
          </dl>
          <Changes changes={data.changes} />
          <Panel title="In force" note="The merged files. Credentials are masked.">
            <pre class="block" tabIndex={0} role="region" aria-label="The configuration in force">
              {typeof body === "string" ? body : JSON.stringify(body, null, 2)}
            </pre>
          </Panel>
        </>
      )}
    </>
  );
}

function Fact(props: { label: string; value: string; note?: string }) {
  return (
    <div class="figure">
      <dt>{props.label}</dt>
      <dd class="fact">{props.value}</dd>
      {props.note && <dd class="figure-note">{props.note}</dd>}
    </div>
  );
}

function ProblemShown(props: { problem: Problem }) {
  const { problem } = props;
  const where = [problem.file, problem.line].filter((it) => it !== undefined && it !== null).join(":");
  return (
    <div class="problem">
      <p>
        {where && <code>{where}</code>} {problem.key && <code class="dim">{problem.key}</code>}
      </p>
      {problem.text !== undefined && problem.text !== null && (
        <pre class="line">
          <span class="line-number">{problem.line}</span>
          {problem.text}
        </pre>
      )}
      <p class="bad">{problem.message}</p>
      {problem.hint && <p class="dim">{problem.hint}</p>}
    </div>
  );
}

function Changes(props: { changes: Shown["changes"] }) {
  const { changes } = props;
  if (changes === undefined) {
    return null;
  }
  return (
    <Panel title="Changed against the one before">
      {changes.length === 0 ? (
        <p class="standing">Nothing: it is the first one since the start, or the same as before.</p>
      ) : (
        <Scroll>
          <table class="stack">
            <thead>
              <tr>
                <th scope="col">Key</th>
                <th scope="col">Before</th>
                <th scope="col">Now</th>
              </tr>
            </thead>
            <tbody>
              {changes.map((change, i) =>
                typeof change === "string" ? (
                  <tr key={i}>
                    <td colSpan={3} class="mono">
                      {change}
                    </td>
                  </tr>
                ) : (
                  <tr key={i}>
                    <th scope="row" class="mono">
                      {change.key ?? change.path}
                    </th>
                    <td class="mono removed" data-label="Before">{value(change.before)}</td>
                    <td class="mono added" data-label="Now">{value(change.after)}</td>
                  </tr>
                ),
              )}
            </tbody>
          </table>
        </Scroll>
      )}
    </Panel>
  );
}

function value(of: unknown) {
  return of === null || of === undefined ? <span class="dim">not set</span> : typeof of === "string" ? of : JSON.stringify(of);
}

/** Has the files read again, as the watcher would. */
function Reload(props: { again: () => void }) {
  const [said, setSaid] = useState<{ good: boolean; text: string } | null>(null);
  const [busy, setBusy] = useState(false);
  const reload = async () => {
    setBusy(true);
    try {
      const answer = await write<{ config_generation?: number }>("POST", "/api/v1/reload");
      setSaid({ good: true, text: `Read; generation ${answer?.config_generation ?? "?"} is in force.` });
    } catch (error) {
      setSaid({ good: false, text: error instanceof Error ? error.message : String(error) });
    } finally {
      setBusy(false);
      props.again();
    }
  };
  return (
    <>
      <span role="status" class={said?.good ? "dim" : "bad"}>
        {said?.text}
      </span>
      <button type="button" disabled={busy} onClick={() => void reload()}>
        Read the files again
      </button>
    </>
  );
}

// What is configured: where from, since when, what changed, and what is wrong with a file that was refused.

import { useState } from "preact/hooks";
import { write } from "../api";
import { ago, duration, plural, when } from "../format";
import { Panel, Standing } from "../parts";
import { useResource } from "../resource";
import type { Problem } from "../types";
import { ClientKeys } from "./keys";

interface Shown {
  environment: string;
  config_generation: number;
  loaded_at: number;
  digest: string;
  config: unknown;
  /** A line each. */
  changes: string[];
  last_read: { ok: boolean; refused_seconds_ago?: number; problems: Problem[] };
}

export function ConfigView() {
  const shown = useResource<Shown>("/api/v1/config", 10, ["config"]);
  const data = shown.data;
  const problems = data?.last_read.problems ?? [];
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
            What was read {duration(data?.last_read.refused_seconds_ago ?? 0)} ago was refused for {plural(problems.length, "problem")}. The
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
            <Fact label="Environment" value={data.environment} />
            <Fact label="Generation" value={String(data.config_generation)} />
            <Fact label="In force since" value={when(data.loaded_at)} note={ago(data.loaded_at)} />
            <Fact label="Digest" value={data.digest} />
          </dl>
          <Changes changes={data.changes} />
          <ClientKeys />
          <Panel title="In force" note="The merged files. Credentials are masked.">
            <pre class="block" tabIndex={0} role="region" aria-label="The configuration in force">
              {JSON.stringify(data.config, null, 2)}
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
  const where = problem.line ? `${problem.file}:${problem.line}` : problem.file;
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

function Changes(props: { changes: string[] }) {
  const { changes } = props;
  return (
    <Panel title="Changed against the one before">
      {changes.length === 0 ? (
        <p class="standing">Nothing: it is the first one since the start, or the same as before.</p>
      ) : (
        <ul class="changes mono">
          {changes.map((change) => (
            <li key={change}>{change}</li>
          ))}
        </ul>
      )}
    </Panel>
  );
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

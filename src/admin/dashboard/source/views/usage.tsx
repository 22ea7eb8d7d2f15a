// What was used and spent, from the books.

import { useState } from "preact/hooks";
import { count, dollars, NONE, percent } from "../format";
import { Panel, Scroll, Standing } from "../parts";
import { useResource } from "../resource";
import { Choice } from "./overview";

const BY = ["route", "target", "key", "team", "feature", "user"] as const;
const SPANS: Array<[number, string]> = [
  [3600, "1 h"],
  [86_400, "24 h"],
  [604_800, "7 d"],
  [2_592_000, "30 d"],
];

type UsageRow = Record<string, string | number | null | undefined>;

export function UsageView() {
  const [by, setBy] = useState<string[]>(["route", "target"]);
  const [seconds, setSeconds] = useState(86_400);
  const now = Math.floor(Date.now() / 60_000) * 60;
  const query = new URLSearchParams({ by: by.join(","), since: String(now - seconds) });
  const usage = useResource<{ rows: UsageRow[]; truncated?: boolean }>(by.length > 0 ? `/api/v1/usage?${query}` : null, 30);
  const rows = usage.data?.rows ?? [];
  const off = usage.error !== null && (usage.error.absent || usage.error.status === 409 || usage.error.status === 503);
  return (
    <>
      <div class="view-head">
        <h1>Usage</h1>
        <div class="tools">
          <fieldset class="checks">
            <legend>By</legend>
            {BY.map((name) => (
              <label class="check" key={name}>
                <input
                  type="checkbox"
                  checked={by.includes(name)}
                  onChange={(event) => setBy(event.currentTarget.checked ? BY.filter((it) => it === name || by.includes(it)) : by.filter((it) => it !== name))}
                />{" "}
                {name}
              </label>
            ))}
          </fieldset>
          <Choice label="Last" options={SPANS} value={seconds} onChange={setSeconds} />
        </div>
      </div>
      {by.length === 0 ? (
        <p class="standing">Choose at least one thing to sum by.</p>
      ) : off ? (
        <Panel title="No books are kept">
          <p class="standing">
            {usage.error?.absent ? "This daemon keeps no usage." : usage.error?.message} With <code>server.state</code> set to a folder, usage is kept there and survives a restart.
          </p>
        </Panel>
      ) : (
        <Standing of={usage} what="the usage" />
      )}
      {usage.data && rows.length === 0 && <p class="standing">Nothing was used in this time.</p>}
      {rows.length > 0 && <Rows rows={rows} by={by} />}
    </>
  );
}

function Rows(props: { rows: UsageRow[]; by: string[] }) {
  const { rows, by } = props;
  const number = (row: UsageRow, name: string) => Number(row[name] ?? 0);
  const cost = (row: UsageRow) => (row["cost_usd"] !== undefined ? number(row, "cost_usd") : number(row, "cost_pico") / 1e12);
  const sum = (of: (row: UsageRow) => number) => rows.reduce((all, row) => all + of(row), 0);
  const whole = sum(cost);
  const sorted = [...rows].sort((a, b) => cost(b) - cost(a));
  return (
    <section class="panel flush">
      <Scroll>
        <table>
          <thead>
            <tr>
              {by.map((name) => (
                <th scope="col" key={name}>
                  {name}
                </th>
              ))}
              <th scope="col" class="number">Requests</th>
              <th scope="col" class="number">Failed</th>
              <th scope="col" class="number">Tokens in</th>
              <th scope="col" class="number">Cached</th>
              <th scope="col" class="number">Tokens out</th>
              <th scope="col" class="number">Cost</th>
              <th scope="col" class="number">Part</th>
            </tr>
          </thead>
          <tbody>
            {sorted.map((row, i) => (
              <tr key={i}>
                {by.map((name) => (
                  <td key={name}>{row[name] || <span class="dim">{NONE}</span>}</td>
                ))}
                <td class="number">{count(number(row, "requests"))}</td>
                <td class="number">{count(number(row, "failed"))}</td>
                <td class="number">{count(number(row, "tokens_in"))}</td>
                <td class="number">{count(number(row, "tokens_cached"))}</td>
                <td class="number">{count(number(row, "tokens_out"))}</td>
                <td class="number">{dollars(cost(row))}</td>
                <td class="number">{percent(whole > 0 ? cost(row) / whole : null)}</td>
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row" colSpan={by.length}>
                Sum
              </th>
              {["requests", "failed", "tokens_in", "tokens_cached", "tokens_out"].map((name) => (
                <td class="number" key={name}>
                  {count(sum((row) => number(row, name)))}
                </td>
              ))}
              <td class="number">{dollars(whole)}</td>
              <td />
            </tr>
          </tfoot>
        </table>
      </Scroll>
    </section>
  );
}

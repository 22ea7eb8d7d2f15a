// What was used and spent, from the books.

import { useState } from "preact/hooks";
import { count, dollars, NONE, percent } from "../format";
import { Panel, Scroll, Standing } from "../parts";
import { useResource } from "../resource";
import { Choice } from "./overview";

const BY = ["day", "route", "target", "provider", "model", "key", "team", "feature", "user"];
const SPANS: Array<[string, string]> = [
  ["1h", "1 h"],
  ["1d", "24 h"],
  ["7d", "7 d"],
  ["1mo", "1 month"],
];

type UsageRow = Record<string, string | number | null | undefined>;

interface Used {
  rows: UsageRow[];
  total: UsageRow;
  is_cut: boolean;
}

export function UsageView() {
  const [by, setBy] = useState<string[]>(["route", "target"]);
  const [since, setSince] = useState("1d");
  const query = new URLSearchParams({ by: by.join(","), since });
  const usage = useResource<Used>(by.length > 0 ? `/api/v1/usage?${query}` : null, 30);
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
          <Choice label="Last" options={SPANS} value={since} onChange={setSince} />
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
      {usage.data && rows.length > 0 && <Rows used={usage.data} by={by} />}
      {usage.data?.is_cut && <p class="standing">There are more rows than are shown; the sum is of all.</p>}
    </>
  );
}

function Rows(props: { used: Used; by: string[] }) {
  const { used, by } = props;
  const number = (row: UsageRow, name: string) => Number(row[name] ?? 0);
  const whole = number(used.total, "cost_usd");
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
            {used.rows.map((row, i) => (
              <tr key={i}>
                {by.map((name) => (
                  <td key={name}>{row[name] || <span class="dim">{NONE}</span>}</td>
                ))}
                <td class="number">{count(number(row, "requests"))}</td>
                <td class="number">{count(number(row, "failed"))}</td>
                <td class="number">{count(number(row, "tokens_in"))}</td>
                <td class="number">{count(number(row, "tokens_cached"))}</td>
                <td class="number">{count(number(row, "tokens_out"))}</td>
                <td class="number">{dollars(number(row, "cost_usd"))}</td>
                <td class="number">{percent(whole > 0 ? number(row, "cost_usd") / whole : null)}</td>
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
                  {count(number(used.total, name))}
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

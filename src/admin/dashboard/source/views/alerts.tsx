// Budgets and alerts: what is spent of what may be, and what an operator should know.

import { useState } from "preact/hooks";
import { ago, dollars, duration, moment, NONE, percent, plural, when } from "../format";
import { Badge, Panel, Scroll, Standing } from "../parts";
import { useResource } from "../resource";
import type { Alert } from "../types";
import { words } from "../words";
import { Choice } from "./overview";

/** A budget in one of its windows. */
interface Budget {
  name: string;
  scope: string;
  subject: string;
  window: string;
  limit_usd: number;
  spent_usd: number;
  resets_at: number;
  at_cap: string;
  state: string;
}

export function AlertsView() {
  const [open, setOpen] = useState<"open" | "all">("open");
  const alerts = useResource<{ alerts: Alert[]; undelivered?: number }>(open === "open" ? "/api/v1/alerts?open=true" : "/api/v1/alerts", 5, ["alert", "config"]);
  const budgets = useResource<{ budgets: Budget[] }>("/api/v1/budgets", 5, ["alert", "config"]);
  const shown = (alerts.data?.alerts ?? []).filter((alert) => open === "all" || !alert.resolved);
  return (
    <>
      <div class="view-head">
        <h1>Budgets and alerts</h1>
      </div>
      <Panel title="Alerts" tools={<Choice label="Show" options={[["open", "open"], ["all", "all"]]} value={open} onChange={setOpen} />}>
        <Standing of={alerts} what="the alerts" absent="This daemon raises no alerts." />
        {alerts.data && shown.length === 0 && <p class="standing">{open === "open" ? "No alert is open." : "There has been no alert."}</p>}
        {(alerts.data?.undelivered ?? 0) > 0 && (
          <p class="standing warn">{plural(alerts.data?.undelivered ?? 0, "message")} to webhooks could not be delivered since the start.</p>
        )}
        {shown.length > 0 && (
          <Scroll>
            <table class="stack">
              <thead>
                <tr>
                  <th scope="col">Alert</th>
                  <th scope="col">About</th>
                  <th scope="col">What</th>
                  <th scope="col">Since</th>
                  <th scope="col">Resolved</th>
                </tr>
              </thead>
              <tbody>
                {shown.map((alert) => (
                  <tr key={alert.id}>
                    <th scope="row">
                      <Badge word={words(alert.kind)} tone={alert.resolved ? "plain" : "bad"} />
                    </th>
                    <td data-label="About">{alert.subject}</td>
                    <td class="wide" data-label="What">{alert.message}</td>
                    <td class="number left" data-label="Since">
                      {when(alert.since)}
                      <div class="under dim">{ago(alert.since)}</div>
                    </td>
                    <td class="number left" data-label="Resolved">{alert.resolved ? when(alert.resolved) : "open"}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
        )}
      </Panel>
      <Panel title="Budgets">
        <Standing of={budgets} what="the budgets" absent="This daemon keeps no budgets." />
        {budgets.data && budgets.data.budgets.length === 0 && <p class="standing">No budget is configured.</p>}
        {budgets.data && budgets.data.budgets.length > 0 && <Budgets budgets={budgets.data.budgets} />}
      </Panel>
    </>
  );
}

function Budgets(props: { budgets: Budget[] }) {
  return (
    <Scroll>
      <table class="stack">
        <thead>
          <tr>
            <th scope="col">Budget</th>
            <th scope="col">Of</th>
            <th scope="col">Spent</th>
            <th scope="col" class="number">Limit</th>
            <th scope="col">Window</th>
            <th scope="col">Begins again</th>
            <th scope="col">At the limit</th>
          </tr>
        </thead>
        <tbody>
          {props.budgets.map((budget) => (
            <BudgetRow key={budget.name} budget={budget} />
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function BudgetRow(props: { budget: Budget }) {
  const { budget } = props;
  const { spent_usd: spent, limit_usd: limit } = budget;
  const part = limit > 0 ? spent / limit : 0;
  const tone = part >= 1 ? "bad" : part >= 0.8 ? "warn" : "good";
  const ends = moment(budget.resets_at);
  return (
    <tr>
      <th scope="row">{budget.name}</th>
      <td data-label="Of">
        {budget.scope} {budget.subject}
      </td>
      <td class="wide" data-label="Spent">
        <div class="gauge">
          <meter class={tone} min={0} max={1} value={Math.min(1, part)} aria-label={`${percent(part, 0)} of ${budget.name}`} />
          <b>{dollars(spent)}</b> <span class="dim">{percent(part, 0)}</span>
        </div>
      </td>
      <td class="number" data-label="Limit">{dollars(limit)}</td>
      <td data-label="Window">{budget.window}</td>
      <td class="number left" data-label="Begins again">{ends ? `in ${duration((ends.getTime() - Date.now()) / 1000)}` : NONE}</td>
      <td data-label="At the limit">
        <Badge word={budget.at_cap} />{" "}
        {budget.state !== "open" && <Badge word={budget.state} tone="bad" />}
      </td>
    </tr>
  );
}

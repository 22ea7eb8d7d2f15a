// Budgets and alerts: what is spent of what may be, and what an operator should know.

import { useState } from "preact/hooks";
import { ago, plural, when } from "../format";
import { Badge, Panel, Scroll, Standing } from "../parts";
import { useResource } from "../resource";
import type { Alert } from "../types";
import { words } from "../words";
import { Budgets } from "./budgets";
import type { Budget } from "./budgets";
import { Choice } from "./overview";

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

// Budgets: what is spent of what may be, until when, and what happens at the limit.

import { dollars, duration, moment, NONE, percent, when } from "../format";
import { Badge, Scroll } from "../parts";
import type { RouteReport } from "../types";

/** A budget in one of its windows. */
export interface Budget {
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

/** What happens at the limit, before and after it is reached. */
const AT_CAP: Record<string, [string, string]> = {
  alert: ["an alert, and nothing else", "warned of; requests go on"],
  avoid: ["requests go elsewhere", "requests go elsewhere until it begins again"],
  refuse: ["requests are refused", "requests are refused until it begins again"],
};

/** Those that bear on a route: its own, its targets', and those of the providers behind them. */
export function budgetsOf(budgets: Budget[], report: RouteReport): Budget[] {
  const providers = new Set(report.targets.map((target) => target.use.split("/")[0]));
  return budgets.filter(({ scope, subject }) => {
    switch (scope) {
      case "route":
        return subject === report.route;
      case "target":
        return report.targets.some((target) => subject === `${report.route}/${target.name}`);
      case "provider":
        return providers.has(subject);
      default:
        return false;
    }
  });
}

export function Budgets(props: { budgets: Budget[] }) {
  return (
    <Scroll>
      <table class="stack">
        <thead>
          <tr>
            <th scope="col">Budget</th>
            <th scope="col">Spent</th>
            <th scope="col" class="number">
              Limit
            </th>
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
  const isSpent = budget.state !== "open";
  const [before, after] = AT_CAP[budget.at_cap] ?? [budget.at_cap, budget.state];
  return (
    <tr>
      <th scope="row">{budget.name}</th>
      <td class="wide" data-label="Spent">
        <div class="gauge">
          <meter class={tone} min={0} max={1} value={Math.min(1, part)} aria-label={`${percent(part, 0)} of ${budget.name}`} />
          <b>{dollars(spent)}</b> <span class="dim">{percent(part, 0)}</span>
        </div>
      </td>
      <td class="number" data-label="Limit">
        {dollars(limit)}
      </td>
      <td class="number left" data-label="Begins again">
        {ends ? `in ${duration((ends.getTime() - Date.now()) / 1000)}` : NONE}
        <div class="under dim">{when(budget.resets_at)}</div>
      </td>
      <td class="wide" data-label="At the limit">
        <div>
          {isSpent && <Badge word={budget.state} tone="bad" />} {isSpent ? after : before}
        </div>
      </td>
    </tr>
  );
}

// What operators have ordered and is in force, with the button that ends it.

import { useState } from "preact/hooks";
import { named, write } from "../api";
import { duration, moment, NONE, percent, when } from "../format";
import { Badge, Confirm, Scroll } from "../parts";
import type { Order } from "../types";

/** Where the operator's name is kept: it is said with each order, and asked for once. */
const BY = "weighbridge.by";

/** Who steers from this browser. */
export function operator(): string {
  return localStorage.getItem(BY) || "dashboard";
}

export function rememberOperator(name: string): void {
  localStorage.setItem(BY, name);
}

/** What an order does, in a sentence without its reason. */
export function orderSentence(order: Partial<Order>): string {
  const where = order.route ? `on route ${order.route}` : "on every route";
  const what = order.target ?? order.provider ?? "?";
  switch (order.action) {
    case "pin":
      return `${what} is pinned to ${percent(order.share ?? null)} ${where}`;
    case "drain":
      return order.route ? `${what} is drained ${where}` : `${what} is drained everywhere`;
    case "freeze":
      return `the shares of route ${order.route ?? "?"} stay as they are`;
    case "strategy":
      return `route ${order.route ?? "?"} uses the strategy ${order.strategy ?? "?"}`;
    case "mode":
      return `mode is ${order.mode ?? "?"} ${where}`;
    default:
      return `${order.action ?? "?"} ${where}`;
  }
}

export function InForce(props: { orders: Order[]; again: () => void }) {
  const [asked, setAsked] = useState<Order | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const end = async (order: Order) => {
    setBusy(true);
    setProblem(null);
    try {
      await write("DELETE", `${named("/api/v1/steering", String(order.id))}?by=${encodeURIComponent(operator())}`);
      setAsked(null);
      props.again();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Scroll>
        <table class="orders stack">
          <thead>
            <tr>
              <th scope="col">Order</th>
              <th scope="col">Reason</th>
              <th scope="col">By</th>
              <th scope="col">Since</th>
              <th scope="col">Ends</th>
              <th scope="col">
                <span class="unseen">End it</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {props.orders.map((order) => (
              <tr key={order.id}>
                <th scope="row">
                  <Badge word={order.action} tone="warn" /> {orderSentence(order)}
                  {order.idle && <div class="under warn">{order.idle}</div>}
                </th>
                <td data-label="Reason">{order.reason || NONE}</td>
                <td data-label="By">{order.by || NONE}</td>
                <td class="number left" data-label="Since">{when(order.since)}</td>
                <td class="number left" data-label="Ends">{until(order)}</td>
                <td class="number">
                  <button type="button" class="small" onClick={() => (setProblem(null), setAsked(order))}>
                    End now<span class="unseen">: {orderSentence(order)}</span>
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {asked && (
        <Confirm title="End this order?" action="End it" busy={busy} problem={problem} onConfirm={() => void end(asked)} onCancel={() => setAsked(null)}>
          <p>
            Now {orderSentence(asked)}
            {asked.reason ? ` (${asked.reason}; by ${asked.by ?? "somebody"})` : ""}. Ended, the configuration's files and the
            controller decide again.
          </p>
        </Confirm>
      )}
    </>
  );
}

function until(order: Order): string {
  const date = moment(order.until);
  return date ? `in ${duration((date.getTime() - Date.now()) / 1000)}` : "when ended";
}

// Overruling the controller: for a while, with a reason, and confirmed.

import { useState } from "preact/hooks";
import { write } from "../api";
import { clock, duration, plural, when } from "../format";
import { Confirm, Panel, Standing } from "../parts";
import { useResource } from "../resource";
import type { Order, Reports, Steering } from "../types";
import { MODES } from "../words";
import { InForce, operator, orderSentence, rememberOperator } from "./steering_list";

const ACTIONS: Array<[string, string, string]> = [
  ["pin", "Pin a share", "A target gets exactly this share; the others divide the rest as before."],
  ["drain", "Drain", "No new request goes there; those under way are finished. In one route, or wherever it is used."],
  ["freeze", "Freeze a route", "Its shares stay as they are. What fails is still left out."],
  ["strategy", "Switch the strategy", "How the route's shares come about, until this ends."],
  ["mode", "Set the mode", "auto: obeyed. shadow: decided and shown, not obeyed. off: not decided."],
];
const STRATEGIES = ["adaptive", "fixed"];
const LIFETIMES: Array<[number, string]> = [
  [900, "15 minutes"],
  [3600, "1 hour"],
  [14_400, "4 hours"],
  [86_400, "1 day"],
  [604_800, "7 days"],
];

interface Draft {
  action: string;
  route: string;
  target: string;
  share: string;
  strategy: string;
  mode: string;
  reason: string;
  by: string;
  seconds: number;
}

export function SteeringView(props: { route: string | null }) {
  const steering = useResource<Steering>("/api/v1/steering", 5, ["steering", "config"]);
  const reports = useResource<Reports>("/api/v1/routes", 5, ["config", "steering"]);
  const orders = steering.data?.orders ?? [];
  return (
    <>
      <div class="view-head">
        <h1>Steering</h1>
      </div>
      <Panel title="In force" note={orders.length > 0 ? `${plural(orders.length, "order")}. Each ends by itself, and is written to the log with who gave it.` : undefined}>
        <Standing of={steering} what="steering" absent="This daemon takes no orders over the API: shares follow the files and the controller alone." />
        {steering.data && orders.length === 0 && <p class="standing">Nothing is overruled: shares follow the files and the controller.</p>}
        {orders.length > 0 && <InForce orders={orders} again={steering.again} />}
        {steering.data?.message && <p class="under warn">{steering.data.message}</p>}
      </Panel>
      {!steering.error?.absent && reports.data && <Give reports={reports.data} route={props.route} again={steering.again} />}
      {steering.data && <KillSwitch state={steering.data.switch} again={steering.again} />}
    </>
  );
}

function Give(props: { reports: Reports; route: string | null; again: () => void }) {
  const { routes } = props.reports;
  const [draft, setDraft] = useState<Draft>({
    action: "pin",
    route: routes.find((it) => it.route === props.route)?.route ?? routes[0]?.route ?? "",
    target: "",
    share: "",
    strategy: "fixed",
    mode: "shadow",
    reason: "",
    by: operator() === "dashboard" ? "" : operator(),
    seconds: 14_400,
  });
  const [asked, setAsked] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [done, setDone] = useState<string | null>(null);
  const set = (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part }));
  const report = routes.find((it) => it.route === draft.route);
  const targets = report?.targets ?? [];
  const places = draft.action === "drain" && !draft.route ? everywhere(props.reports) : targets.map((target) => target.name);
  const target = places.includes(draft.target) ? draft.target : (places[0] ?? "");
  const allowAll = draft.action === "drain" || draft.action === "mode";
  const order = orderOf(draft, target);
  const send = async () => {
    setBusy(true);
    setProblem(null);
    try {
      await write("POST", "/api/v1/steering", { ...order, seconds: draft.seconds });
      const until = Math.floor(Date.now() / 1000) + draft.seconds;
      rememberOperator(draft.by.trim());
      setAsked(false);
      setDone(`Done: ${orderSentence(order)}, until ${clock(new Date(until * 1000), false)}.`);
      set({ reason: "" });
      props.again();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Panel title="Overrule" note={ACTIONS.find(([action]) => action === draft.action)?.[2]}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          setProblem(null);
          setDone(null);
          setAsked(true);
        }}
      >
        <label>
          What
          <select name="action" value={draft.action} onChange={(event) => set({ action: event.currentTarget.value, route: draft.route || routes[0]?.route || "" })}>
            {ACTIONS.map(([action, label]) => (
              <option key={action} value={action}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <label>
          Route
          <select name="route" value={draft.route} onChange={(event) => set({ route: event.currentTarget.value })}>
            {allowAll && <option value="">{draft.action === "drain" ? "wherever it is used" : "all routes"}</option>}
            {routes.map((it) => (
              <option key={it.route} value={it.route}>
                {it.route}
              </option>
            ))}
          </select>
        </label>
        {(draft.action === "pin" || draft.action === "drain") && (
          <label>
            {draft.action === "drain" && !draft.route ? "Upstream or provider" : "Target"}
            <select name="target" value={target} onChange={(event) => set({ target: event.currentTarget.value })}>
              {places.map((place) => (
                <option key={place} value={place}>
                  {place}
                </option>
              ))}
            </select>
          </label>
        )}
        {draft.action === "pin" && (
          <label>
            Share in %
            <input name="share" type="number" min="0" max="100" step="any" required value={draft.share} onInput={(event) => set({ share: event.currentTarget.value })} />
          </label>
        )}
        {draft.action === "strategy" && (
          <label>
            Strategy
            <select name="strategy" value={draft.strategy} onChange={(event) => set({ strategy: event.currentTarget.value })}>
              {STRATEGIES.map((name) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        )}
        {draft.action === "mode" && (
          <label>
            Mode
            <select name="mode" value={draft.mode} onChange={(event) => set({ mode: event.currentTarget.value })}>
              {Object.keys(MODES).map((name) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        )}
        <label>
          For
          <select name="seconds" value={draft.seconds} onChange={(event) => set({ seconds: Number(event.currentTarget.value) })}>
            {LIFETIMES.map(([seconds, label]) => (
              <option key={seconds} value={seconds}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <label class="long">
          Reason
          <input name="reason" required maxLength={300} placeholder="what others should know about it" value={draft.reason} onInput={(event) => set({ reason: event.currentTarget.value })} />
        </label>
        <label>
          Your name
          <input name="by" required maxLength={80} autocomplete="username" value={draft.by} onInput={(event) => set({ by: event.currentTarget.value })} />
        </label>
        <div class="buttons">
          <button class="primary" type="submit">
            Review …
          </button>
        </div>
      </form>
      <p class="under" role="status">
        {done}
      </p>
      {asked && (
        <Confirm title="Overrule the controller?" action="Put it in force" busy={busy} problem={problem} onConfirm={() => void send()} onCancel={() => setAsked(false)}>
          <p>
            <b>From now {orderSentence(order)}</b>, for {duration(draft.seconds)}.
          </p>
          <p class="dim">
            Reason: {draft.reason}. By {draft.by}. Safety stays: what fails or refuses is still left out.
          </p>
        </Confirm>
      )}
    </Panel>
  );
}

/** All upstreams and providers in use. */
function everywhere(reports: Reports): string[] {
  const upstreams = new Set(reports.routes.flatMap((route) => route.targets.map((target) => target.use)));
  const providers = new Set([...upstreams].map((upstream) => upstream.split("/")[0] ?? upstream));
  return [...[...upstreams].sort(), ...[...providers].sort()];
}

/** The order that a draft makes, without its end. */
function orderOf(draft: Draft, target: string): Partial<Order> {
  const order: Partial<Order> = { action: draft.action, reason: draft.reason.trim(), by: draft.by.trim() };
  if (draft.route) {
    order.route = draft.route;
  }
  if (draft.action === "pin") {
    order.target = target;
    order.share = Number(draft.share) / 100;
  }
  if (draft.action === "drain") {
    if (draft.route || target.includes("/")) {
      order.target = target;
    } else {
      order.provider = target;
    }
  }
  if (draft.action === "strategy") {
    order.strategy = draft.strategy;
  }
  if (draft.action === "mode") {
    order.mode = draft.mode;
  }
  return order;
}

/** Puts the configured shares in force, past the controller. */
function KillSwitch(props: { state: Steering["switch"]; again: () => void }) {
  const { off, thrown } = props.state;
  const [asked, setAsked] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [reason, setReason] = useState("");
  const turn = async () => {
    setBusy(true);
    setProblem(null);
    try {
      await write("POST", "/api/v1/switch", { off: !off, reason: reason.trim() || "from the dashboard", by: operator() });
      setAsked(false);
      setReason("");
      props.again();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Panel
      title="Kill switch"
      note="Puts the configured shares in force on every route at once, unguarded. It needs no working controller; SIGUSR1 to the process does the same where this page cannot be reached, SIGUSR2 takes it back."
    >
      {off && (
        <p class="standing warn" role="status">
          The controller is off: the configured shares are in force{thrown ? `, since ${when(thrown.since)} by ${thrown.by}: ${thrown.reason}` : ""}.
        </p>
      )}
      <button type="button" class={off ? "primary" : "danger"} onClick={() => (setProblem(null), setAsked(true))}>
        {off ? "Switch the controller on again …" : "Switch the controller off …"}
      </button>
      {asked && (
        <Confirm
          title={off ? "Switch the controller on again?" : "Switch the controller off?"}
          action={off ? "Switch it on" : "Switch it off"}
          danger={!off}
          busy={busy}
          problem={problem}
          onConfirm={() => void turn()}
          onCancel={() => setAsked(false)}
        >
          <p>
            {off
              ? "The files, the orders in force and the controller decide again."
              : "Every route goes to its configured shares at once, and nothing is adapted or left out until it is switched on again."}
          </p>
          <label>
            Reason
            <input name="switch-reason" maxLength={300} value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
          </label>
        </Confirm>
      )}
    </Panel>
  );
}

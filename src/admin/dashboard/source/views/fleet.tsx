// The replicas that decide as one, where there may be several.

import { ago, duration, percent, plural } from "../format";
import { Badge, Panel, Scroll, Standing } from "../parts";
import { useResource } from "../resource";

interface Replica {
  name: string;
  is_self: boolean;
  live: boolean;
  gone?: "left" | "silent";
  version: string;
  last_seen_seconds_ago: number;
  lag_seconds: number;
  same_configuration: boolean;
  same_orders: boolean;
  in_flight: number;
  believed: number | null;
  ejected: string[];
}

interface Fleet {
  state: "alone" | "joined" | "degraded";
  since: number | null;
  why?: string;
  same_name?: { message: string };
  replicas: Replica[];
}

/** Nothing where the configuration has no `[cluster]`. */
export function FleetPanel() {
  const fleet = useResource<Fleet>("/api/v1/fleet", 5, ["config", "alert"]);
  const { data } = fleet;
  if (data === null || data.state === "alone") {
    return null;
  }
  const live = data.replicas.filter((replica) => replica.live).length;
  return (
    <Panel title="Replicas">
      <Standing of={fleet} what="the replicas" />
      {data.state === "joined" ? (
        <p class="note">{plural(live, "replica")} decide as one: each on what all of them measure.</p>
      ) : (
        <p class="standing bad" role="alert">
          Out of reach of the others since {ago(data.since)}; this replica goes on by itself: {data.why}
        </p>
      )}
      {data.same_name && (
        <p class="standing bad" role="alert">
          {data.same_name.message}
        </p>
      )}
      <Scroll>
        <table class="stack">
          <thead>
            <tr>
              <th scope="col">Replica</th>
              <th scope="col">State</th>
              <th scope="col">Version</th>
              <th scope="col" class="number">
                Lag
              </th>
              <th scope="col" class="number">
                In flight
              </th>
              <th scope="col" class="number">
                Believed
              </th>
              <th scope="col">Notes</th>
            </tr>
          </thead>
          <tbody>
            {data.replicas.map((replica) => (
              <ReplicaRow key={replica.name} replica={replica} />
            ))}
          </tbody>
        </table>
      </Scroll>
    </Panel>
  );
}

function stateOf(replica: Replica): string {
  if (replica.is_self) {
    return "this one";
  }
  if (replica.live) {
    return "live";
  }
  const away = duration(replica.last_seen_seconds_ago);
  return replica.gone === "left" ? `left ${away} ago` : `silent for ${away}`;
}

function ReplicaRow(props: { replica: Replica }) {
  const { replica } = props;
  const state = stateOf(replica);
  const notes = [
    replica.same_configuration ? "" : "other routes",
    replica.same_orders ? "" : "other orders",
    replica.ejected.length > 0 ? `ejected ${replica.ejected.join(", ")}` : "",
  ];
  return (
    <tr>
      <th scope="row">{replica.name}</th>
      <td data-label="State">
        <Badge word={state} tone={replica.live ? "good" : "warn"} />
      </td>
      <td data-label="Version">{replica.version}</td>
      <td class="number" data-label="Lag">
        {replica.lag_seconds.toFixed(1)} s
      </td>
      <td class="number" data-label="In flight">
        {replica.in_flight}
      </td>
      <td class="number" data-label="Believed">
        {percent(replica.believed, 0)}
      </td>
      <td class="wide" data-label="Notes">
        {notes.filter((note) => note !== "").join("; ")}
      </td>
    </tr>
  );
}

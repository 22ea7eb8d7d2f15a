// Client keys: where each comes from, when it was used last and how it stands. Nothing here tells a key.

import { ago, when } from "../format";
import { Badge, Panel, Scroll, Standing } from "../parts";
import { useResource } from "../resource";

interface Deed {
  at: number;
  by: string;
  reason: string;
}

interface Key {
  name: string;
  from: string;
  place?: string | null;
  routes?: string[] | null;
  expires?: string | null;
  state: string;
  last_used?: number | null;
  made?: Deed | null;
  revoked?: Deed | null;
  /** Who gave it the secret that it has now. */
  rotated?: Deed | null;
  /** The secrets that it had before. */
  before?: Secret[];
}

interface Secret {
  since: number | null;
  replaced: Deed;
  until: number;
  state: string;
  last_used?: number | null;
  last_refused?: number | null;
}

interface Keys {
  keys: Key[];
  asked_for: boolean;
  message?: string;
}

export function ClientKeys() {
  const keys = useResource<Keys>("/api/v1/keys", 10, ["config"]);
  const data = keys.data;
  return (
    <Panel title="Client keys" note="weighbridge keys new makes one, keys rotate gives it a new secret, keys revoke ends it.">
      <Standing of={keys} what="the client keys" absent="This daemon knows no client keys." />
      {data?.message && <p class="standing bad">{data.message}</p>}
      {data && data.keys.length === 0 && (
        <p class="standing">{data.asked_for ? "A key is asked for, and there is none: nobody gets in." : "No key is asked for."}</p>
      )}
      {data && data.keys.length > 0 && <Table keys={data.keys} />}
    </Panel>
  );
}

/** A secret that another took the place of: whether somebody still comes with it. */
function Before(props: { secret: Secret }) {
  const { secret } = props;
  const made = secret.since ? `the secret of ${when(secret.since)}` : "the secret of the files";
  if (secret.state === "accepted") {
    return (
      <>
        {made} is accepted until {when(secret.until)}, {secret.last_used ? `used last ${ago(secret.last_used)}` : "not used since the start"}
      </>
    );
  }
  return (
    <>
      {made} {secret.state === "over" ? `ended ${when(secret.until)}` : "was revoked"}
      {secret.last_refused && <span class="warn">, and still came {ago(secret.last_refused)}</span>}
    </>
  );
}

function Table(props: { keys: Key[] }) {
  return (
    <Scroll>
      <table class="stack">
        <thead>
          <tr>
            <th scope="col">Key</th>
            <th scope="col">State</th>
            <th scope="col">May ask for</th>
            <th scope="col">From</th>
            <th scope="col">Last used</th>
          </tr>
        </thead>
        <tbody>
          {props.keys.map((key, i) => (
            <tr key={`${key.name} ${key.state} ${i}`}>
              <th scope="row">{key.name}</th>
              <td class="wide" data-label="State">
                <Badge word={key.state} tone={key.state === "active" ? "good" : "bad"} />
                {key.revoked && (
                  <div class="under dim">
                    by {key.revoked.by}: {key.revoked.reason}
                  </div>
                )}
                {!key.revoked && key.expires && <div class="under dim">until {key.expires}</div>}
                {key.rotated && (
                  <div class="under dim">
                    new secret {ago(key.rotated.at)}, by {key.rotated.by}
                  </div>
                )}
                {(key.before ?? []).map((secret) => (
                  <div class="under" key={secret.replaced.at}>
                    <Before secret={secret} />
                  </div>
                ))}
              </td>
              <td data-label="May ask for">{key.routes ? key.routes.join(", ") : "everything"}</td>
              <td data-label="From">
                {key.place ?? key.from}
                {key.made && <div class="under dim">by {key.made.by}: {key.made.reason}</div>}
              </td>
              <td class="number left" data-label="Last used">
                {key.last_used ? when(key.last_used) : "never"}
                {key.last_used && <div class="under dim">{ago(key.last_used)}</div>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

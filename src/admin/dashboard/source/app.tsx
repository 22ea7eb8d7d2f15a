// The frame: where one is, whether what is shown is alive, and the view.

import { useEffect, useRef, useState } from "preact/hooks";
import { keepToken, tokenNeeded } from "./api";
import { useCell } from "./cell";
import { ago, clock, plural } from "./format";
import { connection, holdsToken, listen } from "./live";
import { Badge } from "./parts";
import { useResource } from "./resource";
import { choose, theme, type Choice } from "./theme";
import type { Overview } from "./types";
import { viewAt, VIEWS } from "./views";
import { MODES } from "./words";

function useHash(): string {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const changed = () => setHash(location.hash);
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return hash;
}

export function App() {
  const hash = useHash();
  const need = useCell(tokenNeeded);
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  const { title, name, view } = viewAt(hash);
  useEffect(listen, []);
  useEffect(() => {
    document.title = `${title} · Weighbridge`;
    if (first.current) {
      first.current = false;
      return;
    }
    scrollTo(0, 0);
    main.current?.focus();
  }, [hash]);
  useEffect(() => {
    document.querySelector("nav [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
  }, [name]);
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        Skip to content
      </a>
      <Head current={name} />
      <main ref={main} id="main" tabIndex={-1} aria-label={title}>
        {need === "no" ? <div key={hash}>{view()}</div> : <TokenForm refused={need === "refused"} />}
      </main>
      <Foot />
    </>
  );
}

function Head(props: { current: string }) {
  const overview = useResource<Overview>("/api/v1/overview", 5, ["config", "steering", "alert"]);
  const data = overview.data;
  const marks: Record<string, number | undefined> = {
    alerts: data?.alerts,
    steering: data?.steering,
    config: data?.problems,
  };
  return (
    <header class="head">
      <div class="brand">
        <img src="/assets/icon.svg" alt="" width="22" height="22" />
        <strong>Weighbridge</strong>
        {data?.environment && <span class="dim">{data.environment}</span>}
      </div>
      <nav aria-label="Views">
        {VIEWS.filter((it) => it.name !== "demo" || data?.demo).map((it) => (
          <a key={it.name} href={it.href} aria-current={props.current === it.name ? "page" : undefined}>
            {it.title}
            {marks[it.name] ? (
              <span class={it.name === "steering" ? "mark warn" : "mark bad"}>
                {marks[it.name]}
                <span class="unseen"> {it.name === "alerts" ? "open" : it.name === "steering" ? "in force" : "problems"}</span>
              </span>
            ) : null}
          </a>
        ))}
      </nav>
      <div class="status">
        {data?.switch_off && <Badge word="switched off" tone="bad" title="The kill switch: configured shares are in force" />}
        {data?.mode && data.mode !== "auto" && <Badge word={data.mode} title={MODES[data.mode]} />}
        <StaleController overview={data} />
        <LiveMark />
        <ThemeSwitch />
      </div>
    </header>
  );
}

/** Seconds after which a controller that decides four times a second is late. */
const LATE = 5;

function StaleController(props: { overview: Overview | null }) {
  const age = props.overview?.controller?.age_seconds ?? 0;
  return age > LATE ? <Badge word={`controller silent for ${Math.round(age)} s`} tone="bad" /> : null;
}

function LiveMark() {
  const now = useCell(connection);
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  const text = {
    connecting: "connecting",
    live: "live",
    lost: "connection lost",
    without: "no live events",
  }[now.state];
  const detail = now.state === "lost" ? `since ${clock(new Date(now.since))}` : "";
  return (
    <>
      <span class={`live is-${now.state}`} role="status">
        <i aria-hidden="true" />
        {text} {detail}
      </span>
      {now.state === "lost" && (
        <div class="banner" role="alert">
          Connection lost {ago(now.since / 1000)}. {now.why} What is shown is from before that; trying again.
        </div>
      )}
    </>
  );
}

function ThemeSwitch() {
  const { choice } = useCell(theme);
  return (
    <select aria-label="Colours" value={choice} onChange={(event) => choose(event.currentTarget.value as Choice)}>
      <option value="system">Auto</option>
      <option value="light">Light</option>
      <option value="dark">Dark</option>
    </select>
  );
}

function TokenForm(props: { refused: boolean }) {
  const [value, setValue] = useState("");
  return (
    <form
      class="panel token"
      onSubmit={(event) => {
        event.preventDefault();
        if (value.trim()) {
          keepToken(value.trim());
        }
      }}
    >
      <h1>This listener asks for a token</h1>
      <p>
        It is <code>admin.token</code> of the configuration. It is kept for this tab only, and forgotten when the tab closes.
      </p>
      {props.refused && (
        <p class="standing bad" role="alert">
          The token that was given is not the one. Look at admin.token, and mind that an environment may override it.
        </p>
      )}
      <label>
        Token
        <input type="password" autocomplete="current-password" required value={value} onInput={(event) => setValue(event.currentTarget.value)} />
      </label>
      <div class="buttons">
        <button class="primary" type="submit">
          Use it
        </button>
      </div>
    </form>
  );
}

function Foot() {
  const overview = useResource<Overview>("/api/v1/overview", 60);
  useCell(tokenNeeded);
  const data = overview.data;
  return (
    <footer>
      <span>
        {data?.version ? `Weighbridge ${data.version}` : "Weighbridge"}
        {data?.routes ? ` · ${plural(data.routes.length, "route")}` : ""}
        {data?.config_generation !== undefined ? ` · configuration ${data.config_generation}` : ""}
      </span>
      <a href="/api/v1/openapi.json">API</a>
      <a href="/metrics">Metrics</a>
      <a href="/assets/licences.txt">Licences</a>
      {holdsToken() && (
        <button type="button" class="quiet small" onClick={() => keepToken(null)}>
          Forget the token
        </button>
      )}
    </footer>
  );
}

// Small pieces that several views share.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { ApiError } from "./api";
import { points } from "./format";

/** What a view says instead of its content: still reading, not there, failed. Nothing if there is content. */
export function Standing(props: { of: { data: unknown; error: ApiError | null; loading: boolean }; what: string; absent?: string }) {
  const { data, error, loading } = props.of;
  if (error?.status === 401) {
    return null;
  }
  if (error?.absent) {
    return <p class="standing">{props.absent ?? `This daemon does not offer ${props.what}.`}</p>;
  }
  if (error && data === null) {
    return (
      <p class="standing bad" role="alert">
        {capital(props.what)} could not be read: {error.message}
      </p>
    );
  }
  if (error) {
    return <p class="standing warn">What is shown may be old: {error.message}</p>;
  }
  if (loading) {
    return <p class="standing">Reading {props.what} …</p>;
  }
  return null;
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A wide table's frame. Where it has to be scrolled it can be reached by keyboard. */
export function Scroll(props: { children: ComponentChildren }) {
  const box = useRef<HTMLDivElement>(null);
  const [wide, setWide] = useState(false);
  useEffect(() => {
    const host = box.current;
    if (!host) {
      return undefined;
    }
    const watcher = new ResizeObserver(() => setWide(host.scrollWidth > host.clientWidth + 1));
    watcher.observe(host);
    if (host.firstElementChild) {
      watcher.observe(host.firstElementChild);
    }
    return () => watcher.disconnect();
  }, []);
  return (
    <div class="scroll" ref={box} {...(wide ? { tabIndex: 0, role: "group", "aria-label": "Table, can be scrolled sideways" } : {})}>
      {props.children}
    </div>
  );
}

export function Panel(props: { title: string; note?: ComponentChildren; children: ComponentChildren; id?: string; tools?: ComponentChildren }) {
  return (
    <section class="panel" id={props.id}>
      <header>
        <h2>{props.title}</h2>
        {props.tools}
      </header>
      {props.note && <p class="note">{props.note}</p>}
      {props.children}
    </section>
  );
}

export function Figure(props: { label: string; value: string; note?: ComponentChildren; tone?: string }) {
  return (
    <div class="figure">
      <dt>{props.label}</dt>
      <dd class={props.tone}>{props.value}</dd>
      {props.note && <dd class="figure-note">{props.note}</dd>}
    </div>
  );
}

/** How good each word for a state is. */
const TONES: Record<string, string> = {
  serving: "good",
  ok: "good",
  auto: "plain",
  adaptive: "plain",
  fixed: "plain",
  probing: "warn",
  returning: "warn",
  blocked: "warn",
  shadow: "warn",
  ejected: "bad",
  off: "bad",
  drained: "plain",
};

export function Badge(props: { word: string; tone?: string; title?: string }) {
  return (
    <span class={`badge ${props.tone ?? TONES[props.word] ?? "plain"}`} title={props.title}>
      {props.word}
    </span>
  );
}

/** A share with a bar behind it. */
export function Points(props: { value: number }) {
  const tone = Math.abs(props.value) < 0.0005 ? "dim" : props.value > 0 ? "up" : "down";
  return <span class={`points ${tone}`}>{points(props.value)}</span>;
}

/** A dialog that asks before something is done. */
export function Confirm(props: {
  title: string;
  children: ComponentChildren;
  action: string;
  danger?: boolean;
  busy?: boolean;
  problem?: string | null;
  onConfirm: () => void;
  onCancel: () => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const opened = dialog.current;
    const from = document.activeElement;
    opened?.showModal();
    return () => {
      opened?.close();
      if (from instanceof HTMLElement) {
        from.focus();
      }
    };
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby="confirm-title" onCancel={(event) => (event.preventDefault(), props.onCancel())}>
      <h2 id="confirm-title">{props.title}</h2>
      {props.children}
      {props.problem && (
        <p class="standing bad" role="alert">
          {props.problem}
        </p>
      )}
      <div class="buttons">
        <button type="button" onClick={props.onCancel}>
          Cancel
        </button>
        <button type="button" class={props.danger ? "danger" : "primary"} disabled={props.busy} onClick={props.onConfirm}>
          {props.action}
        </button>
      </div>
    </dialog>
  );
}

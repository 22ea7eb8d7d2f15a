// A value that views watch.

import { useEffect, useState } from "preact/hooks";

export class Cell<T> {
  private watchers = new Set<() => void>();

  constructor(private held: T) {}

  get value(): T {
    return this.held;
  }

  set(value: T): void {
    if (!Object.is(value, this.held)) {
      this.held = value;
      this.changed();
    }
  }

  /** Tells the watchers that what the value holds has changed. */
  changed(): void {
    for (const watcher of [...this.watchers]) {
      watcher();
    }
  }

  watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }
}

export function useCell<T>(cell: Cell<T>): T {
  const [, redraw] = useState(0);
  useEffect(() => cell.watch(() => redraw((n) => n + 1)), [cell]);
  return cell.value;
}

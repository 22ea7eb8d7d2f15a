// One resource of the API as a view sees it: its last content, and whether that is still true.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, read, tokenNeeded } from "./api";
import { useCell } from "./cell";
import { told } from "./live";

export interface Resource<T> {
  data: T | null;
  error: ApiError | null;
  loading: boolean;
  again: () => void;
}

/** Reads `path` now, every `seconds`, and whenever an event of one of `kinds` comes. `null` reads nothing. */
export function useResource<T>(path: string | null, seconds: number, kinds: string[] = []): Resource<T> {
  const [state, setState] = useState<{ path: string | null; data: T | null; error: ApiError | null }>({
    path,
    data: null,
    error: null,
  });
  const [round, setRound] = useState(0);
  const events = useCell(told);
  const need = useCell(tokenNeeded);
  const news = kinds.map((kind) => events[kind] ?? 0).join(",");
  const again = useCallback(() => setRound((n) => n + 1), []);
  const running = useRef<AbortController | null>(null);

  useEffect(() => {
    if (path === null || need !== "no") {
      return undefined;
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    const aborter = new AbortController();
    running.current = aborter;
    const run = async (): Promise<void> => {
      let wait = seconds;
      try {
        const data = await read<T>(path, aborter.signal);
        setState({ path, data, error: null });
      } catch (problem) {
        if (aborter.signal.aborted) {
          return;
        }
        const error = problem instanceof ApiError ? problem : new ApiError(0, String(problem));
        setState((before) => ({ path, data: before.path === path ? before.data : null, error }));
        wait = error.absent ? Math.max(seconds, 30) : seconds;
      }
      if (!aborter.signal.aborted && seconds > 0) {
        timer = setTimeout(run, wait * 1000);
      }
    };
    void run();
    return () => {
      clearTimeout(timer);
      aborter.abort();
    };
  }, [path, seconds, news, round, need]);

  const current = state.path === path;
  return {
    data: current ? state.data : null,
    error: current ? state.error : null,
    loading: !current || (state.data === null && state.error === null),
    again,
  };
}

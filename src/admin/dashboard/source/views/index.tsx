// Which view an address names.

import type { ComponentChildren } from "preact";
import { OverviewView } from "./overview";

export interface View {
  name: string;
  title: string;
  href: string;
}

/** The views of the navigation, in its order. */
export const VIEWS: View[] = [{ name: "overview", title: "Overview", href: "#/" }];

export function viewAt(hash: string): { name: string; title: string; view: () => ComponentChildren } {
  const [first = ""] = hash.replace(/^#\/?/, "").split("/");
  if (first === "") {
    return { name: "overview", title: "Overview", view: () => <OverviewView /> };
  }
  return {
    name: "none",
    title: "Not found",
    view: () => (
      <p class="standing">
        There is no such view. <a href="#/">Overview</a>
      </p>
    ),
  };
}

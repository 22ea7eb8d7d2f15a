// Which view an address names.

import type { ComponentChildren } from "preact";
import { AlertsView } from "./alerts";
import { ConfigView } from "./config";
import { DemoView } from "./demo";
import { OverviewView } from "./overview";
import { RequestsView, RequestView } from "./requests";
import { RouteView } from "./route";
import { SteeringView } from "./steering";
import { UsageView } from "./usage";

export interface View {
  name: string;
  title: string;
  href: string;
}

export interface Shown {
  /** Which entry of the navigation it belongs to. */
  name: string;
  title: string;
  view: () => ComponentChildren;
}

/** The views of the navigation, in its order. */
export const VIEWS: View[] = [
  { name: "overview", title: "Overview", href: "#/" },
  { name: "requests", title: "Requests", href: "#/requests" },
  { name: "steering", title: "Steering", href: "#/steering" },
  { name: "alerts", title: "Budgets & alerts", href: "#/alerts" },
  { name: "usage", title: "Usage", href: "#/usage" },
  { name: "config", title: "Configuration", href: "#/config" },
  { name: "demo", title: "Demo", href: "#/demo" },
];

/** What `hash` shows; `#/view/rest`. */
export function viewAt(hash: string): Shown {
  const [first = "", rest] = hash.replace(/^#\/?/, "").split("/").map(decoded);
  switch (first) {
    case "":
      return { name: "overview", title: "Overview", view: () => <OverviewView /> };
    case "routes":
      if (rest) {
        return { name: "overview", title: `Route ${rest}`, view: () => <RouteView name={rest} /> };
      }
      break;
    case "requests":
      return rest
        ? { name: "requests", title: `Request ${rest}`, view: () => <RequestView id={rest} /> }
        : { name: "requests", title: "Recent requests", view: () => <RequestsView /> };
    case "steering":
      return { name: "steering", title: "Steering", view: () => <SteeringView route={rest ?? null} /> };
    case "alerts":
      return { name: "alerts", title: "Budgets and alerts", view: () => <AlertsView /> };
    case "usage":
      return { name: "usage", title: "Usage", view: () => <UsageView /> };
    case "config":
      return { name: "config", title: "Configuration", view: () => <ConfigView /> };
    case "demo":
      return { name: "demo", title: "Demo", view: () => <DemoView /> };
  }
  return { name: "none", title: "Not found", view: () => <NotFound /> };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function NotFound() {
  return (
    <>
      <div class="view-head">
        <h1>There is no such view</h1>
      </div>
      <p class="standing">
        <a href="#/">Overview</a>
      </p>
    </>
  );
}

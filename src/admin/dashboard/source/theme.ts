// Light and dark: as the system has it, or as was chosen here. Canvas needs colours as values, so they are read here.

import { Cell } from "./cell";

const KEY = "weighbridge.theme";
export type Choice = "system" | "light" | "dark";

const system = matchMedia("(prefers-color-scheme: dark)");

function kept(): Choice {
  const value = localStorage.getItem(KEY);
  return value === "light" || value === "dark" ? value : "system";
}

function made(choice: Choice): { choice: Choice; dark: boolean } {
  return { choice, dark: choice === "dark" || (choice === "system" && system.matches) };
}

export const theme = new Cell(made(kept()));

function show(): void {
  const root = document.documentElement;
  if (theme.value.choice === "system") {
    delete root.dataset["theme"];
  } else {
    root.dataset["theme"] = theme.value.choice;
  }
}

export function choose(choice: Choice): void {
  if (choice === "system") {
    localStorage.removeItem(KEY);
  } else {
    localStorage.setItem(KEY, choice);
  }
  const next = made(choice);
  theme.set(next);
  show();
}

system.addEventListener("change", () => theme.set(made(theme.value.choice)));
theme.watch(show);
show();

/** The value of one of the style's colours now. */
export function colour(name: string): string {
  const probe = document.createElement("i");
  probe.className = `probe probe-${name}`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

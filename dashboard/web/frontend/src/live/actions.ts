// Buttons that ask the server to do something; what came of it is said beside them.

import { postJson, RefusedError } from "./poll";

export function watchActions(refresh: () => void): void {
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest<HTMLButtonElement>("button[data-post]") : null;
    if (button && button.getAttribute("aria-disabled") !== "true") void act(button, refresh);
  });
}

async function act(button: HTMLButtonElement, refresh: () => void): Promise<void> {
  // Not "disabled": a disabled button loses the focus.
  button.setAttribute("aria-disabled", "true");
  try {
    const answer = await postJson(button.dataset["post"] ?? "", bodyOf(button));
    tell(String(answer["message"] ?? "Done."), "ok");
    refresh();
  } catch (error) {
    tell(error instanceof RefusedError ? error.message : "Cannot reach the server.", "bad");
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

function bodyOf(button: HTMLButtonElement): Record<string, unknown> {
  const kind = button.dataset["kind"];
  if (kind === undefined) return {};
  const seconds = document.querySelector<HTMLSelectElement>("[data-incident-seconds]")?.value ?? "60";
  return { kind, seconds: Number(seconds) };
}

const SHOWN = 10_000;
let fading = 0;

// What went well is soon seen on the page itself; what went wrong stays until the next attempt.
function tell(message: string, level: "ok" | "bad"): void {
  const outcome = document.querySelector<HTMLElement>("[data-outcome]");
  if (!outcome) return;
  outcome.textContent = message;
  outcome.dataset["level"] = level;
  outcome.hidden = false;
  window.clearTimeout(fading);
  if (level === "ok") fading = window.setTimeout(() => (outcome.hidden = true), SHOWN);
}

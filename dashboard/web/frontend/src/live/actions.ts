// Buttons that ask the server to do something; what came of it is said beside them. A button with data-answer="name"
// has its answer shown in the element with data-answer-of="name".

import { apply } from "./bind";
import { postJson, RefusedError } from "./poll";

export function watchActions(refresh: () => void): void {
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest<HTMLButtonElement>("button[data-post]") : null;
    if (button && button.getAttribute("aria-disabled") !== "true") void act(button, refresh);
  });
}

export function watchCopies(): void {
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest<HTMLButtonElement>("button[data-copy]") : null;
    const text = button?.closest("[data-key]")?.querySelector("code")?.textContent;
    if (button && text) void copy(button, text);
  });
}

async function copy(button: HTMLButtonElement, text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    // Pages that came over the network without TLS have no clipboard; the text can be selected.
    button.textContent = "Cannot copy";
  }
}

async function act(button: HTMLButtonElement, refresh: () => void): Promise<void> {
  // Not "disabled": a disabled button loses the focus.
  button.setAttribute("aria-disabled", "true");
  try {
    const answer = await postJson(button.dataset["post"] ?? "", bodyOf(button));
    const place = document.querySelector(`[data-answer-of="${button.dataset["answer"] ?? ""}"]`);
    if (place) apply(place, answer);
    else tell(String(answer["message"] ?? "Done."), "ok");
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

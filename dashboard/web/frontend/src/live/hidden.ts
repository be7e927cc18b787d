// In a tab that nobody sees only the number in its title is kept right, once a minute.

import { showFiring } from "./badge";
import { getJson } from "./poll";

const PACE = 60_000;

export function countWhileHidden(): void {
  let timer = 0;
  document.addEventListener("visibilitychange", () => {
    window.clearInterval(timer);
    if (document.hidden) timer = window.setInterval(() => void count(), PACE);
  });
  if (document.hidden) timer = window.setInterval(() => void count(), PACE);
}

async function count(): Promise<void> {
  const answer = await getJson(document.body.dataset["count"] ?? "").catch(() => null);
  if (answer && typeof answer["firing"] === "number") showFiring(answer["firing"]);
}

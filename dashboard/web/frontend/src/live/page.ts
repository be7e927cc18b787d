// Joins what every page has: polling, updating in place, freshness, filter, keys, choices.

import { watchActions, watchCopies } from "./actions";
import { showFiring } from "./badge";
import { apply, type Fields } from "./bind";
import { watchChoices } from "./choices";
import { runFilters, watchFilters } from "./filter";
import { Freshness } from "./freshness";
import { countWhileHidden } from "./hidden";
import { listenToKeys } from "./keys";
import { PACE, Poller } from "./poll";

export interface PageParts {
  /** Adds to the address that is polled. */
  query?: () => string;
  /** Milliseconds between two questions; 0 asks only when told to. */
  pace?: () => number;
  onAnswer?: (answer: Fields) => void;
}

export function startPage(parts: PageParts = {}): Poller | null {
  document.documentElement.dataset["scripts"] = "on";
  watchChoices();
  listenToKeys();
  watchFilters();
  watchCopies();
  countWhileHidden();
  const live = document.body.dataset["live"];
  const main = document.querySelector("main");
  if (!live || !main) return null;
  const pace = parts.pace ?? (() => PACE);
  const freshness = new Freshness(() => poller.now(), pace);
  const poller = new Poller({
    address: () => live + (parts.query?.() ?? ""),
    pace,
    onAnswer: (answer) => {
      freshness.answered();
      apply(main, answer);
      if (typeof answer["firing"] === "number") showFiring(answer["firing"]);
      runFilters();
      parts.onAnswer?.(answer);
    },
    onFailure: (reason, waiting) => freshness.refused(reason, waiting),
  });
  watchActions(() => poller.now());
  poller.start();
  return poller;
}

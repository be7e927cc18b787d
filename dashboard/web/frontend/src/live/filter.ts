// The filter box: hides what does not match as one types. It is run again after each update of the page.

import { matches } from "../lib/filter";

export function watchFilters(): void {
  for (const input of document.querySelectorAll<HTMLInputElement>("[data-filter]")) {
    input.addEventListener("input", () => {
      runFilters();
      if (input.value.trim()) unfold();
      keepInAddress(input.value.trim());
    });
    input.form?.addEventListener("submit", (event) => event.preventDefault());
  }
  runFilters();
}

export function runFilters(): void {
  for (const input of document.querySelectorAll<HTMLInputElement>("[data-filter]")) filterBy(input);
}

function filterBy(input: HTMLInputElement): void {
  const name = input.dataset["filter"] ?? "";
  let all = 0;
  let shown = 0;
  for (const item of document.querySelectorAll(`[data-filtered="${name}"] [data-search]`)) {
    const fits = matches(item.getAttribute("data-search") ?? "", input.value);
    item.classList.toggle("filtered-out", !fits);
    all += 1;
    if (fits) shown += 1;
  }
  document.querySelector(`[data-empty="${name}"]`)?.toggleAttribute("hidden", all === 0 || shown > 0);
  const amount = document.querySelector(`[data-filter-shown="${name}"]`);
  if (amount) amount.textContent = shown === all ? "" : `${shown} of `;
}

function keepInAddress(text: string): void {
  const address = new URL(location.href);
  if (text) address.searchParams.set("q", text);
  else address.searchParams.delete("q");
  history.replaceState(history.state, "", address);
  for (const link of document.querySelectorAll<HTMLAnchorElement>("a[data-keeps-filter]")) {
    const target = new URL(link.href);
    if (text) target.searchParams.set("q", text);
    else target.searchParams.delete("q");
    link.href = target.pathname + target.search;
  }
}

// What is folded away would look as if nothing in it matched.
function unfold(): void {
  for (const details of document.querySelectorAll<HTMLDetailsElement>("details[data-unfold]")) details.open = true;
}

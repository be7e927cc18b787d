// The keyboard: "/" goes to the filter, "g" and a letter to a page, "?" to the help.

const PAGES: Readonly<Record<string, string>> = { o: "/", a: "/alerts", t: "/targets", u: "/gpu", e: "/explore", s: "/status" };
const SECOND_KEY_WITHIN = 1500;

export function listenToKeys(): void {
  let goUntil = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (isTyping(event.target)) {
      if (event.key === "Escape") leaveFilter(event.target as HTMLInputElement);
      return;
    }
    const page = PAGES[event.key];
    if (page !== undefined && performance.now() < goUntil) location.assign(page);
    goUntil = event.key === "g" ? performance.now() + SECOND_KEY_WITHIN : 0;
    if (event.key === "/" && focusFilter()) event.preventDefault();
    if (event.key === "?") openHelp();
  });
  document.querySelector("[data-help-open]")?.addEventListener("click", openHelp);
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

function leaveFilter(input: HTMLInputElement): void {
  if (!input.matches("[data-focus-key]")) return;
  // A query is not lost so easily.
  if (input.type === "search") {
    input.value = "";
    input.dispatchEvent(new Event("input"));
  }
  input.blur();
}

function focusFilter(): boolean {
  const input = document.querySelector<HTMLInputElement>("[data-focus-key]");
  input?.focus();
  input?.select();
  return input !== null;
}

function openHelp(): void {
  const dialog = document.querySelector<HTMLDialogElement>("[data-help]");
  if (dialog && !dialog.open) dialog.showModal();
}

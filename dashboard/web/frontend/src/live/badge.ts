// The number of firing alerts in the tab's title, in its icon and in the bar.

export function showFiring(firing: number): void {
  const title = document.body.dataset["title"] ?? "";
  const wanted = `${firing ? `(${firing}) ` : ""}${title} · Glass Cockpit`;
  if (document.title !== wanted) document.title = wanted;
  const icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
  const address = `/favicon.svg?firing=${firing}`;
  if (icon && icon.getAttribute("href") !== address) icon.setAttribute("href", address);
  document.querySelector("[data-firing]")?.toggleAttribute("hidden", firing === 0);
  const number = document.querySelector("[data-firing-number]");
  if (number) number.textContent = String(firing);
}

// A page with charts: asks for the figures of the panels that are in sight, and hands them to those.

import type { Fields } from "../live/bind";
import { startPage } from "../live/page";
import type { Poller } from "../live/poll";
import type { Chart } from "./data";
import { PanelChart } from "./panel";

const SOON = 60;

export class ChartsPage {
  private readonly panels = new Map<Element, PanelChart>();
  private readonly inSight = new Set<Element>();
  private readonly observer = new IntersectionObserver((entries) => this.look(entries), { rootMargin: "250px" });
  private poller: Poller | null = null;
  private timer = 0;

  start(): void {
    this.poller = startPage({ query: () => this.query(), onAnswer: (answer) => this.show(answer) });
    this.observe();
    this.watchRange();
    const redraw = (): void => this.panels.forEach((panel) => panel.redraw());
    document.addEventListener("themechange", redraw);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  }

  private observe(): void {
    for (const panel of document.querySelectorAll<HTMLElement>("[data-panel]")) {
      if (this.panels.has(panel)) continue;
      this.panels.set(panel, new PanelChart(panel));
      this.observer.observe(panel);
    }
    for (const [element, panel] of this.panels) if (!element.isConnected) this.forget(element, panel);
  }

  private forget(element: Element, panel: PanelChart): void {
    panel.destroy();
    this.observer.unobserve(element);
    this.panels.delete(element);
    this.inSight.delete(element);
  }

  private look(entries: readonly IntersectionObserverEntry[]): void {
    let more = false;
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting && !this.inSight.has(target)) more = true;
      if (isIntersecting) this.inSight.add(target);
      else this.inSight.delete(target);
    }
    if (more) this.askSoon();
  }

  private askSoon(): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.poller?.now(), SOON);
  }

  private query(): string {
    const query = new URLSearchParams({ range: chosenRange() });
    for (const panel of this.inSight) query.append("chart", panel.getAttribute("data-panel") ?? "");
    return `?${query}`;
  }

  private show(answer: Fields): void {
    this.observe();
    const charts = answer["charts"] as unknown as Readonly<Record<string, Chart>>;
    for (const [element, panel] of this.panels) {
      const chart = charts[element.getAttribute("data-panel") ?? ""];
      if (chart) panel.show(chart);
    }
  }

  private watchRange(): void {
    document.addEventListener("click", (event) => {
      const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>("[data-range]") : null;
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      history.pushState(null, "", link.href);
      this.markRange();
    });
    window.addEventListener("popstate", () => this.markRange());
  }

  private markRange(): void {
    const range = chosenRange();
    for (const link of document.querySelectorAll<HTMLElement>("[data-range]")) {
      if (link.dataset["range"] === range) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    this.poller?.now();
  }
}

// Each page has a range of its own for an address that names none.
function chosenRange(): string {
  const named = new URL(location.href).searchParams.get("range");
  return named ?? document.querySelector<HTMLElement>("[data-default-range]")?.dataset["defaultRange"] ?? "";
}

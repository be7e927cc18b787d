// The page of a query: the form and the address say the same, and the answer follows them.

import { PanelChart } from "../charts/panel";
import type { Chart } from "../charts/data";
import type { Fields } from "../live/bind";
import { startPage } from "../live/page";
import { getJson, type Poller } from "../live/poll";
import { fieldOf, paceOf, queryOf } from "./state";

const FIELDS = ["expr", "tab", "range", "end", "refresh"];

export class ExplorePage {
  private readonly form = found<HTMLFormElement>("[data-query]");
  private readonly expr = found<HTMLTextAreaElement>("#expr");
  private readonly chart = new PanelChart(found<HTMLElement>("[data-panel]"));
  private poller: Poller | null = null;

  start(): void {
    this.poller = startPage({
      query: () => location.search,
      pace: () => paceOf(location.search),
      onAnswer: (answer) => this.show(answer),
    });
    this.form.addEventListener("submit", (event) => this.run(event));
    this.form.addEventListener("change", (event) => event.target instanceof HTMLSelectElement && this.run(event));
    this.expr.addEventListener("keydown", (event) => this.press(event));
    this.expr.addEventListener("input", () => this.fit());
    found("[data-tabs]").addEventListener("click", (event) => this.turn(event));
    window.addEventListener("popstate", () => this.follow());
    this.offerFormat();
    this.watchColors();
    this.fit();
    // What was served is drawn; its figures are asked for.
    if (this.tab() === "graph" && this.expr.value.trim()) this.poller?.now();
    if (!this.expr.value) this.expr.focus();
  }

  private run(event: Event): void {
    event.preventDefault();
    const fields = [...new FormData(this.form)].map(([name, value]) => [name, String(value)] as const);
    this.go(queryOf(fields));
  }

  /** Goes to an address of this page, and asks what it asks. */
  private go(query: string): void {
    if (query !== location.search) history.pushState(null, "", location.pathname + query);
    this.mark();
    this.poller?.now();
  }

  private follow(): void {
    for (const name of FIELDS) {
      const field = this.form.elements.namedItem(name);
      if (field instanceof HTMLElement && "value" in field) field.value = fieldOf(location.search, name);
    }
    this.fit();
    this.mark();
    this.poller?.now();
  }

  private press(event: KeyboardEvent): void {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.form.requestSubmit();
  }

  private turn(event: Event): void {
    const link = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-tab]") : null;
    if (!link || !(event instanceof MouseEvent) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.setTab(link.dataset["tab"] ?? "");
    this.form.requestSubmit();
  }

  private tab(): string {
    return fieldOf(location.search, "tab");
  }

  private setTab(tab: string): void {
    const field = this.form.elements.namedItem("tab");
    if (field instanceof HTMLInputElement) field.value = tab;
  }

  private mark(): void {
    const tab = this.tab();
    for (const link of document.querySelectorAll<HTMLElement>("[data-tab]")) {
      if (link.dataset["tab"] === tab) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    for (const part of document.querySelectorAll<HTMLElement>("[data-of-tab]")) part.hidden = part.dataset["ofTab"] !== tab;
  }

  private show(answer: Fields): void {
    this.form.toggleAttribute("data-wrong", Boolean(answer["error"]));
    this.expr.setAttribute("aria-invalid", String(Boolean(answer["error"])));
    const charts = answer["charts"] as unknown as Readonly<Record<string, Chart>>;
    const chart = charts["explore"];
    if (chart && this.tab() === "graph") this.chart.show(chart);
  }

  /** Gives the query as many lines as it has. */
  private fit(): void {
    this.expr.style.height = "auto";
    this.expr.style.height = `${this.expr.scrollHeight + 2}px`;
  }

  private offerFormat(): void {
    const button = found<HTMLButtonElement>("[data-format]");
    button.hidden = false;
    button.addEventListener("click", () => void this.format());
  }

  private async format(): Promise<void> {
    const query = new URLSearchParams({ query: this.expr.value });
    try {
      this.expr.value = String((await getJson(`/api/v1/format_query?${query}`))["data"]);
      this.fit();
    } catch {
      // What is wrong with the query is said once it is run.
      this.form.requestSubmit();
    }
  }

  private watchColors(): void {
    const redraw = (): void => this.chart.redraw();
    document.addEventListener("themechange", redraw);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  }
}

function found<Kind extends Element = HTMLElement>(selector: string): Kind {
  const element = document.querySelector<Kind>(selector);
  if (!element) throw new Error(`the page has no ${selector}`);
  return element;
}

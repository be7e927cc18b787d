// One panel: draws its figures, shows the values under the cursor in its legend, hides lines on request.

import uPlot from "uplot";
import { apply, type Fields } from "../live/bind";
import { withUnit } from "../lib/format";
import { clock, optionsOf, type Colors } from "./options";
import { dataOf, shapeOf, timesOf, type Chart } from "./data";

export class PanelChart {
  private plot: uPlot | null = null;
  private shape = "";
  private chart: Chart | null = null;
  private readonly hidden = new Set<string>();
  private readonly place: HTMLElement;
  private readonly time = document.createElement("output");
  private readonly sizes = new ResizeObserver(() => this.resize());

  constructor(private readonly panel: HTMLElement) {
    this.place = panel.querySelector<HTMLElement>("[data-chart]") ?? panel;
    this.time.className = "chart-time";
    this.place.append(this.time);
    this.sizes.observe(this.place);
    panel.addEventListener("click", (event) => this.toggle(event));
  }

  show(chart: Chart): void {
    this.chart = chart;
    apply(this.panel, chart as unknown as Fields);
    const shape = shapeOf(chart);
    if (this.plot && shape === this.shape) this.plot.setData(dataOf(chart));
    else this.redraw();
    this.shape = shape;
  }

  /** Draws all anew, as after a change of colours. */
  redraw(): void {
    const chart = this.chart;
    if (!chart) return;
    this.clear();
    this.place.querySelector(".still")?.remove();
    if (this.place.clientWidth === 0) return;
    const options = optionsOf(
      chart,
      {
        unit: this.panel.dataset["unit"] ?? "",
        width: this.place.clientWidth,
        height: this.place.clientHeight,
        onCursor: (at) => this.tell(at),
      },
      this.colors(chart),
    );
    this.plot = new uPlot(options, dataOf(chart), this.place);
    chart.series.forEach((series, place) => {
      if (this.hidden.has(series.id)) this.plot?.setSeries(place + 1, { show: false });
    });
  }

  /** Lets go of all that outlives the panel's element: plots know each other by their shared cursor. */
  destroy(): void {
    this.sizes.disconnect();
    this.clear();
  }

  private clear(): void {
    this.plot?.destroy();
    this.plot = null;
  }

  private resize(): void {
    const [width, height] = [this.place.clientWidth, this.place.clientHeight];
    if (width === 0) return;
    if (!this.plot) this.redraw();
    else if (this.plot.width !== width || this.plot.height !== height) this.plot.setSize({ width, height });
  }

  private toggle(event: Event): void {
    const button = event.target instanceof Element ? event.target.closest("[data-series]") : null;
    const id = button?.parentElement?.getAttribute("data-key");
    const place = this.chart?.series.findIndex((series) => series.id === id) ?? -1;
    if (!button || !id || place < 0) return;
    const show = this.hidden.has(id);
    if (show) this.hidden.delete(id);
    else this.hidden.add(id);
    button.setAttribute("aria-pressed", String(show));
    this.plot?.setSeries(place + 1, { show });
  }

  private tell(at: number | null): void {
    const chart = this.chart;
    if (!chart) return;
    const seconds = at === null ? undefined : timesOf(chart)[at];
    this.time.textContent = seconds === undefined ? "" : clock(seconds);
    const unit = this.panel.dataset["unit"] ?? "";
    this.legend().forEach((value, place) => {
      const series = chart.series[place];
      const under = at === null ? undefined : series?.values[at];
      if (series) value.textContent = at === null ? series.last : under == null ? "–" : withUnit(under, unit);
    });
  }

  private legend(): Element[] {
    return [...this.panel.querySelectorAll('[data-list="series"] > [data-key] [data-text="last"]')];
  }

  // A canvas knows no custom properties: the legend's buttons wear the colours, resolved by the browser.
  private colors(chart: Chart): Colors {
    const buttons = [...this.panel.querySelectorAll("[data-series]")];
    const style = getComputedStyle(this.time);
    return {
      text: style.color,
      grid: style.borderTopColor,
      ground: style.backgroundColor,
      lines: chart.series.map((_, place) => (buttons[place] ? getComputedStyle(buttons[place]).color : style.color)),
    };
  }
}

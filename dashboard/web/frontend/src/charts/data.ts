// What the server tells of a panel, as uPlot takes it: pure functions.

import type { AlignedData } from "uplot";

export interface Series {
  readonly id: string;
  readonly name: string;
  readonly last: string;
  readonly color_class: string;
  readonly values: readonly (number | null)[];
}

export interface Chart {
  readonly id: string;
  readonly start: number;
  readonly step: number;
  readonly count: number;
  readonly series: readonly Series[];
  readonly note: string;
}

// uPlot's time is in seconds.
export function timesOf(chart: Chart): number[] {
  return Array.from({ length: chart.count }, (_, place) => (chart.start + place * chart.step) / 1000);
}

export function dataOf(chart: Chart): AlignedData {
  return [timesOf(chart), ...chart.series.map((series) => series.values as (number | null)[])];
}

// Charts of which this differs must be made anew; otherwise new figures suffice.
export function shapeOf(chart: Chart): string {
  return JSON.stringify(chart.series.map((series) => [series.id, series.color_class]));
}

// The scale of values starts at zero unless something is below it, and is never without height.
export function rangeOf(least: number | null, greatest: number | null): [number, number] {
  const low = Math.min(0, least ?? 0);
  const high = Math.max(0, greatest ?? 0);
  return high === low ? [low, low + 1] : [low < 0 ? low * 1.08 : 0, high * 1.08];
}

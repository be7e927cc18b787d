// How a chart looks, as uPlot takes it: pure functions of the panel and the page's colours.

import type uPlot from "uplot";
import { withUnit } from "../lib/format";
import { rangeOf, type Chart } from "./data";

export interface Colors {
  readonly text: string;
  readonly grid: string;
  readonly ground: string;
  readonly lines: readonly string[];
}

export interface Frame {
  readonly unit: string;
  readonly width: number;
  readonly height: number;
  readonly onCursor: (place: number | null) => void;
}

const FONT = "11px system-ui, sans-serif";

export function optionsOf(chart: Chart, frame: Frame, colors: Colors): uPlot.Options {
  return {
    width: frame.width,
    height: frame.height,
    padding: [8, 20, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: false, y: false },
      sync: { key: "app", setSeries: false },
      points: { size: 6, fill: (u, place) => strokeOf(u, place), stroke: () => colors.ground },
    },
    scales: { y: { range: (_, least, greatest) => rangeOf(least, greatest) } },
    axes: [timeAxis(colors), valueAxis(frame.unit, colors)],
    series: [{}, ...chart.series.map((series, place) => lineOf(series.name, colors.lines[place] ?? colors.text, chart))],
    hooks: { setCursor: [(u) => frame.onCursor(u.cursor.idx ?? null)] },
  };
}

function strokeOf(u: uPlot, place: number): string {
  const stroke = u.series[place]?.stroke;
  return typeof stroke === "function" ? String(stroke(u, place)) : String(stroke);
}

function timeAxis(colors: Colors): uPlot.Axis {
  return {
    stroke: colors.text,
    font: FONT,
    size: 24,
    gap: 4,
    grid: { show: false },
    ticks: { stroke: colors.grid, width: 1, size: 4 },
    values: (_, splits) => splits.map(clock),
  };
}

export function clock(seconds: number): string {
  const time = new Date(seconds * 1000);
  const two = (part: number): string => String(part).padStart(2, "0");
  return `${two(time.getHours())}:${two(time.getMinutes())}`;
}

function valueAxis(unit: string, colors: Colors): uPlot.Axis {
  return {
    stroke: colors.text,
    font: FONT,
    size: 62,
    gap: 5,
    space: 32,
    grid: { stroke: colors.grid, width: 1 },
    ticks: { show: false },
    values: (_, splits) => splits.map((value) => withUnit(value, unit)),
  };
}

function lineOf(label: string, stroke: string, chart: Chart): uPlot.Series {
  const alone = chart.series.length === 1;
  const fill = alone ? { fill: faint(stroke) } : {};
  return { label, stroke, width: 1.5, points: { show: false }, spanGaps: false, ...fill };
}

// Browsers resolve colours to "rgb(r, g, b)".
export function faint(color: string): string {
  const parts = /^rgb\(([^)]*)\)$/.exec(color);
  return parts ? `rgba(${parts[1]}, 0.12)` : "transparent";
}

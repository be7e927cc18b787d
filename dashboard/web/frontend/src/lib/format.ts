// Figures as people read them; the same rules as in views/text.py, for what only a script can know.

const AGES: readonly [number, string][] = [
  [86_400, "d"],
  [3600, "h"],
  [60, "min"],
];

export function age(milliseconds: number): string {
  const whole = Math.floor(Math.max(0, milliseconds) / 1000);
  for (const [length, unit] of AGES) if (whole >= length) return `${Math.floor(whole / length)} ${unit}`;
  return `${whole} s`;
}

export function digits(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && size < 0.001) return size < 0.0001 ? value.toExponential(0) : value.toPrecision(1);
  const text = value.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.1 ? 2 : 3);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

function scaled(value: number, base: number, units: readonly string[], gap: string): string {
  if (Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  let power = 0;
  let rest = value;
  while (Math.abs(rest) >= base * 0.9995 && power < units.length - 1) {
    rest /= base;
    power += 1;
  }
  return units[power] ? `${digits(rest)}${gap}${units[power]}` : digits(rest);
}

export function number(value: number): string {
  return scaled(value, 1000, ["", "k", "M", "G", "T", "P"], "");
}

export function size(value: number): string {
  return scaled(value, 1024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB"], " ");
}

export function percent(ratio: number): string {
  if (!Number.isFinite(ratio)) return "–";
  const value = ratio * 100;
  if (value > 99 && value < 100) return `${(Math.floor(value * 100) / 100).toFixed(2)} %`;
  return value >= 0.01 || value === 0 ? `${digits(value)} %` : "<0.01 %";
}

export function seconds(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const length = Math.abs(value);
  if (length === 0) return "0 s";
  if (length < 1e-3) return `${digits(value * 1e6)} µs`;
  if (length < 1) return `${digits(value * 1e3)} ms`;
  if (length < 90) return `${digits(value)} s`;
  if (length < 5400) return `${digits(value / 60)} min`;
  return length < 172_800 ? `${digits(value / 3600)} h` : `${digits(value / 86_400)} d`;
}

// The names are those that the server gives a panel's unit.
export function withUnit(value: number, unit: string): string {
  switch (unit) {
    case "seconds":
      return seconds(value);
    case "bytes":
      return size(value);
    case "bytes/s":
      return `${size(value)}/s`;
    case "ratio":
      return percent(value);
    case "celsius":
      return `${number(value)} °C`;
    case "watts":
      return `${number(value)} W`;
    case "per second":
      return `${number(value)}/s`;
    default:
      return number(value);
  }
}

// What the page asks for, as the address says it: pure functions.

const PACES: Readonly<Record<string, number>> = { "5s": 5000, "15s": 15_000, "1m": 60_000, "5m": 300_000 };
const DEFAULTS: Readonly<Record<string, string>> = { range: "1h", refresh: "off" };

/** The fields of a form as they stand in addresses: without those that have their default. */
export function queryOf(fields: Iterable<readonly [string, string]>): string {
  const query = new URLSearchParams();
  for (const [name, value] of fields) {
    const told = value.trim();
    if (told && told !== DEFAULTS[name]) query.set(name, told);
  }
  const text = query.toString();
  return text ? `?${text}` : "";
}

export function fieldOf(query: string, name: string): string {
  return new URLSearchParams(query).get(name) ?? DEFAULTS[name] ?? "";
}

/** Milliseconds between two questions, 0 for none. */
export function paceOf(query: string): number {
  return PACES[fieldOf(query, "refresh")] ?? 0;
}

// What this browser keeps between visits; entries/boot.ts reads it. Storage may be forbidden; then nothing is kept.

export function keep(name: string, value: string): void {
  try {
    localStorage.setItem(`glass-cockpit.${name}`, value);
  } catch {
    // A private window may refuse; the choice then holds for this page only.
  }
}

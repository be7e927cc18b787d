// Asks the server again and again: at a steady pace while all is well, ever more rarely while it does not answer,
// not at all while nobody looks, and at once when somebody looks again or the network comes back. A page may also ask
// only when it is told to.

import { waitAfter } from "../lib/backoff";
import type { Fields } from "./bind";

export const PACE = 5000;
const PATIENCE = 10_000;

export interface PollEvents {
  address(): string;
  /** Milliseconds between two questions; 0 asks only when told to. */
  pace(): number;
  onAnswer(answer: Fields): void;
  onFailure(reason: string, waiting: number): void;
}

export class Poller {
  private failures = 0;
  private timer = 0;
  private current: AbortController | null = null;

  constructor(private readonly events: PollEvents) {
    document.addEventListener("visibilitychange", () => (document.hidden ? this.rest() : this.again()));
    window.addEventListener("online", () => this.again());
    window.addEventListener("pageshow", (event) => event.persisted && this.again());
  }

  start(): void {
    if (!document.hidden) this.waitForNext();
  }

  /** Asks at once; an answer to an older question is not waited for. */
  now(): void {
    this.rest();
    if (!document.hidden) void this.ask();
  }

  /** Asks at once if what is there should be new, or could not be had. */
  private again(): void {
    if (this.events.pace() > 0 || this.failures > 0) this.now();
  }

  private rest(): void {
    window.clearTimeout(this.timer);
    this.current?.abort();
    this.current = null;
  }

  private waitForNext(): void {
    const pace = this.events.pace();
    if (pace > 0) this.wait(pace);
  }

  private wait(milliseconds: number): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.ask(), milliseconds);
  }

  private async ask(): Promise<void> {
    const attempt = new AbortController();
    this.current = attempt;
    const deadline = window.setTimeout(() => attempt.abort("late"), PATIENCE);
    try {
      const answer = await getJson(this.events.address(), attempt.signal);
      if (this.current !== attempt) return;
      this.failures = 0;
      this.events.onAnswer(answer);
      this.waitForNext();
    } catch (error) {
      if (this.current !== attempt) return;
      this.failures += 1;
      const waiting = waitAfter(this.failures, this.events.pace() || PACE);
      this.events.onFailure(reasonOf(error, attempt.signal), waiting);
      this.wait(waiting);
    } finally {
      window.clearTimeout(deadline);
    }
  }
}

export class RefusedError extends Error {}

export async function getJson(address: string, signal?: AbortSignal): Promise<Fields> {
  const init: RequestInit = { headers: { Accept: "application/json" }, cache: "no-store" };
  const response = await fetch(address, signal ? { ...init, signal } : init);
  return unwrap(response);
}

export async function postJson(address: string, body: unknown): Promise<Fields> {
  const headers = { Accept: "application/json", "Content-Type": "application/json" };
  const response = await fetch(address, { method: "POST", headers, body: JSON.stringify(body) });
  return unwrap(response);
}

async function unwrap(response: Response): Promise<Fields> {
  if (response.ok) return (await response.json()) as Fields;
  const answer = (await response.json().catch(() => ({}))) as Fields;
  throw new RefusedError(String(answer["detail"] ?? `status ${response.status}`));
}

function reasonOf(error: unknown, signal: AbortSignal): string {
  if (error instanceof RefusedError) return `The server answers with an error: ${error.message}.`;
  return signal.aborted ? "The server does not answer in time." : "Cannot reach the server.";
}

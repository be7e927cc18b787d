// Says how old what is on the screen is: a mark in the bar while all is well, a banner when the server is out of reach.

import { age } from "../lib/format";

const PACES_UNTIL_OLD = 3;

export class Freshness {
  private at = Date.now();
  private failed = false;
  private nextTry = 0;
  private readonly banner = document.querySelector<HTMLElement>("[data-banner]");
  private readonly text = document.querySelector("[data-banner-text]");
  private readonly ageText = document.querySelector("[data-banner-age]");
  private readonly pulse = document.querySelector<HTMLElement>("[data-pulse]");
  private readonly pulseText = document.querySelector("[data-pulse-text]");

  constructor(
    retry: () => void,
    private readonly pace: () => number,
  ) {
    document.querySelector("[data-banner-retry]")?.addEventListener("click", retry);
    window.setInterval(() => this.show(), 1000);
    this.show();
  }

  answered(): void {
    this.at = Date.now();
    this.failed = false;
    this.show();
  }

  refused(reason: string, waiting: number): void {
    this.failed = true;
    this.nextTry = Date.now() + waiting;
    if (this.text && this.text.textContent !== reason) this.text.textContent = reason;
    this.show();
  }

  private show(): void {
    if (document.hidden) return;
    const now = Date.now();
    const pace = this.pace();
    const old = this.failed || (pace > 0 && now - this.at > PACES_UNTIL_OLD * pace);
    document.body.toggleAttribute("data-old", old);
    this.banner?.toggleAttribute("hidden", !this.failed);
    this.pulse?.setAttribute("data-state", old ? "old" : pace > 0 ? "live" : "still");
    if (this.pulseText) this.pulseText.textContent = old ? `${age(now - this.at)} old` : pace > 0 ? "live" : "still";
    if (this.failed && this.ageText) this.ageText.textContent = this.story(now);
  }

  private story(now: number): string {
    const clock = new Date(this.at).toTimeString().slice(0, 8);
    const next = Math.max(0, Math.ceil((this.nextTry - now) / 1000));
    return `What you see is ${age(now - this.at)} old (${clock}). ${next ? `Next try in ${next} s.` : "Trying …"}`;
  }
}

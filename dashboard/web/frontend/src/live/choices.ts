// What the reader has chosen and this browser keeps: the colours and the layout of the list of apps.

import { keep } from "../lib/kept";

const THEMES = ["auto", "light", "dark"] as const;
const NAMES = { auto: "as the system", light: "light", dark: "dark" } as const;

export function watchChoices(): void {
  watchTheme();
  watchLayout();
}

function watchTheme(): void {
  const button = document.querySelector<HTMLButtonElement>("[data-theme-toggle]");
  const root = document.documentElement;
  const tell = (): void => {
    const theme = (root.dataset["theme"] ?? "auto") as (typeof THEMES)[number];
    button?.setAttribute("aria-label", `Colours: ${NAMES[theme]}. Change`);
    button?.setAttribute("title", `Colours: ${NAMES[theme]}`);
  };
  button?.addEventListener("click", () => {
    const current = THEMES.indexOf((root.dataset["theme"] ?? "auto") as (typeof THEMES)[number]);
    const next = THEMES[(current + 1) % THEMES.length] ?? "auto";
    root.dataset["theme"] = next;
    keep("theme", next);
    tell();
    document.dispatchEvent(new Event("themechange"));
  });
  tell();
}

function watchLayout(): void {
  const buttons = document.querySelectorAll<HTMLButtonElement>("[data-layout-choice]");
  const root = document.documentElement;
  const many = document.querySelectorAll("#apps > [data-key]").length > 30;
  root.dataset["layout"] ??= many ? "list" : "cards";
  const show = (): void => {
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(button.dataset["layoutChoice"] === root.dataset["layout"]));
    }
  };
  for (const button of buttons) {
    button.addEventListener("click", () => {
      root.dataset["layout"] = button.dataset["layoutChoice"] ?? "cards";
      keep("layout", root.dataset["layout"]);
      show();
    });
  }
  show();
}

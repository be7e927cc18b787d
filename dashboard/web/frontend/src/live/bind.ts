// Writes a record into the page that the server has rendered: in place, as text, never as markup.
//
// The markup says where a field belongs, and this is the whole contract:
//   data-text="field"            the element's text
//   data-attr="name:field ..."   attributes, of a short list of harmless ones; an empty value takes one away
//   data-link="field"            href, for http, https and our own paths only
//   data-show="field" / "!field" whether the element shows
//   data-with="field"            the element and all in it take their fields from that record
//   data-list="field"            a list; its <template> holds the markup of one item, which carries data-key
// A field that the record does not have is left as it is.

import { placeInOrder } from "./order";

export type Value = string | number | boolean | null | Fields | readonly Fields[];
export interface Fields {
  readonly [name: string]: Value | undefined;
}

const ATTRIBUTES = /^(?:data-[a-z-]+|aria-label|class|d|width)$/;

export function apply(root: Element, outer: Fields): void {
  const record = recordOf(root, outer);
  write(root, record);
  const list = root.getAttribute("data-list");
  if (list !== null) {
    const items = record[list];
    if (Array.isArray(items)) fill(root, items as readonly Fields[]);
    return;
  }
  for (const child of root.children) apply(child, record);
}

function recordOf(element: Element, record: Fields): Fields {
  const name = element.getAttribute("data-with");
  const inner = name === null ? undefined : record[name];
  return typeof inner === "object" && inner !== null && !Array.isArray(inner) ? (inner as Fields) : record;
}

function write(element: Element, record: Fields): void {
  const data = element instanceof HTMLElement || element instanceof SVGElement ? element.dataset : {};
  if (data["text"] !== undefined) writeText(element, record[data["text"]]);
  if (data["attr"] !== undefined) writeAttributes(element, data["attr"], record);
  if (data["link"] !== undefined) writeLink(element, record[data["link"]]);
  if (data["show"] !== undefined) writeShown(element, data["show"], record);
}

function writeText(element: Element, value: Value | undefined): void {
  if (value === undefined) return;
  const text = String(value ?? "");
  if (element.textContent !== text) element.textContent = text;
}

function writeAttributes(element: Element, pairs: string, record: Fields): void {
  for (const pair of pairs.split(" ")) {
    const [name = "", field = ""] = pair.split(":");
    const value = record[field];
    if (value === undefined || !ATTRIBUTES.test(name)) continue;
    const text = String(value ?? "");
    if (text === "") element.removeAttribute(name);
    else if (element.getAttribute(name) !== text) element.setAttribute(name, text);
  }
}

function writeLink(element: Element, value: Value | undefined): void {
  if (value === undefined) return;
  const address = safeLink(String(value ?? ""));
  if (address === "") element.removeAttribute("href");
  else if (element.getAttribute("href") !== address) element.setAttribute("href", address);
}

// The server checks this too; a page must not depend on that.
export function safeLink(address: string): string {
  if (/[\u0000- \\]/.test(address)) return "";
  return /^(?:https?:\/\/[^/]|\/(?!\/))/i.test(address) ? address : "";
}

function writeShown(element: Element, rule: string, record: Fields): void {
  const negated = rule.startsWith("!");
  const value = record[negated ? rule.slice(1) : rule];
  if (value === undefined) return;
  const there = Array.isArray(value) ? value.length > 0 : Boolean(value);
  element.toggleAttribute("hidden", there === negated);
}

function fill(list: Element, items: readonly Fields[]): void {
  const template = list.querySelector<HTMLTemplateElement>(":scope > template");
  const present = new Map<string, Element>();
  for (const child of list.children) {
    const key = child.getAttribute("data-key");
    if (key !== null) present.set(key, child);
  }
  const wanted = new Set<Element>();
  for (const item of items) {
    const key = String(item["id"] ?? item["name"] ?? "");
    const element = present.get(key) ?? copyOf(template, key);
    if (!element) continue;
    present.delete(key);
    apply(element, item);
    wanted.add(element);
  }
  // Not what is left of the map: of several elements with one key it knows only the last.
  for (const child of [...list.children]) if (child.hasAttribute("data-key") && !wanted.has(child)) child.remove();
  placeInOrder(list, [...wanted], template);
}

function copyOf(template: HTMLTemplateElement | null, key: string): Element | undefined {
  const element = template?.content.firstElementChild?.cloneNode(true) as Element | undefined;
  element?.setAttribute("data-key", key);
  return element;
}

/** Elements without HTML: what others wrote is text, whatever it looks like. */

type Value = string | number | boolean | null | undefined | ((event: never) => void);
type Child = Node | string | null | undefined | false;

/** An element with attributes (`on…`: listeners; true: present; false, null: not) and children. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Record<string, Value> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) set(made, name, value);
  made.append(...children.filter((child): child is Node | string => !!child));
  return made;
}

export function set(element: Element, name: string, value: Value): void {
  if (typeof value === "function") element.addEventListener(name.slice(2), value as EventListener);
  else if (value === false || value === null || value === undefined) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : String(value));
}

/** Makes these the children, in this order, and leaves alone what is in its place: focus stays where it is. */
export function arrange(parent: ParentNode & Node, children: readonly Node[]): void {
  const wanted = new Set(children);
  for (const child of [...parent.childNodes]) if (!wanted.has(child)) child.remove();
  children.forEach((child, at) => {
    if (parent.childNodes[at] !== child) parent.insertBefore(child, parent.childNodes[at] ?? null);
  });
}

const SVG = "http://www.w3.org/2000/svg";
const PATHS = {
  bell: "M12 3a6 6 0 0 0-6 6c0 5-2 6.500-2 8h16c0-1.500-2-3-2-8a6 6 0 0 0-6-6zM10 20a2 2 0 0 0 4 0",
  close: "M6 6l12 12M18 6L6 18",
  back: "M15 5l-7 7 7 7",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.500v5M9 14.500v5",
  check: "M5 12.500l4.500 4.500L19 7.500",
  checks: "M2.500 12.500l4.500 4.500L16.500 7.500M12 16.500l.5.500L22 7.500",
  dot: "M12 8.500a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7z",
  archive: "M4 5h16v4H4zM6 9v10h12V9M10 13h4",
  unarchive: "M4 5h16v4H4zM6 9v10h12V9M12 17v-5M9.500 14l2.500-2.500 2.500 2.500",
  snooze: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 8v4.500l3 2",
  unsnooze: "M20 12a8 8 0 1 1-2.500-5.800M20 3v4h-4M12 8v4.500l3 2",
  delete: "M5 7h14M10 7V4.500h4V7M7 7l1 13h8l1-13",
} as const;

export type Icon = keyof typeof PATHS;

export function icon(name: Icon): SVGElement {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  for (const [key, value] of [["viewBox", "0 0 24 24"], ["aria-hidden", "true"], ["class", `icon ${name}`]] as const) {
    svg.setAttribute(key, value);
  }
  return svg;
}

/** A button that shows an icon and says a text. */
export function iconButton(name: Icon, label: string, onclick: (event: Event) => void, more: Record<string, Value> = {}) {
  return h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick, ...more }, icon(name));
}

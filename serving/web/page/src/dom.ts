/** Elements, made in one expression. */

export type Child = Node | string | number | false | null | undefined;
type Listener = (event: never) => void;
type Value = string | number | boolean | null | undefined | Listener;
export type Props = Record<string, Value>;

/** `on...` properties are listeners, true is an attribute without a value, false and undefined are left out. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  props?: Props | null,
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  setProps(element, props ?? {});
  append(element, children);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(tag: string, props: Props, ...children: SVGElement[]): SVGElement {
  const element = document.createElementNS(SVG, tag);
  setProps(element, props);
  element.append(...children);
  return element;
}

export function append(element: Element, children: readonly Child[]): void {
  for (const child of children) {
    if (child !== false && child !== null && child !== undefined)
      element.append(child instanceof Node ? child : String(child));
  }
}

/** Instead of what was in it. */
export function fill(element: Element, ...children: Child[]): void {
  element.replaceChildren();
  append(element, children);
}

export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

function setProps(element: Element, props: Props): void {
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") element.addEventListener(name.slice(2).toLowerCase(), value as EventListener);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
}

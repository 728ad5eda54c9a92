/** Elements without HTML: what others wrote is text, whatever it looks like. */

/** @typedef {string | number | boolean | null | undefined | ((event: any) => void)} Value */

/**
 * An element with attributes (`on…`: listeners; true: present; false, null: not) and children.
 * @param {string} tag
 * @param {Record<string, Value>} attributes
 * @param {...(Node | string | false | null | undefined)} children
 * @returns {any}
 */
export function h(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) set(made, name, value);
  made.append(...children.filter((child) => child !== false && child !== null && child !== undefined));
  return made;
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {Value} value
 */
export function set(element, name, value) {
  if (typeof value === "function") element.addEventListener(name.slice(2), value);
  else if (value === false || value === null || value === undefined) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : String(value));
}

/**
 * What the page has of this id.
 * @param {string} id
 * @returns {any}
 */
export function by(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/**
 * Written only when it is another text: what is read out is read out once.
 * @param {Element} element
 * @param {string} text
 */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

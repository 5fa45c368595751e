// Makes elements. Texts become text nodes, so names from models are never read as markup.

const SVG = "http://www.w3.org/2000/svg";

/** Returns an element. `properties` are attributes, or listeners if their value is a function. */
export function h(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

export function svg(tag, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** Replaces the content of an element, if it is different: a replaced element would lose the keyboard's focus. */
export function show(parent, ...children) {
  const wanted = h(parent.localName, {}, ...children);
  if (wanted.innerHTML !== parent.innerHTML) parent.replaceChildren(...wanted.childNodes);
}

/** Returns a label around a form field. */
export function labelled(text, field) {
  return h("label", {}, h("span", {}, text), field);
}

/** Returns a number with at most four significant digits, such as "0.1235". */
export function short(value) {
  const number = Number(value);
  if (typeof value === "boolean" || value === null || Number.isNaN(number)) return String(value);
  return Number.isInteger(number) && Math.abs(number) < 1e9 ? String(number) : String(Number(number.toPrecision(4)));
}

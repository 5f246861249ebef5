// SPDX-License-Identifier: Apache-2.0
// Elements from values; no markup is ever parsed.
type Child = Node | string;

export const element = (name: string, attributes: Record<string, string> = {}, ...children: Child[]): HTMLElement => {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  e.append(...children);
  return e;
};
export const drawing = (name: string, attributes: Record<string, string | number> = {}, ...children: Child[]): SVGElement => {
  const e = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, String(value));
  e.append(...children);
  return e;
};
export const put = (id: string, ...children: Child[]): void => document.getElementById(id)!.replaceChildren(...children);

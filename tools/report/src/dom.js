// SPDX-License-Identifier: Apache-2.0
// Elements of the page. Text from results only ever becomes a text node: nothing here reads markup.

/** el('p', {class: 'faint'}, 'text', element): attributes may be handlers under "on". */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'on') for (const [event, handler] of Object.entries(value)) element.addEventListener(event, handler);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

export function card(label, value, note, tone) {
  return el('div', { class: 'card' }, el('div', { class: 'label' }, label),
            el('div', { class: tone ? `value ${tone}` : 'value' }, value), note ? el('div', { class: 'note' }, note) : null);
}

export function list(items) {
  return items && items.length ? el('ul', {}, items.map((item) => el('li', {}, item))) : null;
}

const compare = (a, b) => {
  if (a === b) return 0;
  if (a === null || a === undefined) return 1;
  if (b === null || b === undefined) return -1;
  return typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b));
};

/**
 * columns: [{title, value: row => number|string, show: value => text, number: true}]; a click on a heading sorts.
 * `link` (charts.js) ties rows to the marks of a picture by row.id.
 */
export function table(columns, rows, { link, tall = rows.length > 14 } = {}) {
  const body = el('tbody');
  const lines = rows.map((row) => {
    const line = el('tr', link ? { class: 'linked', tabindex: 0 } : {}, columns.map((c) => {
      const value = c.value(row);
      const text = value === null || value === undefined || value === '' ? '-' : c.show ? c.show(value) : value;
      return el('td', { class: c.number ? 'number' : null }, text);
    }));
    if (link) {
      link.rows.set(row.id, line);
      for (const event of ['mouseenter', 'focus']) line.addEventListener(event, () => link.near(row.id, false));
      line.addEventListener('mouseleave', () => link.near(null, false));
    }
    return { row, line };
  });
  body.append(...lines.map((x) => x.line));
  let sorted = null;
  const heads = columns.map((c) => el('th', { class: c.number ? 'number' : null, 'data-sort': true, on: { click: () => {
    const factor = sorted === c ? -1 : 1;
    sorted = factor > 0 ? c : null;
    const order = [...lines].sort((a, b) => factor * compare(c.value(a.row), c.value(b.row)));
    body.append(...order.map((x) => x.line));
  } } }, c.title));
  return el('div', { class: tall ? 'table tall' : 'table' },
            el('table', {}, el('thead', {}, el('tr', {}, heads)), body));
}

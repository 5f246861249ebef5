// SPDX-License-Identifier: Apache-2.0
// Pictures by Vega-Lite, without code made at run time (the policy of the page forbids it): expressions are interpreted.
import { expressionInterpreter } from 'vega-interpreter';
import { compile } from 'vega-lite';
import { parse, View } from 'vega';
import { el } from './dom.js';

const light = { ink: '#1b1f24', faint: '#5c6670', line: '#d8dee4', paper: '#ffffff',
                palette: ['#0b5cad', '#c4560a', '#12815c', '#a6338b', '#8a6d00', '#3b8fb8', '#b3261e', '#5d5fef', '#4f6b2c', '#0f766e', '#9a6a4f', '#6b7280'] };
const dark = { ink: '#e6e9ec', faint: '#9aa5b1', line: '#343c45', paper: '#14181d',
               palette: ['#6cb2ff', '#ffa45c', '#4fd1a1', '#ef8ad6', '#e5c543', '#8fd3f4', '#ff8a80', '#a5a6ff', '#b5d37b', '#5fd6cb', '#d9a98b', '#b3bac4'] };
const darkness = window.matchMedia('(prefers-color-scheme: dark)');
const paper = window.matchMedia('print');
let onPaper = false;   // printed or saved: always light
export const colours = () => (darkness.matches && !onPaper && !paper.matches ? dark : light);

function config() {
  const c = colours();
  const font = 'system-ui, "DejaVu Sans", sans-serif';
  return {
    background: null, font, view: { stroke: c.line },
    axis: { labelColor: c.ink, titleColor: c.ink, gridColor: c.line, domainColor: c.faint, tickColor: c.faint, gridOpacity: 0.6,
            titleFontWeight: 500, labelFontSize: 11, titleFontSize: 12, labelFlush: false },
    legend: { labelColor: c.ink, titleColor: c.ink, titleFontWeight: 500, labelLimit: 220, symbolStrokeWidth: 2, symbolBaseFillColor: c.faint },
    title: { color: c.ink }, text: { color: c.ink }, rule: { color: c.faint }, range: { category: c.palette },
    line: { strokeWidth: 2 }, mark: { color: c.palette[0] }, point: { filled: true, size: 45, opacity: 0.9 },
  };
}

const tip = el('div', { class: 'tip', hidden: true });
document.body.append(tip);

/** Fields and their text, beside the pointer; as text nodes. */
function showTip(_handler, event, _item, value) {
  if (!value || typeof value !== 'object') {
    tip.hidden = true;
    return;
  }
  tip.replaceChildren(el('dl', {}, Object.entries(value).map(([k, v]) => [el('dt', {}, k), el('dd', {}, v)])));
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const left = Math.max(4, Math.min(event.clientX + 14, window.innerWidth - box.width - 4));
  const below = event.clientY + 14;
  const top = below + box.height > window.innerHeight ? Math.max(4, event.clientY - box.height - 10) : below;
  tip.style.transform = `translate(${left}px, ${top}px)`;
}

function save(url, name) {
  const link = el('a', { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
}

const fileName = (title, ending) => `${title.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '')}.${ending}`;
const drawn = [];
const noLoader = { load: async () => { throw new Error('nothing is loaded'); }, sanitize: async () => { throw new Error('no links'); } };

/** Rows of a table and marks of a picture under one id; `near` marks both. */
export function linked() {
  const link = { rows: new Map(), views: [], near: null };
  let last = null;
  link.near = (id, scroll) => {
    if (id === last) return;
    link.rows.get(last)?.classList.remove('near');
    const row = link.rows.get(id);
    row?.classList.add('near');
    if (row && scroll) {
      const box = row.closest('.table');
      if (box && box.scrollHeight > box.clientHeight) box.scrollTop = row.offsetTop - box.clientHeight / 2;
    }
    last = id;
    for (const view of link.views) view.signal('near', id).runAsync();
  };
  return link;
}

/**
 * A figure with its title, a line about it, and buttons that save it. `make(width, narrow)` gives the specification;
 * it is made anew when the page turns dark, is printed or changes its width.
 */
export function picture(title, about, make, { link, height = 300 } = {}) {
  const holder = el('div', { class: 'picture' });
  const state = { view: null, width: 0 };
  const viewOf = (width, options) => {
    const spec = { width: width - 4, height, autosize: { type: 'fit', contains: 'padding' }, ...make(width, width < 480),
                   config: config() };
    const compiled = compile(spec).spec;
    compiled.signals = [...(compiled.signals || []), { name: 'near', value: null }];
    return new View(parse(compiled, null, { ast: true }), { expr: expressionInterpreter, loader: noLoader, ...options });
  };
  const draw = () => {
    const width = Math.max(250, Math.floor(holder.clientWidth || holder.parentElement?.clientWidth || 640));
    state.width = width;
    state.view?.finalize();
    const view = viewOf(width, { renderer: 'svg', container: holder, hover: true });
    view.tooltip(showTip);
    if (link) {
      link.views = link.views.filter((v) => v !== state.view);
      link.views.push(view);
      view.addEventListener('mouseover', (_e, item) => { if (item?.datum?.id !== undefined) link.near(item.datum.id, true); });
    }
    state.view = view;
    view.run();   // at once: what is printed waits for nobody
  };
  const drawAgain = () => { if (Math.abs((holder.clientWidth || 0) - state.width) > 8) draw(); };
  const forPaper = () => {
    onPaper = true;
    try {
      return viewOf(640, { renderer: 'none', background: '#ffffff' });
    } finally {
      onPaper = false;
    }
  };
  const svg = async () => save(URL.createObjectURL(new Blob([await forPaper().toSVG()], { type: 'image/svg+xml' })), fileName(title, 'svg'));
  const png = async () => save((await forPaper().toCanvas(3)).toDataURL('image/png'), fileName(title, 'png'));
  drawn.push({ draw, drawAgain });
  return el('figure', {},
            el('figcaption', {}, el('span', {}, el('strong', {}, title), about ? el('span', { class: 'faint' }, ` ${about}`) : null),
               el('span', { class: 'tools' }, el('button', { type: 'button', on: { click: svg } }, 'SVG'),
                  el('button', { type: 'button', on: { click: png } }, 'PNG'))),
            holder);
}

export const drawAll = () => drawn.forEach((x) => x.draw());
for (const media of [darkness, paper]) media.addEventListener('change', drawAll);
window.addEventListener('beforeprint', () => { onPaper = true; drawAll(); });
window.addEventListener('afterprint', () => { onPaper = false; drawAll(); });
let waiting = null;
window.addEventListener('resize', () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => drawn.forEach((x) => x.drawAgain()), 120);
});

/** Logarithmic axes: their ends at the data, their ticks as people write numbers. */
export const logScale = { type: 'log', nice: false, padding: 12 };
export const logNumber = ',.9~g';
export const axis = (title, extra = {}) => ({ title, grid: true, ...extra });
export const near = (hit, otherwise) => [{ test: 'near !== null && datum.id === near', value: hit }, { value: otherwise }];

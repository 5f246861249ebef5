// SPDX-License-Identifier: Apache-2.0
// Two pictures: a bar of parts, and lines over two logarithmic axes. Each has its numbers as a table for those who listen.
import { drawing, element } from './dom';

export interface Part { name: string; value: number; shown: string }
export interface Line { name: string; x: number[]; y: number[] }

export const bar = (label: string, parts: Part[]): HTMLElement => {
  const whole = parts.reduce((sum, p) => sum + p.value, 0);
  const kept = parts.filter((p) => p.value > 0);
  const stack = element('div', { class: 'stack', role: 'img', 'aria-label': `${label}: ${kept.map((p) => `${p.name} ${p.shown}`).join(', ')}` });
  const key = element('ul', { class: 'key', 'aria-hidden': 'true' });
  kept.forEach((p, i) => {
    const piece = element('i', { class: `c${i % 8}`, title: `${p.name} ${p.shown}` });
    piece.style.width = `${(100 * p.value) / whole}%`;
    stack.append(piece);
    key.append(element('li', {}, element('i', { class: `c${i % 8}` }), `${p.name} ${p.shown}`));
  });
  return element('div', {}, stack, key);
};

const tidy = (x: number): string => (x >= 1e4 || x < 1e-2 ? x.toExponential(0) : String(Number(x.toPrecision(2))));

const ticks = (low: number, high: number): number[] => {
  const all: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); ++power)
    for (const digit of high / low > 300 ? [1] : high / low > 8 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 7]) all.push(digit * 10 ** power);
  return all.filter((x) => x >= low && x <= high);
};

const table = (lines: Line[], x: string, y: string): HTMLElement => {
  const rows = lines.flatMap((l) => l.x.map((v, i) => element('tr', {}, element('td', {}, l.name),
    element('td', {}, v.toPrecision(4)), element('td', {}, l.y[i].toPrecision(4)))));
  const head = element('tr', {}, ...['line', x, y].map((h) => element('th', { scope: 'col' }, h)));
  return element('details', {}, element('summary', {}, 'numbers'), element('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': `numbers of ${y} over ${x}` }, element('table', {}, head, ...rows)));
};

/// `here` marks a point; lines keep only points that are numbers.
export const lines = (title: string, x: string, y: string, given: Line[], here?: [number, number]): HTMLElement => {
  const all = given.map((l) => {
    const keep = l.x.map((_, i) => i).filter((i) => l.x[i] > 0 && l.y[i] > 0);
    return { name: l.name, x: keep.map((i) => l.x[i]), y: keep.map((i) => l.y[i]) };
  }).filter((l) => l.x.length > 0);
  const heading = element('h2', {}, title);
  if (all.length === 0) return element('div', {}, heading, element('p', {}, 'Nothing here can run.'));
  const [width, height, left, bottom, top, right] = [460, 260, 52, 40, 10, 12];
  const range = (pick: (l: Line) => number[]): [number, number] => {
    const values = all.flatMap(pick);
    return [Math.min(...values) / 1.15, Math.max(...values) * 1.15];
  };
  const [x0, x1] = range((l) => l.x);
  const [y0, y1] = range((l) => l.y);
  const at = (v: number, low: number, high: number) => Math.log(v / low) / Math.log(high / low);
  const px = (v: number) => left + at(v, x0, x1) * (width - left - right);
  const py = (v: number) => height - bottom - at(v, y0, y1) * (height - bottom - top);
  const svg = drawing('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': `${title}: ${y} over ${x}` });
  for (const v of ticks(x0, x1)) svg.append(drawing('line', { class: 'grid', x1: px(v), x2: px(v), y1: top, y2: height - bottom }),
    drawing('text', { x: px(v), y: height - bottom + 14, 'text-anchor': 'middle' }, tidy(v)));
  for (const v of ticks(y0, y1)) svg.append(drawing('line', { class: 'grid', x1: left, x2: width - right, y1: py(v), y2: py(v) }),
    drawing('text', { x: left - 6, y: py(v) + 4, 'text-anchor': 'end' }, tidy(v)));
  svg.append(drawing('text', { x: (left + width) / 2, y: height - 6, 'text-anchor': 'middle' }, x),
    drawing('text', { x: 12, y: (height - bottom) / 2, 'text-anchor': 'middle', transform: `rotate(-90 12 ${(height - bottom) / 2})` }, y));
  all.forEach((l, i) => svg.append(drawing('polyline', { class: `c${i % 8}`, points: l.x.map((v, j) => `${px(v)},${py(l.y[j])}`).join(' ') })));
  if (here && here[0] > 0 && here[1] > 0) svg.append(drawing('circle', { class: 'here', cx: px(here[0]), cy: py(here[1]), r: 5 }));
  const key = element('ul', { class: 'key', 'aria-hidden': 'true' }, ...(all.length > 1 ? all.map((l, i) => element('li', {}, element('i', { class: `c${i % 8}` }), l.name)) : []));
  return element('div', {}, heading, svg, key, table(all, x, y));
};

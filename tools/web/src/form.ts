// SPDX-License-Identifier: Apache-2.0
// The question: fields made from the table of inputs, sliders beside those that are dragged.
import { element } from './dom';
import { Input, Question, Tables } from './engine';

const groups: [string, string[]][] = [
  ['Model', ['model', 'weights', 'kv']],
  ['Hardware', ['gpu', 'engine', 'gpus', 'tp', 'ep', 'attention-dp', 'pp']],
  ['Traffic', ['isl', 'osl', 'cached']],
  ['Objectives and price', ['slo-ttft', 'slo-tpot', 'price']],
];
const loads = ['concurrency', 'rate', 'offline', 'static-batch', 'burst', 'prefill-only', 'decode-only'];
// From, to, for sliders that move by factors; 0 as the first: none.
const sliders: Record<string, [number, number]> = { isl: [16, 131072], osl: [1, 32768], concurrency: [1, 4096], rate: [0.05, 500],
  'slo-ttft': [0.02, 60], 'slo-tpot': [0.002, 0.5], 'static-batch': [1, 4096], burst: [1, 4096], 'decode-only': [1, 4096] };
const optional = new Set(['slo-ttft', 'slo-tpot']);
const steps = 400;

export const usual: Question = { model: 'deepseek-v3', gpu: 'h200_sxm', engine: 'sglang', tp: '8', isl: '4000', osl: '1000', concurrency: '64' };

const known: Record<string, (t: Tables) => string[]> = {
  model: (t) => t.models, gpu: (t) => t.gpus, engine: (t) => t.engines, traffic: (t) => t.traffic };

// Where the help of an input is no label.
const labels: Record<string, string> = { model: 'model', engine: 'engine', 'slo-ttft': 'largest time to first token', 'slo-tpot': 'largest time per output token' };

let tables: Tables;
let question: Question = { ...usual };
let changed: () => void = () => {};
let typed: (name: string, text: string) => void = () => {};

export const current = (): Question => Object.fromEntries(Object.entries(question).filter(([, v]) => v !== ''));
export const replace = (next: Question): void => { question = { ...next }; };
const set = (key: string, text: string): void => { question[key] = text.trim(); changed(); };

const input = (key: string): Input => tables.inputs.find((i) => i.key === key)!;
const rounded = (v: number): string => String(v >= 100 ? Math.round(v) : Number(v.toPrecision(2)));
const seconds = (v: number): string => (v < 1 ? `${rounded(v * 1e3)}ms` : `${rounded(v)}s`);
const amount = (text: string): number => {
  const found = /(?:p[\d.]+:)?([\d.]+)(ms|s|k)?$/.exec(text);
  return found ? Number(found[1]) * (found[2] === 'ms' ? 1e-3 : found[2] === 'k' ? 1e3 : 1) : NaN;
};
const place = (key: string, text: string): number => {
  const [low, high] = sliders[key];
  const v = amount(text);
  return v > 0 ? Math.max(1, Math.min(steps, 1 + (steps - 1) * Math.log(v / low) / Math.log(high / low))) : 0;
};
const value = (key: string, at: number): string => {
  if (at < 1) return '';
  const [low, high] = sliders[key];
  const v = low * (high / low) ** ((at - 1) / (steps - 1));
  if (key.startsWith('slo-')) return seconds(v);
  return key === 'rate' ? rounded(v) : String(Math.round(v < 100 ? v : Number(v.toPrecision(3))));
};

const slider = (key: string, text: HTMLInputElement): HTMLElement => {
  const range = element('input', { type: 'range', min: optional.has(key) ? '0' : '1', max: String(steps), step: 'any',
    value: String(place(key, question[key] ?? '')), 'aria-label': `${key}, by a slider` }) as HTMLInputElement;
  range.addEventListener('input', () => {
    text.value = value(key, Number(range.value));
    range.setAttribute('aria-valuetext', text.value || 'none');
    set(key, text.value);
  });
  text.addEventListener('input', () => { range.value = String(place(key, text.value)); });
  return element('div', { class: 'pair' }, range, text);
};

const listed = (key: string, names: string[]): HTMLElement => {
  const id = `list-${key}`;
  const field = element('input', { id: key, value: question[key] ?? '', list: id, autocomplete: 'off', spellcheck: 'false' }) as HTMLInputElement;
  field.addEventListener('input', () => set(key, field.value));
  return element('div', {}, field, element('datalist', { id }, ...names.map((n) => element('option', { value: n }))));
};

const field = (key: string): HTMLElement => {
  const row = input(key);
  const label = element('label', { for: key, title: row.help }, labels[key] ?? `${row.help.split(':')[0].split(' (')[0]}${row.unit ? `, ${row.unit}` : ''}`);
  if (known[key]) return element('div', {}, label, listed(key, known[key](tables)));
  const text = element('input', { id: key, value: question[key] ?? '', placeholder: row.usual, spellcheck: 'false' }) as HTMLInputElement;
  text.addEventListener('input', () => set(key, text.value));
  return element('div', {}, label, sliders[key] ? slider(key, text) : text);
};

const load = (): HTMLElement => {
  const box = element('div');
  const now = loads.find((k) => question[k]) ?? 'concurrency';
  const select = element('select', { id: 'load' }, ...loads.map((k) =>
    element('option', k === now ? { value: k, selected: '' } : { value: k }, input(k).help.split(':')[0].split(',')[0]))) as HTMLSelectElement;
  const size = element('div');
  const show = (key: string): void => size.replaceChildren(...(input(key).kind === 'toggle' ? [] : [field(key)]));
  select.addEventListener('change', () => {
    for (const k of loads) delete question[k];
    question[select.value] = input(select.value).kind === 'toggle' ? 'true' : select.value === 'rate' ? '1' : '64';
    show(select.value);
    changed();
  });
  show(now);
  box.append(element('label', { for: 'load' }, 'load'), select, size);
  return box;
};

/// A config.json: dropped, chosen or pasted; its text is kept in the link.
const ownModel = (): HTMLElement => {
  const take = (text: string): void => {
    if (text.trim() === '') return;
    typed('config.json', text);
    (document.getElementById('model') as HTMLInputElement).value = 'config.json';
    set('model', 'config.json');
  };
  const zone = element('div', { class: 'drop' }, 'Your own model: drop its config.json here, choose the file, or paste its text.');
  const chooser = element('input', { type: 'file', accept: '.json,application/json', 'aria-label': 'choose a config.json' }) as HTMLInputElement;
  const paste = element('textarea', { rows: '2', 'aria-label': 'text of a config.json', placeholder: '{"model_type": ...', spellcheck: 'false' }) as HTMLTextAreaElement;
  chooser.addEventListener('change', async () => { if (chooser.files?.[0]) take(await chooser.files[0].text()); });
  paste.addEventListener('change', () => take(paste.value));
  for (const name of ['dragover', 'dragleave', 'drop']) zone.addEventListener(name, async (event) => {
    event.preventDefault();
    zone.classList.toggle('over', name === 'dragover');
    const dropped = (event as DragEvent).dataTransfer?.files?.[0];
    if (name === 'drop' && dropped) take(await dropped.text());
  });
  zone.append(chooser, paste);
  return zone;
};

const rest = (): HTMLElement => {
  const shown = new Set([...groups.flatMap(([, keys]) => keys), ...loads]);
  const keys = tables.inputs.filter((i) => !shown.has(i.key) && i.kind !== 'edit').map((i) => i.key);
  return element('details', {}, element('summary', {}, 'Every other input'), ...keys.map(field));
};

export const build = (all: Tables, onChange: () => void, onModel: (name: string, text: string) => void): void => {
  tables = all;
  changed = onChange;
  typed = onModel;
  const parts = groups.map(([title, keys]) => {
    const set_ = element('fieldset', {}, element('legend', {}, title), ...keys.map(field));
    if (title === 'Traffic') set_.append(load());
    if (title === 'Model') set_.append(ownModel());
    return set_;
  });
  document.getElementById('form')!.replaceChildren(...parts, rest());
  document.getElementById('form')!.addEventListener('submit', (event) => event.preventDefault());
};

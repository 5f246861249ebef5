// SPDX-License-Identifier: Apache-2.0
// The answer: figures as the command line writes them, and pictures of where memory, time and money go.
import { bar, lines } from './charts';
import { element, put } from './dom';
import * as engine from './engine';
import { Question, Tables } from './engine';

const loads = Array.from({ length: 33 }, (_, i) => Math.round(2 ** (i / 3) * 100) / 100);

const tile = (value: string, name: string): HTMLElement => element('div', { class: 'tile' }, element('b', {}, value), element('span', {}, name));

const tiles = (tables: Tables, shown: Record<string, string>): HTMLElement[] => {
  const wanted = ['usd_per_mtok_output', 'usd_per_mtok_input', 'output_tokens_per_s', 'tokens_per_s_per_user', 'ttft_s', 'tpot_s', 'usd_per_hour', 'max_concurrency'];
  return wanted.map((key) => tile(shown[key], tables.figures.find((f) => f.key === key)!.axis.replace(' (s)', '')));
};

const memory = (found: any, shown: Record<string, string>): HTMLElement => bar('memory of a GPU',
  [['weights', 'weights'], ['cache', 'cache of sequences'], ['reserve', 'runtime'], ['unused', 'left unused']].map(([key, name]) =>
    ({ name, value: found.memory[`memory_${key}_bytes`], shown: shown[`memory_${key}_bytes`] })));

const ms = (s: number): string => `${(1e3 * s).toPrecision(3)} ms`;
const step = (name: string, found: any): HTMLElement[] => {
  if (!found) return [];
  const all = Object.entries<number>(found.by_class).sort((a, b) => b[1] - a[1]);
  const small = all.slice(7).reduce((sum, [, value]) => sum + value, 0);
  const parts = [...all.slice(0, 7), ['the rest', small] as [string, number]].map(([key, value]) => ({ name: key.replaceAll('_', ' '), value, shown: ms(value) }));
  return [element('p', {}, `${name}: ${ms(found.total_s)}, bound by ${found.bound}`), bar(name, parts)];
};

/// Over the load: what a million tokens cost, and what each GPU delivers against what a user sees.
const pictures = (question: Question, found: any): HTMLElement => {
  const over = 'rate' in question ? 'rate' : 'concurrency';
  const scale = over === 'rate' ? Math.max(0.01, Number(question.rate) / 64) || 1 : 1;
  const at = loads.map((v) => v * scale);
  const asked = { ...question };
  for (const other of ['offline', 'static-batch', 'burst', 'prefill-only', 'decode-only', 'concurrency', 'rate']) delete asked[other];
  const series = engine.draw({ ...asked, [over]: String(at[0]) }, over, at, ['usd_per_mtok_output', 'tokens_per_s_per_user', 'output_tokens_per_s_per_gpu', 'ttft_s']);
  if (!series) return element('div');
  const [price, user, gpu] = series;
  const serving = found.serving;
  return element('div', { class: 'charts' },
    lines('Price against load', over === 'rate' ? 'requests/s' : 'requests in flight', 'USD per million output tokens', [{ name: 'price', x: at, y: price }],
          [serving.requests, found.cost.usd_per_mtok_output]),
    lines('Frontier: one user against all', 'output tokens/s of a user', 'output tokens/s of a GPU', [{ name: 'frontier', x: user, y: gpu }],
          [serving.tokens_per_s_per_user, serving.output_tokens_per_s_per_gpu]));
};

/// Written when it is opened: it is long, and sliders move.
const whole = (question: Question, found: any): HTMLElement => {
  const page = element('pre', { tabindex: '0' });
  const details = element('details', {}, element('summary', {}, 'The answer as the command line prints it'), page);
  details.addEventListener('toggle', () => { page.textContent = `$ ${found.command}\n\n${engine.text(question)}`; });
  return details;
};

const objective = (found: any): string => {
  const missed = ['deployment', 'serving', 'trust'].some((group) => found[group]?.slo_met === false);
  return missed ? 'An objective is missed.' : '';
};

export const show = (tables: Tables, question: Question): void => {
  const answer = engine.estimate(question);
  const found = answer.estimates?.[0];
  const trouble = answer.problem ? `${answer.message}${answer.hint ? `; ${answer.hint}` : ''}`
    : found.infeasible ? `infeasible: ${found.infeasible.message}${found.infeasible.smallest_fix ? `; ${found.infeasible.smallest_fix} would run` : ''}`
    : objective(found);
  put('status', element('span', trouble ? { class: 'problem' } : {}, trouble || 'Answered.'));
  if (!found || found.infeasible) return put('headline'), put('body');
  const shown = engine.shown(question);
  put('headline', ...tiles(tables, shown));
  put('body', element('h2', {}, 'Memory of a GPU'), memory(found, shown), element('h2', {}, 'Where each millisecond goes'),
    ...step('decode step', found.steps.decode), ...step('step with prompts', found.steps.prefill), pictures(question, found),
    element('h2', {}, 'Start it'), element('pre', { tabindex: '0' }, engine.launch(question)),
    element('h2', {}, 'Notes'), element('ul', { class: 'notes' }, ...found.notes.map((n: string) => element('li', {}, n))),
    whole(question, found));
};

export const showPlan = (question: Question, place: HTMLElement): void => {
  const { gpus, tp, ep, pp, replicas, 'attention-dp': dp, ...asked } = question;
  const answer = engine.plan(asked);
  if (answer.problem) return place.replaceChildren(element('p', { class: 'problem' }, `${answer.message}; ${answer.hint}`));
  const rows = [answer.answer, ...answer.rivals].filter(Boolean);
  if (rows.length === 0) return place.replaceChildren(element('p', { class: 'problem' }, 'Nothing meets these objectives.'));
  const cells = (r: any): string[] => [r.deployment, `$${r.estimate.cost.usd_per_hour.toFixed(2)}`, ms(r.estimate.serving.ttft_s), ms(r.estimate.serving.tpot_s)];
  const head = element('tr', {}, ...['deployment', 'per hour', 'TTFT', 'TPOT'].map((h) => element('th', { scope: 'col' }, h)));
  place.replaceChildren(element('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'deployments' }, element('table', {}, head, ...rows.map((r: any) => element('tr', {}, ...cells(r).map((c) => element('td', {}, c)))))),
    element('p', {}, `${answer.candidates.toLocaleString('en')} candidates, ${answer.evaluated.toLocaleString('en')} loads evaluated.`));
};

// SPDX-License-Identifier: Apache-2.0
// A plan: its answer, rivals, what was left out, the frontier of speed, a day.
import { axis, linked, near, picture } from './charts.js';
import { card, el, list, table } from './dom.js';
import { amount, isKnown, money, percent, seconds, words } from './numbers.js';
import { deploymentSection, modelLine } from './deployment.js';

const timeOf = (e, time) => e[`${time}_of_objective_s`] ?? e[`${time}_s`];

const percentileOf = (e, time) => (isKnown(e.serving?.[`slo_${time}_level`]) ? `p${+(100 * e.serving[`slo_${time}_level`]).toFixed(2)}` : 'mean');
const judgedBy = (e, time) => (isKnown(e.inputs[`slo_${time}`]) ? `${percentileOf(e, time)}, ${seconds(e.inputs[`slo_${time}`])} allowed` : 'mean');

function rivalsTable(plan) {
  const any = (plan.answer || plan.nearest)?.estimate || { inputs: {} };
  const seen = new Set();
  const rows = [];
  const add = (role, d) => {
    if (!d || seen.has(`${d.deployment} ${d.estimate.command}`)) return;
    seen.add(`${d.deployment} ${d.estimate.command}`);
    rows.push({ id: rows.length, role, d, e: d.estimate });
  };
  add('answer', plan.answer);
  for (const r of plan.rivals || []) add('rival', r);
  for (const r of plan.best_of_each || []) add('best of its accelerator', r);
  add('nearest', plan.nearest);
  add('within the budget', plan.within_budget);
  const cost = (r) => r.e.cost || {};
  const serving = (r) => r.e.serving || {};
  return table([
    { title: '', value: (r) => r.role }, { title: 'deployment', value: (r) => r.d.deployment },
    { title: 'GPUs', number: true, value: (r) => r.e.deployment?.gpus },
    { title: '$/h', number: true, value: (r) => cost(r).usd_per_hour, show: money },
    { title: '$/M output', number: true, value: (r) => cost(r).usd_per_mtok_output, show: money },
    { title: `TTFT, ${percentileOf(any, 'ttft')}`, number: true, value: (r) => timeOf(serving(r), 'ttft'), show: seconds },
    { title: `TPOT, ${percentileOf(any, 'tpot')}`, number: true, value: (r) => timeOf(serving(r), 'tpot'), show: seconds },
    { title: 'load', number: true, value: (r) => r.d.load_per_instance / r.d.capacity_per_instance, show: percent },
    { title: 'chance', number: true, value: (r) => r.d.chance_to_meet, show: percent },
  ], rows);
}

export function frontierPicture(points) {
  if (!points || !points.length) return null;
  const link = linked();
  const rows = points.map((p, id) => ({ ...p, id }));
  const layout = (p) => [['TP', p.tp], ['PP', p.pp], ['EP', p.ep], ['DP', p.attention_dp]].filter(([, n]) => n > 1).map(([k, n]) => k + n).join(' ') || 'one GPU';
  const values = rows.map((p) => ({ id: p.id, x: p.tokens_per_s_per_user, y: p.output_tokens_per_s_per_gpu, gpu: p.gpu, all: String(p.beats_all) === 'true',
    tip: { gpu: p.gpu, layout: layout(p), engine: p.engine, 'tokens/s per user': amount(p.tokens_per_s_per_user), 'output tokens/s per GPU': amount(p.output_tokens_per_s_per_gpu),
           'in flight per instance': amount(p.concurrency_per_instance), TTFT: seconds(p.ttft_s), 'USD per M output, all in': money(p.usd_per_mtok_output_all_in) } }));
  const figure = picture('Frontier of speed', 'what nothing of the same accelerator beats in both; squares: nothing of any accelerator does', (_w, narrow) => ({
    data: { values },
    layer: [
      { mark: { type: 'line', interpolate: 'monotone', strokeWidth: 1.4, opacity: 0.6 } },
      { mark: { type: 'point', filled: true }, encoding: {
        size: { condition: near(180, 55)[0], value: 55 },
        shape: { field: 'all', type: 'nominal', scale: { domain: [true, false], range: ['square', 'circle'] }, legend: null },
        tooltip: { field: 'tip' } } },
    ],
    encoding: {
      x: { field: 'x', type: 'quantitative', axis: axis('output tokens/s per user', { tickCount: narrow ? 4 : 8 }) },
      y: { field: 'y', type: 'quantitative', axis: axis('output tokens/s per GPU', { tickCount: 6 }) },
      color: { field: 'gpu', type: 'nominal', legend: { title: null, orient: 'bottom' } },
    },
  }), { link, height: 360 });
  const rowsTable = table([
    { title: 'gpu', value: (p) => p.gpu }, { title: 'layout', value: layout }, { title: 'engine', value: (p) => p.engine }, { title: 'weights', value: (p) => p.weights },
    { title: 'in flight', number: true, value: (p) => p.concurrency_per_instance, show: amount },
    { title: 'tokens/s per user', number: true, value: (p) => p.tokens_per_s_per_user, show: amount },
    { title: 'tokens/s per GPU', number: true, value: (p) => p.output_tokens_per_s_per_gpu, show: amount },
    { title: 'TTFT', number: true, value: (p) => p.ttft_s, show: seconds },
    { title: '$/M output, all in', number: true, value: (p) => p.usd_per_mtok_output_all_in, show: money },
  ], rows, { link, tall: true });
  return el('div', {}, figure, rowsTable);
}

function rejectedPicture(rejected) {
  const rows = Object.entries(rejected || {}).filter(([, n]) => n > 0).map(([reason, n]) => ({ reason, n, tip: { reason, candidates: amount(n) } }));
  if (!rows.length) return null;
  return picture('Candidates that are not the answer', 'by the first reason', (_w, narrow) => ({
    data: { values: rows }, mark: { type: 'bar', height: { band: 0.7 } },
    encoding: { y: { field: 'reason', type: 'nominal', sort: '-x', title: null, axis: { labelLimit: narrow ? 130 : 340 } },
                x: { field: 'n', type: 'quantitative', axis: axis('candidates') }, tooltip: { field: 'tip' } },
  }), { height: 40 + 24 * rows.length });
}

function dayPart(day) {
  if (!day) return null;
  const api = day.api_usd_per_day > 0;
  return el('div', {}, el('h3', {}, 'A day'), el('div', { class: 'cards' },
    card('fixed size', `${money(day.fixed_usd_per_day)} per day`, `${day.most_instances} instances`),
    card('hour by hour', `${money(day.scaled_usd_per_day)} per day`, `${day.least_instances} to ${day.most_instances} instances`),
    api ? card('the same tokens from the API', `${money(day.api_usd_per_day)} per day`) : null,
    api ? card('fixed size breaks even at', percent(day.fixed_usd_per_day / day.api_usd_per_day), 'of these tokens') : null));
}

export const planTitle = (plan) => {
  if (plan.answer) return plan.answer.deployment;
  return plan.nearest ? `Nothing meets the objectives; the nearest is ${plan.nearest.deployment}` : 'No deployment runs';
};

export function planSection(plan, deployments) {
  const d = plan.answer || plan.nearest;
  if (!d) return el('div', {}, rejectedPicture(plan.rejected), list(plan.warnings));
  const e = d.estimate;
  const serving = e.serving || {};
  return el('div', {},
    el('p', { class: 'faint' }, `${modelLine(e)}; least ${plan.objective}; prices: ${words(plan.price_basis || 'not known')}`),
    el('div', { class: 'cards' },
      card('rent', `${money(e.cost?.usd_per_hour)} per hour`, `${money(e.cost?.usd_per_month)} per month`),
      card('per million output tokens', money(e.cost?.usd_per_mtok_output), `${money(e.cost?.usd_per_mtok_input)} input`),
      card('time to first token', seconds(timeOf(serving, 'ttft')), judgedBy(e, 'ttft')),
      card('time per output token', seconds(timeOf(serving, 'tpot')), judgedBy(e, 'tpot')),
      card('load of an instance', percent(d.load_per_instance / d.capacity_per_instance), `${percent(plan.max_load)} at most`),
      card('chance to meet', isKnown(d.chance_to_meet) ? percent(d.chance_to_meet) : 'not known', isKnown(plan.chance_demanded) ? `${percent(plan.chance_demanded)} demanded` : 'by residuals of served points')),
    el('h3', {}, 'Rivals'), rivalsTable(plan),
    plan.frontier ? el('div', {}, el('h3', {}, 'Speed per GPU against speed per user'), frontierPicture(plan.frontier)) : null,
    dayPart(plan.day),
    plan.launch ? el('div', {}, el('h3', {}, 'Launch'), el('pre', {}, plan.launch)) : null,
    el('h3', {}, 'The answer itself'), deploymentSection(e, deployments && deployments[0]),
    el('p', { class: 'faint' }, `${amount(plan.candidates)} candidates, ${amount(plan.runnable)} of them run; ${amount(plan.evaluated)} loads evaluated`),
    rejectedPicture(plan.rejected), list(plan.warnings));
}

// SPDX-License-Identifier: Apache-2.0
// One deployment: where its time goes, the roofs above its operations, its memory, and how it moves with load.
import { axis, colours, logNumber, logScale, picture } from './charts.js';
import { card, el, list } from './dom.js';
import { amount, bytes, isKnown, large, money, seconds, words } from './numbers.js';

const stepNames = { decode: 'decode step', prefill: 'step with prompts' };
const interval = (e, key, show) => {
  const i = e.intervals && e.intervals[key];
  return i ? `likely ${show(i[0])} to ${show(i[1])}` : null;
};

const degrees = (i, of) => [['TP', 'tp'], ['PP', 'pp'], ['EP', 'ep'], ['DP', 'attention_dp']]
  .map(([name, key]) => [name, i[of + key]]).filter(([, n]) => n > 1).map(([name, n]) => `${name}${n}`).join(' ') || 'one GPU';

const poolName = (i, of) => `${i[`${of}gpus`]} x ${i[`${of}gpu`] || i[`${of}cluster`] || '?'} = ${i[`${of}replicas`] || 1} x (${degrees(i, of)})`;

const hasTwoPools = (e) => isKnown(e.inputs.prefill_gpus);

export function deploymentName(e) {
  const i = e.inputs;
  const d = e.deployment || {};
  if (hasTwoPools(e)) return `prefill ${poolName(i, 'prefill_')}, decode ${poolName(i, 'decode_')}, ${i.engine || '?'}`;
  const gpus = d.gpus ? `${d.gpus} x ` : '';
  return `${gpus}${i.gpu || i.cluster || '?'} = ${d.instances || i.replicas || 1} x (${degrees(i, '')}), ${i.engine || '?'}`;
}

export const modelName = (e) => e.inputs.model || (e.model && e.model.name) || e.inputs.family || 'model';

export function estimateCards(e) {
  if (e.infeasible) return el('p', { class: 'bad' }, e.infeasible.message);
  const { cost, serving } = e;
  const missed = e.serving.slo_met === false;
  return el('div', { class: 'cards' },
    card('per million output tokens', money(cost.usd_per_mtok_output), interval(e, 'usd_per_mtok_output', money)),
    card('per million input tokens', money(cost.usd_per_mtok_input)),
    card('rent per hour', money(cost.usd_per_hour), `${money(cost.usd_per_month)} per month`),
    card('output tokens/s', amount(serving.output_tokens_per_s), interval(e, 'output_tokens_per_s', amount)),
    card('time to first token', seconds(serving.ttft_s), interval(e, 'ttft_s', seconds) || 'mean'),
    card('time per output token', seconds(serving.tpot_s), interval(e, 'tpot_s', seconds) || 'mean'),
    card('requests/s', amount(serving.requests_per_s)),
    e.inputs.slo_ttft || e.inputs.slo_tpot
      ? card('objectives', missed ? 'missed' : 'met', null, missed ? 'bad' : 'good') : null);
}

const boundOrder = ['compute', 'memory', 'network', 'floor', 'host'];

function timePicture(e) {
  const rows = [];
  for (const [key, name] of Object.entries(stepNames)) {
    const step = e.steps && e.steps[key];
    if (!step) continue;
    for (const [c, s] of Object.entries(step.by_class)) {
      if (s > 0) rows.push({ step: name, part: words(c), ms: s * 1e3, share: s / step.total_s, by: 'by operation' });
    }
    const spent = boundOrder.reduce((sum, b) => sum + (step.by_bound[b] || 0), 0);
    for (const b of boundOrder) {
      const s = step.by_bound[b];
      if (s > 0) rows.push({ step: name, part: b, ms: s * 1e3, share: s / spent, by: 'by what bounds it' });
    }
  }
  if (!rows.length) return null;
  const one = (by) => picture(`Where each millisecond goes, ${by}`, 'one step of an instance', (_w, narrow) => ({
    data: { values: rows.filter((r) => r.by === by).map((r) => ({ ...r, tip: { step: r.step, part: r.part, time: seconds(r.ms / 1e3), share: `${(100 * r.share).toFixed(1)} %` } })) },
    mark: { type: 'bar', stroke: colours().paper, strokeWidth: 0.7, height: { band: 0.7 } },
    encoding: {
      y: { field: 'step', type: 'nominal', title: null, sort: Object.values(stepNames), axis: { labelLimit: 130 } },
      x: { field: 'ms', type: 'quantitative', aggregate: 'sum', stack: 'zero', axis: axis('ms') },
      color: { field: 'part', type: 'nominal', sort: by === 'by operation' ? null : boundOrder,
               legend: { title: null, orient: 'bottom', columns: narrow ? 2 : 3 } },
      order: { field: 'ms', type: 'quantitative', sort: 'descending' },
      tooltip: { field: 'tip' },
    },
  }), { height: 190 });
  return el('div', { class: 'pair' }, one('by operation'), one('by what bounds it'));
}

function rooflinePicture(e, machine) {
  if (!machine || !e.steps) return null;
  const points = [];
  for (const [key, name] of Object.entries(stepNames)) {
    const step = e.steps[key];
    if (!step) continue;
    for (const op of step.operations) {
      const moved = op.weight_bytes + op.activation_bytes + op.cache_bytes;
      if (!(op.flop > 0) || !(moved > 0) || !(op.total_s > 0)) continue;
      const x = op.flop / moved;
      const y = op.flop / op.total_s / 1e12;
      points.push({ x, y, step: name, bound: op.bound,
                    tip: { operation: words(op.name), step: name, 'FLOP per byte': amount(x), 'TFLOP/s': amount(y),
                           time: seconds(op.total_s), count: amount(op.count), 'bound by': op.bound } });
    }
  }
  if (!points.length) return null;
  const low = Math.min(0.5, ...points.map((p) => p.x)) / 1.5;
  const high = Math.max(3000, ...points.map((p) => p.x)) * 1.5;
  const bandwidth = machine.memory_bytes_per_s / 1e12;
  const roofs = [];
  const labels = [];
  for (const [unit, peak] of Object.entries(machine.peak_flop_per_s)) {
    if (unit === 'fp32' || unit === 'int8') continue;
    const top = peak / 1e12;
    const knee = top / bandwidth;
    for (const x of [low, knee, high]) roofs.push({ x, y: Math.min(top, bandwidth * x), unit });
    labels.push({ x: high, y: top, unit: `${unit} ${amount(top)} TFLOP/s` });
  }
  return picture('Roofline of the operations', `${machine.name}, ${amount(bandwidth)} TB/s; datasheet roofs`, (_w, narrow) => ({
    layer: [
      { data: { values: roofs }, mark: { type: 'line', color: colours().faint, strokeWidth: 1.3 },
        encoding: { x: { field: 'x', type: 'quantitative', scale: { type: 'log', domain: [low, high], nice: false },
                         axis: axis('FLOP per byte of memory traffic', { tickCount: narrow ? 4 : 8, format: logNumber }) },
                    y: { field: 'y', type: 'quantitative', scale: logScale, axis: axis('TFLOP/s', { tickCount: 6, format: logNumber }) },
                    detail: { field: 'unit' } } },
      { data: { values: labels }, mark: { type: 'text', align: 'right', dy: -6, fontSize: 11, color: colours().faint },
        encoding: { x: { field: 'x', type: 'quantitative' }, y: { field: 'y', type: 'quantitative' }, text: { field: 'unit' } } },
      { data: { values: points }, mark: { type: 'point', size: 60 },
        encoding: { x: { field: 'x', type: 'quantitative' }, y: { field: 'y', type: 'quantitative' },
                    color: { field: 'bound', type: 'nominal', sort: boundOrder, legend: { title: 'bound by', orient: 'bottom', columns: narrow ? 2 : 5 } },
                    shape: { field: 'step', type: 'nominal', legend: { title: null, orient: 'bottom', columns: narrow ? 1 : 2 } },
                    tooltip: { field: 'tip' } } },
    ],
  }), { height: 330 });
}

function memoryPicture(e) {
  const m = e.memory;
  if (!m || !isKnown(m.memory_capacity_bytes)) return null;
  const parts = [['weights', m.memory_weights_bytes], ['cache of sequences', m.memory_cache_bytes],
                 ['runtime and activations', m.memory_reserve_bytes], ['left unused', m.memory_unused_bytes]];
  const order = parts.map(([name]) => name);
  return picture(hasTwoPools(e) ? 'Memory of a GPU that decodes' : 'Memory of a GPU', `${bytes(m.memory_capacity_bytes)}; ${amount(m.max_concurrency ?? e.serving.max_concurrency)} sequences fit the deployment`, () => ({
    data: { values: parts.filter(([, b]) => b > 0).map(([part, b]) => ({ part, gb: b / 1e9, place: order.indexOf(part),
      tip: { part, size: bytes(b), share: `${(100 * b / m.memory_capacity_bytes).toFixed(1)} %` } })) },
    mark: { type: 'bar', stroke: colours().paper, strokeWidth: 0.7 },
    encoding: {
      x: { field: 'gb', type: 'quantitative', stack: 'zero', axis: axis('GB', { tickCount: 8 }), scale: { domain: [0, m.memory_capacity_bytes / 1e9], nice: false } },
      color: { field: 'part', type: 'nominal', sort: order, legend: { title: null, orient: 'bottom', columns: 2 } },
      order: { field: 'place' }, tooltip: { field: 'tip' },
    },
  }), { height: 130 });
}

const curveNames = { mean: '', p50: '_p50', p90: '_p90', p95: '_p95', p99: '_p99' };

function latencyPicture(loads, key, title, limit, limitName) {
  const rows = [];
  for (const p of loads.points) {
    for (const [name, ending] of Object.entries(curveNames)) {
      const value = p[ending ? `${key}${ending}` : `${key}_s`];
      if (!(value > 0)) continue;
      rows.push({ size: p.size, ms: value * 1e3, curve: name,
                  tip: { load: loadText(loads, p.size), [`${name} ${title}`]: seconds(value), 'output tokens/s': amount(p.output_tokens_per_s) } });
    }
  }
  if (!rows.length) return null;
  const marks = marksOf(loads, true);
  const log = Math.max(...rows.map((r) => r.ms)) > 20 * Math.min(...rows.map((r) => r.ms));
  const layer = [
    { data: { values: rows }, mark: { type: 'line', interpolate: 'monotone', point: { size: 18 } },
      encoding: { x: sizeScale(loads), y: { field: 'ms', type: 'quantitative', scale: log ? logScale : { zero: true }, axis: axis('ms', log ? { tickCount: 6, format: logNumber } : { tickCount: 6 }) },
                  color: { field: 'curve', type: 'nominal', sort: Object.keys(curveNames), legend: { title: null, orient: 'bottom', columns: 5 } },
                  tooltip: { field: 'tip' } } },
    ...marks,
  ];
  if (limit) {
    layer.push({ data: { values: [{ ms: limit * 1e3, text: `${limitName} within ${seconds(limit)}` }] }, layer: [
      { mark: { type: 'rule', strokeDash: [6, 4], color: colours().palette[6], strokeWidth: 1.5 }, encoding: { y: { field: 'ms', type: 'quantitative' } } },
      { mark: { type: 'text', align: 'left', dx: 4, dy: -6, x: 0, color: colours().palette[6], fontSize: 11 },
        encoding: { y: { field: 'ms', type: 'quantitative' }, text: { field: 'text' } } }] });
  }
  return picture(`${title} against load`, loads.is_rate ? 'Poisson arrivals; dashed: objective' : 'closed loop', () => ({ layer }), { height: 300 });
}

const loadText = (loads, size) => `${amount(size)} ${loads.is_rate ? 'requests/s' : 'in flight'}`;
const sizeScale = (loads) => ({ field: 'size', type: 'quantitative',
  scale: loads.is_rate ? { nice: false, domain: [0, loads.capacity] } : { type: 'log', base: 2, nice: false },
  axis: axis(loads.is_rate ? 'requests/s to the deployment' : 'requests in flight', loads.is_rate ? { tickCount: 6 } : { tickCount: 8, format: ',.0f' }) });

/** Vertical lines: the load that was asked about, the knee, and the largest load within the objectives. */
function marksOf(loads, low) {
  const now = loads.points.find((p) => p.now);
  const values = [];
  if (now) values.push({ size: now.size, text: 'asked', row: 0 });
  if (isKnown(loads.knee)) values.push({ size: loads.knee, text: 'knee', row: 1 });
  if (loads.largest_within_objectives > 0 && loads.largest_within_objectives < loads.capacity)
    values.push({ size: loads.largest_within_objectives, text: 'objectives', row: 2 });
  return values.map((v) => ({ data: { values: [v] }, layer: [
    { mark: { type: 'rule', color: colours().faint, strokeDash: v.text === 'asked' ? [1, 0] : [3, 3] }, encoding: { x: { field: 'size', type: 'quantitative' } } },
    { mark: { type: 'text', align: v.size > 0.6 * loads.capacity ? 'right' : 'left', dx: v.size > 0.6 * loads.capacity ? -4 : 4, y: low ? { expr: `height - ${8 + 13 * v.row}` } : 9 + 13 * v.row, fontSize: 11, color: colours().faint },
      encoding: { x: { field: 'size', type: 'quantitative' }, text: { field: 'text' } } }] }));
}

function pricePicture(loads) {
  const names = { usd_per_mtok_output: 'output tokens', usd_per_mtok_input: 'input tokens', usd_per_mtok_output_all_in: 'whole rent over output' };
  const rows = [];
  for (const p of loads.points) {
    for (const [key, name] of Object.entries(names)) {
      if (p[key] > 0) rows.push({ size: p.size, usd: p[key], curve: name, tip: { load: loadText(loads, p.size), [name]: `${money(p[key])} per million`, 'rent carries': `${amount(p.output_tokens_per_s)} tokens/s` } });
    }
  }
  if (!rows.length) return null;
  return picture('Price against load', 'the rent stays, the load moves', () => ({
    layer: [{ data: { values: rows }, mark: { type: 'line', interpolate: 'monotone', point: { size: 18 } },
      encoding: { x: sizeScale(loads), y: { field: 'usd', type: 'quantitative', scale: logScale, axis: axis('USD per million tokens', { tickCount: 6, format: logNumber }) },
                  color: { field: 'curve', type: 'nominal', sort: Object.values(names), legend: { title: null, orient: 'bottom', columns: 2 } }, tooltip: { field: 'tip' } } },
      ...marksOf(loads, false)],
  }), { height: 300 });
}

/** All about one estimate; `more` is what the program worked out beside it. */
export function deploymentSection(e, more) {
  if (e.infeasible) return el('div', {}, estimateCards(e), e.infeasible.smallest_fix ? el('p', {}, 'what would run: ', el('code', {}, e.infeasible.smallest_fix)) : null);
  const loads = more && more.loads;
  return el('div', {},
    loads ? el('div', { class: 'pair' },
      latencyPicture(loads, 'ttft', 'Time to first token', loads.slo_ttft_s, loads.slo_ttft_name),
      latencyPicture(loads, 'tpot', 'Time per output token', loads.slo_tpot_s, loads.slo_tpot_name)) : null,
    timePicture(e),
    el('div', { class: 'pair' }, loads ? pricePicture(loads) : null, rooflinePicture(e, more && more.machine)),
    memoryPicture(e),
    e.command ? el('pre', {}, e.command) : null,
    list([...(e.notes || []), ...(e.warnings || [])]));
}

export const modelLine = (e) => {
  const m = e.model;
  const i = e.inputs;
  const load = isKnown(i.rate) ? `${amount(i.rate)} requests/s` : isKnown(i.concurrency) ? `${amount(i.concurrency)} in flight` : words(e.serving?.load ?? '');
  const size = m ? `, ${large(m.parameters)} parameters, ${large(m.active_incl_embeddings)} active` : '';
  return `${modelName(e)}${size}; ${load}; ${amount(i.isl)} prompt + ${amount(i.osl)} output tokens`;
};

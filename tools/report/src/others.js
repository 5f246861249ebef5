// SPDX-License-Identifier: Apache-2.0
// Designs, validations, differences, and rows of a sweep.
import { axis, linked, logNumber, logScale, near, picture } from './charts.js';
import { card, el, list, table } from './dom.js';
import { amount, isKnown, large, money, percent, seconds, shown, titleOf, words } from './numbers.js';
import { deploymentName, modelLine } from './deployment.js';
import { frontierPicture } from './plan.js';

// --- validate ---------------------------------------------------------------------------------------------------------

/** `unit` of the axes, which are `factor` times the figure. */
function measuredPicture(points, key, title, unit, factor, show) {
  const link = linked();
  const rows = points.filter((p) => p.measured[key] > 0 && p.predicted[key] > 0).map((p, id) => ({ ...p, id, ratio: p.predicted[key] / p.measured[key] }));
  if (!rows.length) return null;
  const values = rows.flatMap((r) => [r.measured[key] * factor, r.predicted[key] * factor]);
  const ends = [values.reduce((a, b) => Math.min(a, b)) / 1.2, values.reduce((a, b) => Math.max(a, b)) * 1.2];
  const lines = [[1, 'equal'], [1.2, '+20 %'], [1 / 1.2, '-20 %']].flatMap(([f, name]) => ends.map((x) => ({ x, y: x * f, name, solid: f === 1 })));
  const scale = { type: 'log', domain: ends, nice: false };
  const figure = picture(`${title}, predicted against measured`, `${amount(rows.length)} points; lines: equal and 20 % apart`, (_w, narrow) => ({
    layer: [
      { data: { values: lines }, mark: { type: 'line', strokeWidth: 1, color: '#888888', clip: true },
        encoding: { x: { field: 'x', type: 'quantitative', scale }, y: { field: 'y', type: 'quantitative', scale }, detail: { field: 'name' },
                    strokeDash: { field: 'solid', type: 'nominal', scale: { domain: [true, false], range: [[1, 0], [4, 3]] }, legend: null } } },
      { data: { values: rows.map((r) => ({ id: r.id, x: factor * r.measured[key], y: factor * r.predicted[key], engine: r.engine,
          tip: { point: r.point, model: r.model, gpu: r.gpu, engine: r.engine, measured: show(r.measured[key]), predicted: show(r.predicted[key]), 'predicted/measured': amount(r.ratio) } })) },
        mark: { type: 'point', filled: true, opacity: 0.65 },
        encoding: { x: { field: 'x', type: 'quantitative', scale, axis: axis(`measured ${unit}`, { tickCount: narrow ? 3 : 5, format: logNumber }) },
                    y: { field: 'y', type: 'quantitative', scale, axis: axis(`predicted ${unit}`, { tickCount: 5, format: logNumber }) },
                    size: { condition: near(180, 30)[0], value: 30 },
                    color: { field: 'engine', type: 'nominal', legend: { title: null, orient: 'bottom' } }, tooltip: { field: 'tip' } } },
    ],
  }), { link, height: 380 });
  return { figure, link, rows };
}

function errorTable(v) {
  const row = (name, g) => ({ name, g });
  const rows = [row('all', v.overall), ...(v.by || []).map((g) => row(`${g.dimension}: ${g.name}`, g))];
  const column = (title, of, key, show) => ({ title, number: true, value: (r) => (r.g[of].rows > 0 ? r.g[of][key] : null), show });
  return table([{ title: '', value: (r) => r.name }, column('points', 'output_throughput', 'rows', amount), column('throughput, median error', 'output_throughput', 'median_ape', percent),
    column('ratio', 'output_throughput', 'median_ratio', amount), column('within 20 %', 'output_throughput', 'within_20_percent', percent),
    column('TPOT, median error', 'tpot', 'median_ape', percent), column('TTFT, median error', 'ttft', 'median_ape', percent)], rows);
}

export const validateTitle = (v) => !(v.overall.output_throughput.rows > 0) ? `${amount(v.predicted)} points predicted` : `Throughput is predicted to ${percent(v.overall.output_throughput.median_ape)} in the median, on ${amount(v.predicted)} points`;

export function validateSection(v) {
  const o = v.overall;
  const points = (v.points || []).map((p) => ({ ...p, point: p.id }));
  const throughput = measuredPicture(points, 'output_tokens_per_s_per_gpu', 'Throughput', 'output tokens/s per GPU', 1, amount);
  const tpot = measuredPicture(points, 'tpot_s', 'Time per output token', 'ms', 1e3, seconds);
  const ttft = measuredPicture(points, 'ttft_s', 'Time to first token', 'ms', 1e3, seconds);
  const main = throughput || tpot || ttft;
  return el('div', {},
    el('div', { class: 'cards' }, card('points predicted', amount(v.predicted), `of ${amount(v.rows)}`),
      ...[['throughput', o.output_throughput], ['TPOT', o.tpot], ['TTFT', o.ttft]].filter(([, s]) => s.rows > 0)
        .map(([name, s]) => card(`${name}, median error`, percent(s.median_ape), `${percent(s.within_20_percent)} within 20 %; ratio ${amount(s.median_ratio)}`))),
    points.length ? el('div', { class: 'pair' }, throughput?.figure, tpot?.figure, ttft?.figure) : el('p', {}, 'This answer holds no single points: write it again with this version.'),
    errorTable(v),
    main ? table([{ title: 'point', value: (r) => r.point }, { title: 'model', value: (r) => r.model }, { title: 'gpu', value: (r) => r.gpu }, { title: 'engine', value: (r) => r.engine },
      { title: 'tokens/s per GPU', number: true, value: (r) => r.predicted.output_tokens_per_s_per_gpu, show: amount }, { title: 'measured', number: true, value: (r) => r.measured.output_tokens_per_s_per_gpu, show: amount },
      { title: 'ratio', number: true, value: (r) => r.ratio, show: amount }], main.rows.slice(0, 3000), { link: main.link, tall: true }) : null,
    list(Object.entries(v.skipped || {}).map(([reason, n]) => `${amount(n)} skipped: ${reason}`)));
}

// --- design -----------------------------------------------------------------------------------------------------------

const shape = (m) => `E${m.experts} k${m.top_k} g${m.granularity}${m.shared_experts ? ` s${m.shared_experts}` : ''}`;
const memberTip = (m) => ({ model: shape(m), active: large(m.active), total: large(m.total), 'training tokens': large(m.tokens), loss: amount(m.loss),
  'USD per M tokens': money(m.usd_per_mtok), gpu: m.gpu, 'training USD': money(m.training_usd) });

export const designTitle = (d) => d.winner ? `${shape(d.winner)}: ${large(d.winner.active)} active of ${large(d.winner.total)}, ${money(d.winner.usd_per_mtok)} per million tokens` : 'No design is within the limits';

export function designSection(d) {
  const w = d.winner;
  const byExperts = d.by_experts || [];
  const members = d.frontier || [];
  const link = linked();
  const frontier = members.length ? picture('Loss against price', 'members that nothing beats in both', () => ({
    data: { values: members.map((m, id) => ({ id, x: m.usd_per_mtok, y: m.loss, experts: m.experts, tip: memberTip(m) })) },
    mark: { type: 'point', filled: true },
    encoding: { x: { field: 'x', type: 'quantitative', scale: logScale, axis: axis('USD per million tokens', { format: logNumber, tickCount: 5 }) },
                y: { field: 'y', type: 'quantitative', scale: { zero: false, nice: false, padding: 12 }, axis: axis('loss') },
                size: { condition: near(180, 45)[0], value: 45 },
                color: { field: 'experts', type: 'ordinal', legend: { title: 'experts', orient: 'bottom' }, scale: { scheme: 'viridis' } }, tooltip: { field: 'tip' } },
  }), { link, height: 330 }) : null;
  const experts = byExperts.length > 1 ? picture('Price at equal loss, by experts', 'the cheapest of each', () => ({
    data: { values: byExperts.map((m) => ({ x: m.experts, y: m.usd_per_mtok, tip: memberTip(m) })) },
    mark: { type: 'line', point: { size: 60 } },
    encoding: { x: { field: 'x', type: 'quantitative', scale: { type: 'log', base: 2 }, axis: axis('experts', { values: byExperts.map((m) => m.experts), format: 'd' }) },
                y: { field: 'y', type: 'quantitative', axis: axis('USD per million tokens') }, tooltip: { field: 'tip' } },
  }), { height: 330 }) : null;
  const columns = [{ title: 'model', value: shape }, { title: 'active', number: true, value: (m) => m.active, show: large }, { title: 'total', number: true, value: (m) => m.total, show: large },
    { title: 'training tokens', number: true, value: (m) => m.tokens, show: large }, { title: 'loss', number: true, value: (m) => m.loss, show: (x) => x.toFixed(4) },
    { title: '$/M tokens', number: true, value: (m) => m.usd_per_mtok, show: money }, { title: 'training $', number: true, value: (m) => m.training_usd, show: money },
    { title: 'gpu', value: (m) => m.gpu }, { title: 'TPOT', number: true, value: (m) => m.tpot_s, show: seconds }];
  return el('div', {},
    w ? el('div', { class: 'cards' }, card('per million tokens', money(w.usd_per_mtok), d.base ? `${money(d.base.usd_per_mtok)} the one it equals` : null), card('loss', w.loss.toFixed(4), isKnown(d.max_loss) ? `${d.max_loss.toFixed(4)} allowed` : null),
      card('active parameters', large(w.active), `of ${large(w.total)}`), card('training', money(w.training_usd), `${large(w.tokens)} tokens`), card('served on', w.gpu, `TPOT ${seconds(w.tpot_s)}`)) : null,
    el('div', { class: 'pair' }, frontier, experts),
    members.length ? table(columns, members.map((m, id) => ({ ...m, id })), { link, tall: true }) : null,
    byExperts.length ? el('div', {}, el('h3', {}, 'Best of each number of experts'), table(columns, byExperts)) : null,
    w && w.estimate ? el('pre', {}, w.estimate) : null, list(d.notes));
}

// --- diff -------------------------------------------------------------------------------------------------------------

export const diffTitle = (d) => {
  const f = (d.explained || [])[0];
  const from = d.figures?.find((x) => x.figure === f?.figure);
  return f && from && from.a ? `${titleOf(f.figure)}: ${shown(f.figure, from.a)} becomes ${shown(f.figure, from.b)} (${f.change > 0 ? '+' : ''}${percent(f.change / from.a)})` : 'Two deployments';
};

function explainedPicture(x) {
  const rows = [...x.moves.map((m) => ({ part: m.inputs, value: m.alone })), { part: 'interaction', value: x.interaction }, { part: 'all', value: x.change }].filter((r) => isKnown(r.value));
  const sign = (v) => `${v < 0 ? '-' : '+'}${shown(x.figure, Math.abs(v))}`;
  return picture(titleOf(x.figure), 'change by each input, moved alone', (_w, narrow) => ({
    data: { values: rows.map((r, i) => ({ ...r, i, more: r.value > 0, text: sign(r.value), tip: { input: r.part, change: sign(r.value), 'of the change': percent(r.value / x.change) } })) },
    encoding: { y: { field: 'part', type: 'nominal', sort: { field: 'i' }, title: null, axis: { labelLimit: narrow ? 110 : 240 } }, x: { field: 'value', type: 'quantitative', axis: axis(null, { tickCount: 5 }) } },
    layer: [{ mark: { type: 'bar', height: { band: 0.65 } }, encoding: { color: { field: 'more', type: 'nominal', legend: null, sort: [false, true] }, tooltip: { field: 'tip' } } }],
  }), { height: 50 + 26 * rows.length });
}

export function diffSection(d) {
  const side = (s, name) => el('div', {}, el('h3', {}, `${name}: ${s.name}`), el('p', { class: 'faint' }, `${deploymentName(s.estimate)}; ${modelLine(s.estimate)}`), el('pre', {}, s.estimate.command));
  return el('div', {}, el('div', { class: 'pair' }, side(d.a, 'A'), side(d.b, 'B')),
    el('h3', {}, 'Inputs that differ'), table([{ title: 'input', value: (r) => r.input }, { title: 'A', value: (r) => r.a }, { title: 'B', value: (r) => r.b }], d.inputs || []),
    el('div', { class: 'pair' }, (d.explained || []).map(explainedPicture)),
    el('h3', {}, 'Figures that differ'), table([{ title: 'figure', value: (r) => titleOf(r.figure) }, { title: 'A', number: true, value: (r) => r.a, show: (x) => x }, { title: 'B', number: true, value: (r) => r.b }, { title: 'change', number: true, value: (r) => (r.a ? r.b / r.a - 1 : null), show: (x) => `${x > 0 ? '+' : ''}${(100 * x).toFixed(1)} %` }]
      .map((c) => (c.title === 'A' || c.title === 'B' ? { ...c, value: (r) => shown(r.figure, c.title === 'A' ? r.a : r.b) } : c)), d.figures || []));
}

// --- rows of a sweep --------------------------------------------------------------------------------------------------

const isFrontier = (rows) => rows.length > 0 && 'beats_all' in rows[0];
export const rowsTitle = (d) => (isFrontier(d.rows) ? 'Tokens/s per GPU against tokens/s per user' : `${amount(d.rows.length)} rows of a sweep`);

export function rowsSection(d) {
  if (isFrontier(d.rows)) return frontierPicture(d.rows);
  const rows = d.rows.map((r, id) => ({ ...r, id }));
  const keys = Object.keys(d.rows[0] || {});
  const numeric = keys.filter((k) => rows.some((r) => isKnown(r[k])));
  if (!numeric.length) return el('p', {}, 'No column holds numbers.');
  const several = keys.filter((k) => { const n = new Set(rows.map((r) => r[k])).size; return n > 1 && n <= 12; });
  const first = (wanted, otherwise) => wanted.find((k) => numeric.includes(k)) || otherwise;
  const chosen = { x: first(['tokens_per_s_per_user', 'tpot_s', 'concurrency', 'rate'], numeric[0]), y: first(['output_tokens_per_s_per_gpu', 'usd_per_mtok_output', 'output_tokens_per_s'], numeric[numeric.length - 1]),
                   colour: several.find((k) => ['gpu', 'model', 'engine', 'tp'].includes(k)) || several[0] || null };
  const holder = el('div');
  const drawRows = () => {
    const link = linked();
    const usable = rows.filter((r) => isKnown(r[chosen.x]) && isKnown(r[chosen.y]));
    const wide = (k) => { const v = usable.map((r) => r[k]).filter((x) => x > 0); return v.length === usable.length && Math.max(...v) > 30 * Math.min(...v); };
    const scaleOf = (k) => (wide(k) ? logScale : { zero: false });
    const ticks = (k, count) => (wide(k) ? { tickCount: count, format: logNumber } : { tickCount: count });
    const figure = picture(`${titleOf(chosen.y)} against ${titleOf(chosen.x)}`, `${amount(usable.length)} points`, (_w, narrow) => ({
      data: { values: usable.map((r) => ({ id: r.id, x: r[chosen.x], y: r[chosen.y], c: chosen.colour ? String(r[chosen.colour]) : 'all', tip: Object.fromEntries(keys.slice(0, 14).map((k) => [words(k), shown(k, r[k])])) })) },
      mark: { type: 'point', filled: true, opacity: 0.8 },
      encoding: { x: { field: 'x', type: 'quantitative', scale: scaleOf(chosen.x), axis: axis(titleOf(chosen.x), ticks(chosen.x, narrow ? 4 : 8)) },
                  y: { field: 'y', type: 'quantitative', scale: scaleOf(chosen.y), axis: axis(titleOf(chosen.y), ticks(chosen.y, 6)) },
                  size: { condition: near(180, 45)[0], value: 45 },
                  color: { field: 'c', type: 'nominal', legend: chosen.colour ? { title: words(chosen.colour), orient: 'bottom' } : null }, tooltip: { field: 'tip' } },
    }), { link, height: 380 });
    const shownRows = rows.slice(0, 2000);
    holder.replaceChildren(figure, table(keys.map((k) => ({ title: words(k), number: numeric.includes(k), value: (r) => r[k], show: (v) => shown(k, v) })), shownRows, { link, tall: true }),
      shownRows.length < rows.length ? el('p', { class: 'faint' }, `the table shows the first ${amount(shownRows.length)} of ${amount(rows.length)} rows`) : '');
    document.dispatchEvent(new Event('redraw'));
  };
  const select = (label, key, options) => el('label', {}, `${label} `, el('select', { on: { change: (event) => { chosen[key] = event.target.value || null; drawRows(); } } },
    options.map((o) => el('option', { value: o ?? '', selected: o === chosen[key] }, o ? titleOf(o) : 'none'))));
  drawRows();
  return el('div', {}, el('div', { class: 'controls' }, select('across', 'x', numeric), select('up', 'y', numeric), select('colour', 'colour', [null, ...several])), holder);
}

/** Several estimates side by side. */
export function comparisonTable(estimates) {
  return table([{ title: 'deployment', value: (e) => deploymentName(e) }, { title: 'model', value: (e) => e.inputs.model || e.model?.name },
    { title: '$/h', number: true, value: (e) => e.cost?.usd_per_hour, show: money }, { title: '$/M output', number: true, value: (e) => e.cost?.usd_per_mtok_output, show: money },
    { title: 'output tokens/s', number: true, value: (e) => e.serving?.output_tokens_per_s, show: amount }, { title: 'TTFT', number: true, value: (e) => e.serving?.ttft_s, show: seconds },
    { title: 'TPOT', number: true, value: (e) => e.serving?.tpot_s, show: seconds }, { title: 'in decode', value: (e) => e.serving?.decode_bound }], estimates);
}

// SPDX-License-Identifier: Apache-2.0
// Reads the results that stand in the page and draws them, the answer first.
import { drawAll } from './charts.js';
import { el } from './dom.js';
import { comparisonTable, designSection, designTitle, diffSection, diffTitle, rowsSection, rowsTitle, validateSection, validateTitle } from './others.js';
import { deploymentName, deploymentSection, estimateCards, modelLine } from './deployment.js';
import { setTitles } from './numbers.js';
import { planSection, planTitle } from './plan.js';

const estimateTitle = (d) => (d.estimates.length === 1 ? deploymentName(d.estimates[0]) : `${d.estimates.length} deployments side by side`);

function estimateSection(d, deployments) {
  const parts = d.estimates.map((e, i) => el('div', {}, d.estimates.length > 1 ? el('h3', {}, deploymentName(e)) : null,
    el('p', { class: 'faint' }, modelLine(e)), estimateCards(e), deploymentSection(e, deployments && deployments[i])));
  return el('div', {}, d.estimates.length > 1 ? comparisonTable(d.estimates) : null, parts);
}

const kinds = {
  estimate: [estimateTitle, estimateSection], plan: [planTitle, planSection], design: [designTitle, designSection],
  validate: [validateTitle, validateSection], diff: [diffTitle, diffSection], rows: [rowsTitle, rowsSection],
};

function draw() {
  const report = JSON.parse(document.getElementById('results').textContent);
  const page = document.getElementById('page');
  const { results } = report;
  setTitles(report.figures);
  const heads = results.map((r) => kinds[r.kind][0](r.document));
  const title = report.title || heads[0];
  document.title = `${title} - moecost`;
  page.append(el('h1', {}, title), el('p', { class: 'faint' }, `moecost ${report.version}: ${results.map((r) => r.file).join(', ')}`));
  results.forEach((r, i) => {
    if (results.length > 1 || report.title) page.append(el('h2', {}, heads[i]), el('p', { class: 'faint' }, `${r.kind}: ${r.file}`));
    page.append(kinds[r.kind][1](r.document, r.deployments));
  });
  document.addEventListener('redraw', drawAll);
  drawAll();
}

draw();
document.body.setAttribute('data-drawn', 'true');

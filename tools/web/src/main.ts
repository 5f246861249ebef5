// SPDX-License-Identifier: Apache-2.0
import { show, showPlan } from './answer';
import { element } from './dom';
import * as engine from './engine';
import * as form from './form';
import { fromHash, toHash } from './link';

let model = '';
const ownModel = (name: string, text: string): void => {
  model = text;
  engine.file(name, text);
};

const save = (name: string, type: string, text: string): void => {
  const link = element('a', { href: URL.createObjectURL(new Blob([text], { type })), download: name }) as HTMLAnchorElement;
  link.click();
  URL.revokeObjectURL(link.href);
};

const button = (name: string, act: () => void): HTMLElement => {
  const b = element('button', { type: 'button' }, name);
  b.addEventListener('click', act);
  return b;
};

const main = async (): Promise<void> => {
  await engine.load();
  const tables = engine.tables();
  const adopt = (): void => {
    const linked = fromHash(location.hash);
    if (!linked) return;
    if (linked.model) ownModel('config.json', linked.model);
    form.replace(linked.question);
  };
  let waiting = false;
  const draw = (): void => {
    waiting = false;
    const question = form.current();
    history.replaceState(null, '', toHash(question, question.model === 'config.json' ? model : ''));
    show(tables, question);
  };
  const changed = (): void => {
    if (!waiting) requestAnimationFrame(draw);
    waiting = true;
  };
  adopt();
  form.build(tables, changed, ownModel);
  window.addEventListener('hashchange', () => { adopt(); form.build(tables, changed, ownModel); changed(); });
  const planned = element('div', { 'aria-live': 'polite' });
  document.getElementById('answer')!.append(element('div', { class: 'buttons' },
    button('Search every deployment', () => showPlan(form.current(), planned)),
    button('Copy the link', () => void navigator.clipboard?.writeText(location.href)),
    button('JSON', () => save('estimate.json', 'application/json', engine.estimateText(form.current()))),
    button('CSV', () => save('estimate.csv', 'text/csv', engine.csv(form.current())))), planned);
  document.getElementById('footer')!.textContent = `moecost ${tables.version}. Numbers are those of the command moecost estimate.`;
  draw();
  (globalThis as any).moecost = { ...engine, tables_: tables };
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
};

main().catch((error) => { document.getElementById('status')!.textContent = `This browser cannot run the laws: ${error}`; });

// SPDX-License-Identifier: Apache-2.0
// The planner page in a headless Chromium, opened from disk: the same answers as the program, how soon, for whom.
//   node planner.mjs PAGE MOECOST NODE_MODULES CHROMIUM [PICTURES]
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const [page_, program, modules, chromium, pictures] = process.argv.slice(2).map((p, i) => (i === 2 || i === 0 ? resolve(p) : p));
const require = createRequire(join(modules, 'x.js'));
const puppeteer = require('puppeteer-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const questions = 200;
let failures = 0;
const check = (holds, what) => { if (!holds) { failures += 1; console.log(`FAILED: ${what}`); } };

let seed = 25;
const random = () => { seed = (seed * 1103515245 + 12345) % 2147483648; return seed / 2147483648; };
const one = (list) => list[Math.floor(random() * list.length)];
const whole = (low, high) => String(Math.floor(low + random() * (high - low + 1)));
const questionOf = (tables, i) => {
  const q = { model: one(tables.models), gpu: i % 3 ? one(['h200_sxm', 'b200_sxm', 'h100_sxm', 'mi300x']) : one(tables.gpus), tp: one(['1', '2', '4', '8']),
              isl: whole(16, 20000), osl: whole(16, 4000), engine: one(['vllm', 'sglang', 'trtllm', 'ideal']) };
  const load = one(['concurrency', 'rate', 'static-batch', 'burst', 'decode-only']);
  q[load] = load === 'rate' ? (10 ** (2 * random() - 1)).toFixed(3) : whole(1, 512);
  if (random() < 0.3) q.cached = (0.9 * random()).toFixed(3);
  if (random() < 0.3) q['slo-tpot'] = '100ms';
  return q;
};

const words = (q) => Object.entries(q).map(([k, v]) => `--${k}=${v}`);
const run = (q, ...more) => spawnSync(program, ['estimate', ...words(q), ...more], { encoding: 'utf8', env: { ...process.env, COLUMNS: '80' } });

/// Largest relative difference of two documents, numbers against numbers; infinity where they differ otherwise.
const difference = (a, b) => {
  if (typeof a === 'number' && typeof b === 'number') return a === b ? 0 : Math.abs(a - b) / Math.max(Math.abs(a), Math.abs(b));
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return a === b ? 0 : Infinity;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return Math.max(0, ...[...keys].map((k) => difference(a[k], b[k])));
};

const browser = await puppeteer.launch({ executablePath: chromium, headless: true, args: ['--no-sandbox', '--disable-gpu'], userDataDir: mkdtempSync(join(tmpdir(), 'planner-')) });
const open = async (hash = '', options = {}) => {
  const tab = await browser.newPage();
  const requests = [], errors = [];
  tab.on('request', (r) => { if (!/^(file|data|blob):/.test(r.url())) requests.push(r.url()); });
  tab.on('pageerror', (e) => errors.push(String(e)));
  tab.on('console', (m) => { if (m.type() === 'error') errors.push(m.text()); });
  if (options.scripts === false) await tab.setJavaScriptEnabled(false);
  if (options.dark) await tab.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
  await tab.setViewport({ width: options.width ?? 1280, height: options.height ?? 900 });
  await tab.goto(`file://${page_}${hash}`);
  if (options.scripts !== false) await tab.waitForFunction(() => document.documentElement.dataset.ready, { timeout: 120000 });
  return { tab, requests, errors };
};
const picture = async (tab, name) => { if (pictures) await tab.screenshot({ path: join(pictures, `${name}.png`), fullPage: true }); };

const size = statSync(page_).size;
check(size < 6e6, `the page has ${size} bytes`);
const { tab, requests, errors } = await open();
const ready = Number(await tab.evaluate(() => document.documentElement.dataset.ready));
console.log(`page of ${size} bytes, first answer after ${ready} ms`);
await picture(tab, 'wide');

// Numbers.
const tables = await tab.evaluate(() => globalThis.moecost.tables());
let texts = 0, largest = 0, answered = 0;
for (let i = 0; i < questions; ++i) {
  const q = questionOf(tables, i);
  const [json, text] = await tab.evaluate((x) => [globalThis.moecost.estimateText(x), globalThis.moecost.text(x)], q);
  const native = run(q, '--format=json');
  if (native.status === 2) { check(JSON.parse(json).problem === 'input', `refused by the program alone: ${words(q).join(' ')}`); continue; }
  const d = difference(JSON.parse(json), JSON.parse(native.stdout));
  largest = Math.max(largest, d);
  check(d <= 1e-12, `numbers differ by ${d}: ${words(q).join(' ')}`);
  const printed = run(q);
  if (printed.stdout) { answered += 1; texts += text === printed.stdout; check(text === printed.stdout, `text differs: ${words(q).join(' ')}`); }
}
console.log(`${questions} questions, ${answered} answered; ${texts} texts equal in every digit, largest relative difference ${largest}`);
check(answered > questions / 5, 'too few questions have an answer');

// Speed of what is drawn while a slider moves.
const speed = await tab.evaluate(() => {
  const values = Array.from({ length: 4000 }, (_, i) => 1 + i / 20);
  const start = performance.now();
  globalThis.moecost.draw({ model: 'deepseek-v3', gpu: 'h200_sxm', engine: 'sglang', tp: '8', isl: '4000', osl: '1000', concurrency: '64' }, 'concurrency', values, ['usd_per_mtok_output']);
  return (1000 * values.length) / (performance.now() - start);
});
console.log(`${Math.round(speed)} evaluations per second`);

// A slider moves the answer, and the link brings the question back.
const before = await tab.$eval('#headline', (e) => e.textContent);
await tab.focus('[aria-label="concurrency, by a slider"]');
for (let i = 0; i < 40; ++i) await tab.keyboard.press('ArrowRight');
await tab.waitForFunction((text) => document.getElementById('headline').textContent !== text, {}, before);
const moved = await tab.$eval('#headline', (e) => e.textContent);
const link = await tab.evaluate(() => location.hash);
const again = await open(link);
check((await again.tab.$eval('#headline', (e) => e.textContent)) === moved, 'the link does not bring the question back');

// A config.json that is pasted. A page draws only where it is seen.
await tab.bringToFront();
const config = '{"model_type": "mixtral", "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8, "num_local_experts": 8, "num_experts_per_tok": 2, "vocab_size": 32000, "torch_dtype": "bfloat16", "architectures": ["MixtralForCausalLM"]}';
await tab.$eval('textarea', (e, text) => { e.value = text; e.dispatchEvent(new Event('change')); }, config);
await tab.waitForFunction(() => /config=/.test(location.hash));
check(await tab.$eval('#status', (e) => !/problem/.test(e.innerHTML)), `the pasted model has no answer: ${await tab.$eval('#status', (e) => e.textContent)}`);
const own = await open(await tab.evaluate(() => location.hash));
check((await own.tab.$eval('#headline', (e) => e.textContent)) === (await tab.$eval('#headline', (e) => e.textContent)), 'the link does not hold the pasted model');

// A search over deployments.
const planning = await open('#model=gpt-oss-120b&gpu=h200_sxm&rate=20&isl=1000&osl=300&slo-tpot=30ms');
await planning.tab.evaluate(() => [...document.querySelectorAll('button')].find((b) => /Search/.test(b.textContent)).click());
await planning.tab.waitForSelector('#answer table tr td');
const deployment = await planning.tab.evaluate(() => [...document.querySelectorAll('#answer .scroll table')].pop().querySelector('td').textContent);
const native = JSON.parse(execFileSync(program, ['plan', '--model=gpt-oss-120b', '--gpu=h200_sxm', '--rate=20', '--isl=1000', '--osl=300', '--slo-tpot=30ms', '--format=json'], { encoding: 'utf8' }));
check(deployment === native.answer.deployment, `the search says ${deployment}, the program ${native.answer.deployment}`);

// Who listens, who is in the dark, who holds a phone, who has no scripts.
for (const [name, options] of [['dark', { dark: true }], ['phone', { width: 390, height: 844 }]]) {
  const { tab: other } = await open('', options);
  await picture(other, name);
  check(await other.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name}: the page is wider than the window`);
  const session = await other.createCDPSession();   // the policy of the page lets no other script in
  await session.send('Page.setBypassCSP', { enabled: true });
  await other.reload();
  await other.waitForFunction(() => document.documentElement.dataset.ready);
  await other.evaluate(axe);
  const found = await other.evaluate(() => globalThis.axe.run());
  for (const v of found.violations) check(false, `${name}: ${v.id}: ${v.help} (${v.nodes[0].html.slice(0, 120)})`);
  console.log(`${name}: axe-core, ${found.passes.length} rules hold, ${found.violations.length} broken`);
}
const plain = await open('', { scripts: false });
check(/What a token of a language model costs/.test(await plain.tab.$eval('body', (e) => e.innerText)), 'without scripts the page does not say what it is');

check(requests.length === 0, `requests: ${requests}`);
check(errors.length === 0, `errors: ${errors}`);
await browser.close();
console.log(failures === 0 ? 'all passed' : `${failures} failed`);
process.exit(failures > 0 ? 1 : 0);

// SPDX-License-Identifier: Apache-2.0
// Opens pages in a headless Chromium and tells what became of them:
// browser.mjs CHROMIUM [--wide PAGE.html...] [--each PAGE.html...] [--shots FOLDER]
// Those after --wide on a wide screen, those after --each on a phone, dark and printed too; --shots keeps pictures of them.
// A page passes when it drew itself, its console holds no error or warning, and nothing but the page itself was asked for.
// Speaks the DevTools protocol over a pipe, so that no port is opened and no package is needed.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [chromium, ...rest] = process.argv.slice(2);
const lists = { '--wide': [], '--each': [], '--shots': [] };
let list = null;
for (const word of rest) {
  if (word in lists) list = lists[word];
  else list.push(word);
}
const [shots] = lists['--shots'];
const profile = mkdtempSync(join(tmpdir(), 'moecost-report-'));
const browser = spawn(chromium, ['--headless', '--no-sandbox', '--disable-gpu', '--remote-debugging-pipe', '--no-first-run',
                                 '--disable-background-networking', '--disable-component-update', '--hide-scrollbars', '--disable-dev-shm-usage',
                                 `--user-data-dir=${profile}`, 'about:blank'],
                      { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
const waiting = new Map();
let listener = () => {};
let text = '';
let next = 0;
browser.stdio[4].on('data', (bytes) => {
  text += bytes.toString('utf8');
  for (let end = text.indexOf('\0'); end >= 0; end = text.indexOf('\0')) {
    const message = JSON.parse(text.slice(0, end));
    text = text.slice(end + 1);
    if (message.id !== undefined) {
      const { done, failed } = waiting.get(message.id);
      waiting.delete(message.id);
      if (message.error) failed(new Error(message.error.message));
      else done(message.result);
    } else listener(message);
  }
});
const send = (method, params = {}, sessionId) => new Promise((done, failed) => {
  next += 1;
  waiting.set(next, { done, failed });
  browser.stdio[3].write(`${JSON.stringify({ id: next, method, params, sessionId })}\0`);
});

/** Everything that a page does on one kind of screen. */
async function visit(file, { width, height, dark = false, print = false, shot = null }) {
  const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
  const url = pathToFileURL(resolve(file)).href;
  const faults = [];
  listener = ({ method, params }) => {
    if (method === 'Runtime.exceptionThrown') faults.push(`exception: ${params.exceptionDetails.exception?.description || params.exceptionDetails.text}`);
    if (method === 'Runtime.consoleAPICalled' && ['error', 'warning', 'assert'].includes(params.type))
      faults.push(`console ${params.type}: ${params.args.map((a) => a.value ?? a.description).join(' ')}`);
    if (method === 'Log.entryAdded' && ['error', 'warning'].includes(params.entry.level)) faults.push(`log: ${params.entry.text}`);
    if (method === 'Network.requestWillBeSent' && params.request.url !== url && !/^(data|blob):/.test(params.request.url)) faults.push(`request: ${params.request.url}`);
    if (method === 'Page.javascriptDialogOpening') faults.push(`a dialog opened: ${params.message}`);
  };
  const call = (method, params) => send(method, params, sessionId);
  for (const domain of ['Runtime', 'Log', 'Network', 'Page']) await call(`${domain}.enable`);
  await call('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: width < 500 });
  await call('Emulation.setEmulatedMedia', { media: print ? 'print' : '', features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }] });
  await call('Page.navigate', { url });
  const ask = async (expression) => (await call('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true })).result.value;
  const drawn = await ask(`new Promise((done) => { const look = (left) => {
    if (document.body && document.body.dataset.drawn) done(true); else if (left === 0) done(false); else setTimeout(() => look(left - 1), 50); }; look(2400); })`);
  if (!drawn) faults.push('the page did not finish drawing');
  const seen = JSON.parse(await ask(`JSON.stringify({ pictures: document.querySelectorAll('.picture').length,
    drawn: [...document.querySelectorAll('.picture')].filter((p) => p.querySelector('svg') && p.querySelector('svg').getBoundingClientRect().width > 100).length,
    images: document.querySelectorAll('#page img, #page script, #page iframe').length, text: document.getElementById('page').innerText.length,
    wide: document.documentElement.scrollWidth > document.documentElement.clientWidth + 1, title: document.title })`));
  if (seen.drawn < seen.pictures) faults.push(`${seen.pictures - seen.drawn} of ${seen.pictures} pictures are empty`);
  if (seen.images > 0) faults.push('text of a result became an element');
  if (seen.text < 200) faults.push('the page is next to empty');
  if (seen.wide && !print) faults.push(`the page is wider than a screen of ${width}`);
  // Every saved picture is a whole SVG with a drawing in it.
  if (!dark && !print && width > 500) {
    const saved = JSON.parse(await ask(`(async () => { const sizes = []; const make = URL.createObjectURL; let text = Promise.resolve('');
      URL.createObjectURL = (blob) => { text = blob.text(); return make(blob); }; const click = HTMLAnchorElement.prototype.click; HTMLAnchorElement.prototype.click = () => {};
      for (const b of document.querySelectorAll('figure button')) { if (b.textContent !== 'SVG') continue; text = null; b.click();
        for (let i = 0; i < 100 && !text; i += 1) await new Promise((r) => setTimeout(r, 10)); sizes.push((await text || '').includes('</svg>') ? 1 : 0); }
      HTMLAnchorElement.prototype.click = click; URL.createObjectURL = make; return JSON.stringify(sizes); })()`));
    if (saved.includes(0) || saved.length !== seen.pictures) faults.push(`saved ${saved.filter(Boolean).length} of ${seen.pictures} pictures`);
  }
  if (shot) {
    const { cssContentSize } = await call('Page.getLayoutMetrics');
    const clip = { x: 0, y: 0, width, height: Math.min(cssContentSize.height, 12000), scale: 1 };
    const { data } = await call('Page.captureScreenshot', { format: 'png', captureBeyondViewport: true, clip });
    writeFileSync(shot, Buffer.from(data, 'base64'));
  }
  await send('Target.closeTarget', { targetId });
  return { faults, seen };
}

const screens = { wide: { width: 1280, height: 900 }, phone: { width: 390, height: 800 }, dark: { width: 1280, height: 900, dark: true }, print: { width: 760, height: 1000, print: true, dark: true } };
let failed = 0;
try {
  for (const page of [...lists['--wide'], ...lists['--each']]) {
    for (const [name, screen] of Object.entries(screens)) {
      if (name !== 'wide' && !lists['--each'].includes(page)) continue;
      const shot = shots ? join(shots, `${basename(page, '.html')}-${name}.png`) : null;
      const { faults, seen } = await visit(page, { ...screen, shot });
      failed += faults.length > 0;
      console.log(`${faults.length ? 'FAILED' : 'passed'}: ${basename(page)} ${name}: ${seen.drawn} pictures, "${seen.title}"`);
      for (const fault of faults) console.log(`    ${fault}`);
    }
  }
} finally {
  browser.kill();
  await new Promise((done) => browser.once('exit', done));
  rmSync(profile, { recursive: true, force: true, maxRetries: 3 });
}
console.log(failed ? `${failed} failed` : 'all passed');
process.exit(failed ? 1 : 0);

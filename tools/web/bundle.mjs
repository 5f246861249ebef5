// SPDX-License-Identifier: Apache-2.0
// One page of HTML: script, style and the packed module stand in it; its policy allows these by their hashes, and nothing
// from anywhere else.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const hash = (text) => `'sha256-${createHash('sha256').update(text, 'utf8').digest('base64')}'`;
const minified = async (entry) => {
  const result = await build({ entryPoints: [entry], bundle: true, minify: true, write: false, charset: 'utf8', format: 'iife',
                               target: 'es2021', legalComments: 'none', external: ['fs', 'path'] });
  return result.outputFiles[0].text.trimEnd();
};

const script = (await minified('src/main.ts')).replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--');
const style = await minified('src/style.css');
const module = gzipSync(readFileSync('planner.wasm'), { level: 9 }).toString('base64');
const policy = ["default-src 'none'", `script-src ${hash(script)} 'wasm-unsafe-eval'`, `style-src ${hash(style)}`, 'img-src data:',
                "base-uri 'none'", "form-action 'none'"].join('; ');
const filled = readFileSync('src/page.html', 'utf8').replace('@POLICY@', () => policy).replace('@STYLE@', () => style)
  .replace('@MODULE@', () => module).replace('@SCRIPT@', () => script);
writeFileSync('planner.html', filled);
console.log(`planner.html: ${filled.length} bytes`);

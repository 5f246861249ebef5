// SPDX-License-Identifier: Apache-2.0
// One page of HTML: script and style stand in it, and its policy allows these two by their hashes and nothing else.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const hash = (text) => `'sha256-${createHash('sha256').update(text, 'utf8').digest('base64')}'`;
const minified = async (entry, options) => {
  const result = await build({ entryPoints: [entry], bundle: true, minify: true, write: false, charset: 'utf8',
                               legalComments: 'none', ...options });
  return result.outputFiles[0].text.trimEnd();
};

const script = (await minified('src/main.js', { format: 'iife', target: 'es2020' }))
  .replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--');
const style = await minified('src/style.css', {});
const policy = ["default-src 'none'", `script-src ${hash(script)}`, `style-src ${hash(style)}`, 'img-src data: blob:',
                "base-uri 'none'", "form-action 'none'"].join('; ');
const page = readFileSync('src/page.html', 'utf8');
const filled = page.replace('@POLICY@', () => policy).replace('@STYLE@', () => style).replace('@SCRIPT@', () => script);
writeFileSync('page.html', filled);
console.log(`page.html: ${filled.length} bytes`);

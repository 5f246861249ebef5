// SPDX-License-Identifier: Apache-2.0
// The library as WebAssembly: text in, text out, and series of numbers for pictures.
import planner from '../planner.js';

export type Question = Record<string, string>;
export interface Input { key: string; kind: string; unit: string; range: string; low: number; high: number; usual: string;
                         group: string; help: string; choices: string }
export interface Figure { key: string; label: string; heading: string; axis: string; kind: string; unit: string; group: string;
                          scope: string; headline: boolean }
export interface Tables { version: string; models: string[]; gpus: string[]; traffic: string[]; engines: string[];
                          inputs: Input[]; figures: Figure[] }
export interface Problem { problem: string; message: string; hint: string }

let module: any;

const bytesOf = async (text: string): Promise<Uint8Array> => {
  const packed = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
};

export const load = async (): Promise<void> => {
  const wasmBinary = await bytesOf(document.getElementById('module')!.textContent!.trim());
  module = await planner({ wasmBinary });
};

const said = (name: string, question: Question): string => module.ccall(name, 'string', ['string'], [JSON.stringify(question)]);

export const tables = (): Tables => JSON.parse(module.ccall('moecost_tables', 'string', [], []));
export const file = (name: string, text: string): boolean =>
  module.ccall('moecost_file', 'number', ['string', 'string'], [name, text]) === 0;
export const estimateText = (question: Question): string => said('moecost_estimate', question);
export const estimate = (question: Question): any => JSON.parse(estimateText(question));
export const shown = (question: Question): any => JSON.parse(said('moecost_shown', question));
export const text = (question: Question): string => said('moecost_text', question);
export const csv = (question: Question): string => said('moecost_csv', question);
export const launch = (question: Question): string => said('moecost_launch', question);
export const plan = (question: Question): any => JSON.parse(said('moecost_plan', question));

/// Figures at each value of one input: series[figure][value]; null: the question cannot be drawn.
export const draw = (question: Question, key: string, values: number[], figures: string[]): number[][] | null => {
  if (module.ccall('moecost_prepare', 'number', ['string'], [JSON.stringify(question)]) !== 0) return null;
  const at = module._malloc(8 * values.length);
  const out = module._malloc(8 * values.length * figures.length);
  module.HEAPF64.set(values, at / 8);
  const status = module.ccall('moecost_draw', 'number', ['string', 'number', 'number', 'string', 'number'],
                              [key, at, values.length, figures.join(' '), out]);
  const flat = Array.from(module.HEAPF64.subarray(out / 8, out / 8 + values.length * figures.length)) as number[];
  module._free(at);
  module._free(out);
  return status === 0 ? figures.map((_, j) => values.map((_v, i) => flat[i * figures.length + j])) : null;
};

// SPDX-License-Identifier: Apache-2.0
// Numbers as people read them: the same forms as the text of the program.

const known = (x) => typeof x === 'number' && Number.isFinite(x);
const significant = (x, digits = 3) => {
  if (x === 0) return '0';
  const decimals = Math.min(8, Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(x)))));
  return x.toFixed(decimals);
};
const grouped = (x) => Math.round(x).toLocaleString('en-US');

export const amount = (x) => !known(x) ? '-' : Number.isInteger(x) || Math.abs(x) >= 100 ? grouped(x) : significant(x);
export const money = (x) => !known(x) ? '-' : x >= 1000 ? `$${grouped(x)}` : x >= 10 ? `$${x.toFixed(2)}` : `$${significant(x)}`;
export const percent = (x) => !known(x) ? '-' : `${(100 * x).toFixed(Math.abs(x) < 0.095 && x !== 0 ? 1 : 0)} %`;
export const seconds = (x) => !known(x) ? '-' : x >= 60 ? `${significant(x / 60)} min` : x >= 1 ? `${significant(x)} s`
  : x >= 1e-3 ? `${significant(x * 1e3)} ms` : `${significant(x * 1e6)} us`;
export const bytes = (x) => !known(x) ? '-' : x >= 1e12 ? `${significant(x / 1e12)} TB` : x >= 1e9 ? `${significant(x / 1e9)} GB`
  : x >= 1e6 ? `${significant(x / 1e6)} MB` : `${grouped(x)} B`;
export const large = (x) => !known(x) ? '-' : x >= 1e12 ? `${significant(x / 1e12)} T` : x >= 1e9 ? `${significant(x / 1e9)} B`
  : x >= 1e6 ? `${significant(x / 1e6)} M` : amount(x);
export const words = (name) => String(name).replaceAll('_', ' ');
export const isKnown = known;

let titles = {};
/** Titles of figures as the program calls them on axes. */
export const setTitles = (figures) => { titles = figures || {}; };
export const titleOf = (key) => titles[key] || words(key);

/** How a figure is shown, by the unit at the end of its name. */
export function shown(key, value) {
  if (!known(value)) return value === null || value === undefined ? '-' : String(value);
  if (key.startsWith('usd_')) return money(value);
  if (/_bytes$/.test(key)) return bytes(value);
  if (/_s$/.test(key) && !/_per_s$/.test(key)) return seconds(value);
  if (/share$/.test(key)) return percent(value);
  return amount(value);
}

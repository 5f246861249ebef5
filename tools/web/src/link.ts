// SPDX-License-Identifier: Apache-2.0
// The whole question in the address, a pasted model included.
import { Question } from './engine';

const packed = (text: string): string => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
const unpacked = (text: string): string => new TextDecoder().decode(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)));

export const toHash = (question: Question, model: string): string => {
  const all = new URLSearchParams(question);
  if (model) all.set('config', packed(model));
  return `#${all}`;
};
export const fromHash = (hash: string): { question: Question; model: string } | null => {
  if (hash.length < 2) return null;
  const all = Object.fromEntries(new URLSearchParams(hash.slice(1)));
  const { config, ...question } = all;
  try {
    return { question, model: config ? unpacked(config) : '' };
  } catch {
    return { question, model: '' };
  }
};

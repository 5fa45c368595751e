// Finds the tokens of texts.

const SPLITS = [
  (text) => [...text],
  (text) => text.match(/[\p{L}\p{M}\p{N}']+/gu) ?? [],
  (text) => text.match(/[a-z0-9']+/gi) ?? [],
  (text) => text.trim().split(/\s+/),
];

/** Returns the tokens of each text. No signature says how its model splits texts, but `length`, of the longest, does. */
export function tokensOf(texts, length) {
  const found = SPLITS.map((split) => texts.map(split)).find((rows) => Math.max(...rows.map((row) => row.length)) === length);
  return found ?? texts.map(() => Array.from({ length }, (_, at) => String(at + 1)));
}

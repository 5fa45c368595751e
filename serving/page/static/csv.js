// Reads a series from CSV text.

/** Returns rows of `width` numbers. With a header, the columns named in `names` are read, otherwise the last columns. */
export function readSeries(text, width, names = []) {
  const lines = text.split(/\r?\n/).filter((line) => line.trim());
  const cells = lines.map((line) => line.trim().split(/[,;\t]|\s+/).map((cell) => cell.trim().replace(/^"(.*)"$/, "$1")));
  const isNumber = (cell) => cell !== "" && !Number.isNaN(Number(cell));
  let places = null;
  if (cells.length && !isNumber(cells[0].at(-1))) {
    const header = cells.shift();
    const found = names.map((name) => header.indexOf(name));
    if (found.length === width && found.every((place) => place >= 0)) places = found;
  }
  const rows = cells.map((row) => (places ? places.map((place) => row[place] ?? "") : row.slice(-width)));
  rows.forEach((row, at) => {
    if (row.length < width || !row.every(isNumber)) {
      throw new Error(`Expected ${width === 1 ? "a number" : `${width} numbers`} in line ${at + 1} of the series. Received: ${lines.at(at - rows.length)}`);
    }
  });
  if (!rows.length) throw new Error("The series is empty. Paste or drop some lines of numbers.");
  return rows.map((row) => row.map(Number));
}

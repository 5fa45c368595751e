// Writes PNG files. A canvas always writes four channels, but a model may expect one or three.

const BLOCK = 0xffff; // bytes, the most that a block without compression can have

/** Returns the bytes of a PNG file with one channel (grey) or three (colour), 8 bits each. */
export function encodePng({ height, width, channels, values }) {
  const rows = new Uint8Array(height * (width * channels + 1)); // each row begins with its filter: none
  values.forEach((value, at) => {
    const row = Math.floor(at / (width * channels));
    rows[at + row + 1] = Math.round(255 * Math.min(1, Math.max(0, value)));
  });
  const header = [...number(width), ...number(height), 8, channels === 1 ? 0 : 2, 0, 0, 0];
  return new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10, ...chunk("IHDR", header), ...chunk("IDAT", stored(rows)), ...chunk("IEND", [])]);
}

function number(value) {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

function chunk(type, content) {
  const body = [...type].map((letter) => letter.charCodeAt(0)).concat(Array.from(content));
  return [...number(content.length), ...body, ...number(crc32(body))];
}

/** Returns a zlib stream without compression. */
function stored(bytes) {
  const stream = [0x78, 0x01];
  for (let at = 0; at < bytes.length; at += BLOCK) {
    const part = bytes.subarray(at, at + BLOCK);
    const size = [part.length & 255, part.length >>> 8];
    stream.push(at + BLOCK >= bytes.length ? 1 : 0, ...size, ...size.map((byte) => byte ^ 255), ...part);
  }
  let [a, b] = [1, 0]; // Adler-32
  for (const byte of bytes) [a, b] = [(a + byte) % 65521, (b + a + byte) % 65521];
  return [...stream, b >>> 8, b & 255, a >>> 8, a & 255];
}

function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ -1) >>> 0;
}

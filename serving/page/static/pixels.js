// Computes with pictures as {height, width, channels, values}: values are in [0, 1], row by row, channel by channel.

const RANGES = { "0..255": [0, 255], "0..1": [0, 1], "-1..1": [-1, 1] };

/** Returns a picture from the bytes of a canvas, four for each pixel. Grey is the luma of ITU-R BT.601. */
export function fromBytes(bytes, height, width, channels) {
  const values = [];
  for (let at = 0; at < bytes.length; at += 4) {
    const [red, green, blue] = [bytes[at] / 255, bytes[at + 1] / 255, bytes[at + 2] / 255];
    if (channels === 1) values.push(0.299 * red + 0.587 * green + 0.114 * blue);
    else values.push(red, green, blue);
  }
  return { height, width, channels, values };
}

/** Returns the bytes for a canvas. Values outside of [0, 1] are clipped. */
export function toBytes({ height, width, channels, values }) {
  const bytes = new Uint8ClampedArray(height * width * 4);
  for (let pixel = 0; pixel < height * width; pixel++) {
    for (let colour = 0; colour < 3; colour++) {
      bytes[4 * pixel + colour] = 255 * values[pixel * channels + (channels === 1 ? 0 : colour)];
    }
    bytes[4 * pixel + 3] = 255;
  }
  return bytes;
}

/** Returns nested lists (height, width, channels) for a request, with the pixel values that the model expects. */
export function toNested({ height, width, channels, values }, range) {
  const [least, most] = RANGES[range || "0..1"];
  const scaled = (value) => Number((least + value * (most - least)).toFixed(4));
  return Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => values.slice((y * width + x) * channels, (y * width + x + 1) * channels).map(scaled)),
  );
}

/** Returns a picture from nested lists (height, width, channels) of an answer. */
export function fromNested(nested, range) {
  const [least, most] = RANGES[range || "0..1"];
  const [height, width, channels] = [nested.length, nested[0].length, nested[0][0].length];
  return { height, width, channels, values: nested.flat(2).map((value) => (Number(value) - least) / (most - least)) };
}

/** Returns the picture with Gaussian noise, clipped to [0, 1]. The same seed gives the same noise. */
export function withNoise(picture, deviation, seed) {
  const random = generator(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return { ...picture, values: picture.values.map((value) => Math.min(1, Math.max(0, value + deviation * normal()))) };
}

/** Returns the absolute difference of two pictures of the same size. */
export function difference(one, other) {
  return { ...one, values: one.values.map((value, at) => Math.abs(value - other.values[at])) };
}

/** Returns the peak signal-to-noise ratio in dB. Infinity if the pictures are the same. */
export function psnr(one, other) {
  const squares = difference(one, other).values.map((value) => value * value);
  return -10 * Math.log10(squares.reduce((sum, value) => sum + value, 0) / squares.length);
}

export function isSameSize(one, other) {
  return one.height === other.height && one.width === other.width && one.channels === other.channels;
}

/** Returns a generator of random numbers in [0, 1): mulberry32. */
export function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

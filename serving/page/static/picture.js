// The form field for a picture: draw it, drop a file, or choose one. It can add noise.

import { h, labelled, short } from "./dom.js";
import { fromBytes, toBytes, toNested, withNoise } from "./pixels.js";
import { encodePng } from "./png.js";

const OPEN_SIZE = 28; // of a picture whose size the signature leaves open
const SCREEN = 240; // pixels of the longer side of the drawing area at least

/** Returns a canvas that shows a picture. */
export function canvasOf(picture, label) {
  const canvas = h("canvas", { width: picture.width, height: picture.height, role: "img", "aria-label": label });
  canvas.getContext("2d").putImageData(new ImageData(toBytes(picture), picture.width, picture.height), 0, 0);
  return canvas;
}

/** Returns the field. `shape` is (height, width, channels) of the images. For a file signature, `isFile` is true. `deviation` is the noise at first, and `size` the share of the picture that the first drawing takes. */
export function pictureField({ spec, shape, isFile, hasNoise, deviation, size, changed }) {
  const [height, width, channels] = shape.map((size, axis) => (size > 0 ? size : axis < 2 ? OPEN_SIZE : 1));
  const zoom = Math.max(1, Math.round(SCREEN / Math.max(height, width)));
  const canvas = h("canvas", { class: "draw", width: width * zoom, height: height * zoom, tabindex: 0, role: "img",
    "aria-label": `Drawing area for ${spec.name}. Draw with a mouse or finger, or choose a picture file below.` });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  let file = null; // {base64, bitmap} of a dropped file, for file signatures
  let noise = { deviation, seed: 1 };

  const clear = () => {
    file = null;
    context.fillStyle = "#000";
    context.fillRect(0, 0, canvas.width, canvas.height);
  };
  const stroke = (from, to) => {
    file = null;
    Object.assign(context, { strokeStyle: "#fff", lineCap: "round", lineJoin: "round", lineWidth: canvas.width / 12 });
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(...to);
    context.stroke();
    changed();
  };
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * canvas.width, ((event.clientY - box.top) / box.height) * canvas.height];
  };
  let last = null;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = place(event);
    stroke(last, last);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    const next = place(event);
    stroke(last, next);
    last = next;
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (last = null));

  const message = h("p", { class: "error", role: "alert", hidden: true });
  const load = async (blob) => {
    message.hidden = true;
    try {
      const bitmap = await createImageBitmap(blob);
      const [wide, high] = [canvas.width / bitmap.width, canvas.height / bitmap.height];
      const ratio = Math.max(wide, high); // the middle part, as the server does by default
      clear();
      context.drawImage(bitmap, (canvas.width - bitmap.width * ratio) / 2, (canvas.height - bitmap.height * ratio) / 2,
        bitmap.width * ratio, bitmap.height * ratio);
      if (isFile) file = { base64: base64(new Uint8Array(await blob.arrayBuffer())), bitmap };
      changed();
    } catch {
      message.textContent = "The browser cannot read this file. Use a PNG, JPEG, WebP or BMP picture.";
      message.hidden = false;
    }
  };
  dropArea(canvas, (blob) => load(blob));

  /** Returns the picture in the size of the images. */
  const clean = () => {
    const small = h("canvas", { width, height });
    const target = small.getContext("2d", { willReadFrequently: true });
    target.imageSmoothingQuality = "high";
    target.drawImage(canvas, 0, 0, width, height);
    return fromBytes(target.getImageData(0, 0, width, height).data, height, width, channels);
  };
  const shown = () => (noise.deviation ? withNoise(clean(), noise.deviation, noise.seed) : clean());
  const strength = h("output", {}, short(deviation));
  const slider = h("input", { type: "range", min: 0, max: 1, step: 0.05, value: deviation,
    input: () => {
      noise = { ...noise, deviation: Number(slider.value) };
      strength.textContent = short(slider.value);
      changed();
    } });
  const chooser = h("input", { type: "file", accept: "image/*", change: () => chooser.files[0] && load(chooser.files[0]) });

  clear();
  sample(context, canvas, size);
  return {
    element: h("div", { class: "fields" },
      h("span", { class: "soft" }, `${spec.name}: draw, or drop a picture (${width}×${height})`), canvas,
      h("div", { class: "row" }, h("button", { type: "button", click: () => { clear(); changed(); } }, "Clear")),
      labelled("Picture file", chooser), message,
      hasNoise ? labelled("Noise (standard deviation)", h("span", { class: "row" }, slider, strength)) : null),
    read: () => (isFile ? [{ b64: file && !noise.deviation ? file.base64 : base64(encodePng(shown())) }] : spec.dtype === "uint8"
      ? [toNested(shown(), "0..255").map((row) => row.map((pixel) => pixel.map(Math.round)))]
      : [toNested(shown(), spec.pixels)]),
    picture: shown,
    clean,
    sent: () => { // a canvas with the picture as it is sent
      if (!file || noise.deviation) return canvasOf(shown(), "the picture");
      const whole = h("canvas", { width: file.bitmap.width, height: file.bitmap.height, role: "img", "aria-label": "the picture" });
      whole.getContext("2d").drawImage(file.bitmap, 0, 0);
      return whole;
    },
    isLive: true,
  };
}

/** Draws a seven, so that the first answer is about a picture. */
function sample(context, canvas, size) {
  const at = (x, y) => [(0.5 + size * (x - 0.5)) * canvas.width, (0.5 + size * (y - 0.5)) * canvas.height];
  Object.assign(context, { strokeStyle: "#fff", lineCap: "round", lineJoin: "round", lineWidth: (size * canvas.width) / 12 });
  context.beginPath();
  context.moveTo(...at(0.28, 0.25));
  context.lineTo(...at(0.7, 0.25));
  context.lineTo(...at(0.45, 0.8));
  context.stroke();
}

function base64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}

/** Calls `dropped` with each file that is dropped on the element. */
export function dropArea(element, dropped) {
  const mark = (isOver) => (event) => {
    event.preventDefault();
    element.classList.toggle("over", isOver);
  };
  element.addEventListener("dragover", mark(true));
  element.addEventListener("dragleave", mark(false));
  element.addEventListener("drop", (event) => {
    mark(false)(event);
    if (event.dataTransfer.files[0]) dropped(event.dataTransfer.files[0]);
  });
}

// Reads the metrics of the server (Prometheus text), and computes rates and latencies between two readings.

const REQUESTS = "keras_gallery:requests_total";
const LATENCY = ":tensorflow:serving:request_latency_bucket";
// Methods that run no model.
const QUESTIONS = ["GetModelStatus", "GetModelMetadata", "ModelReady", "ModelMetadata", "ServerMetadata", "Authenticate"];

/** Returns [{name, labels, value}]. */
export function parseMetrics(text) {
  const rows = [];
  for (const line of text.split("\n")) {
    const found = /^([^\s{#]+)(?:\{(.*)\})?\s+(\S+)$/.exec(line);
    if (!found) continue;
    const labels = {};
    for (const [, key, value] of (found[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
      labels[key] = value.replace(/\\(.)/g, (_, character) => (character === "n" ? "\n" : character));
    }
    rows.push({ name: found[1], labels, value: Number(found[3].replace("Inf", "Infinity")) });
  }
  return rows;
}

/** Returns the totals of each model since the start of the server: Map of {requests, errors, buckets, engines}. */
export function totals(rows) {
  const models = new Map();
  const of = (name) => {
    if (!models.has(name)) models.set(name, { requests: 0, errors: 0, buckets: new Map(), engines: new Map() });
    return models.get(name);
  };
  for (const { name, labels, value } of rows) {
    if (name === REQUESTS && !QUESTIONS.includes(labels.method)) {
      const model = of(labels.model_name);
      model.requests += value;
      if (labels.status !== "OK") model.errors += value;
      if (labels.engine) model.engines.set(labels.signature, labels.engine);
    }
    if (name === LATENCY) {
      const { buckets } = of(labels.model_name);
      const limit = Number(labels.le.replace("Inf", "Infinity"));
      buckets.set(limit, (buckets.get(limit) ?? 0) + value);
    }
  }
  return models;
}

/** Returns {rate, errors, median} between two totals of a model: requests and errors per second, milliseconds or null. */
export function between(before, now, seconds) {
  const from = before ?? { requests: 0, errors: 0, buckets: new Map() };
  const buckets = [...now.buckets].map(([limit, count]) => [limit, count - (from.buckets.get(limit) ?? 0)]);
  return {
    rate: (now.requests - from.requests) / seconds,
    errors: (now.errors - from.errors) / seconds,
    median: quantile(buckets, 0.5),
  };
}

/** Returns a quantile in milliseconds from cumulative buckets [[upper limit in microseconds, count], …], or null. */
export function quantile(buckets, share) {
  const sorted = [...buckets].sort(([a], [b]) => a - b);
  const wanted = (sorted.at(-1)?.[1] ?? 0) * share;
  if (!wanted) return null;
  let [lower, below] = [0, 0];
  for (const [limit, count] of sorted) {
    if (count >= wanted) {
      const upper = Number.isFinite(limit) ? limit : lower;
      return (lower + (upper - lower) * ((wanted - below) / (count - below))) / 1000;
    }
    [lower, below] = [limit, count];
  }
  return null;
}

// What a reader predicts, beside what comes: pure functions of the texts, tested without a browser.

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** The number that a text writes, as a reader or a scene does: with a comma, a minus sign, a fraction or ∞; else null. */
export function readPrediction(text) {
  const plain = text.trim().replaceAll("−", "-").replace(",", ".");
  const [, sign, infinite] = /^([+-]?)\s*(∞|inf|infinity)$/i.exec(plain) ?? [];
  if (infinite) return sign === "-" ? -Infinity : Infinity;
  const parts = plain.split("/").map((part) => part.trim());
  if (parts.length > 2 || !parts.every((part) => NUMBER.test(part))) return null;
  const value = parts.length === 2 ? Number(parts[0]) / Number(parts[1]) : Number(parts[0]);
  return Number.isNaN(value) ? null : value;
}

/** Half of what the last written digit of a number is worth. */
function grain(text) {
  const [digits, exponent = "0"] = text.toLowerCase().replaceAll("−", "-").split("e");
  return 0.5 * 10 ** (Number(exponent) - (digits.split(".")[1] ?? "").length);
}

/** What to ask before a step: the first mark that it writes something in, and what; null where it writes nothing. */
export function questionBefore({ computes, patch }) {
  const mark = computes.find((name) => (patch[name]?.[1] ?? "").trim() !== "");
  return mark === undefined ? null : { mark, truth: patch[mark][1].trim() };
}

/** Say how near a prediction came, or null where a number is asked for and none was given. */
export function verdictOn(said, truth) {
  const is = readPrediction(truth);
  if (is === null) {
    const alike = (text) => text.trim().replace(/\s+/g, " ").toLowerCase();
    return alike(said) === alike(truth) ? `Right: ${truth}.` : `You said ${said.trim()}; it is ${truth}.`;
  }
  const guess = readPrediction(said);
  if (guess === null) return null;
  const apart = guess - is;
  if (guess === is || Math.abs(apart) <= 1.0001 * grain(truth)) return `Right: ${truth}.`;
  if (!Number.isFinite(apart)) return `You said ${said.trim()}; it is ${truth}.`;
  const by = String(Number(Math.abs(apart).toPrecision(2))).replace("-", "−");
  return `You said ${said.trim()}; it is ${truth}, ${by} ${apart > 0 ? "less" : "more"}.`;
}

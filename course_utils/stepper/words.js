// How the sentences, the formulas and the legend of a scene are written.

import { make } from "./elements.js";

const WORD = /\p{L}[\p{L}/]*(?:_[A-Za-z]+)?/gu;

/** Write a sentence: W_hh with an index, and in its hue what has a role. */
export function writeSentence(place, sentence, { words }) {
  const parts = [];
  let from = 0;
  for (const { 0: word, index } of sentence.matchAll(WORD)) {
    const [base, low] = word.split("_");
    const indexed = low !== undefined && base.length <= 2;
    const role = Object.hasOwn(words, word) ? `rc-${words[word]}` : "";
    if (!role && !indexed) continue;
    // The line between stays for whoever listens or copies: without it, W_hy is read as "why".
    const written = indexed ? [base, make("span", "rc-unseen", {}, "_"), make("sub", "", {}, low)] : [word];
    parts.push(sentence.slice(from, index), make("span", role, {}, ...written));
    from = index + word.length;
  }
  place.replaceChildren(...parts, sentence.slice(from));
}

/** Write a formula, in their hues the letters that have a role. */
export function writeFormula(place, formula, { letters }) {
  place.innerHTML = formula;
  for (const letter of place.querySelectorAll("mi")) {
    const index = letter.closest("msub > :nth-child(2), msup > :nth-child(2), msubsup > :nth-child(n + 2)");
    if (!index && Object.hasOwn(letters, letter.textContent)) letter.classList.add(`rc-${letters[letter.textContent]}`);
  }
}

/** Say what the looks of a picture mean: hues, shades and borders. */
export function writeLegend(place, { roles, shade, states }) {
  const entries = roles.map((role) => [swatch(role, "done", [0.75, 0.75, 0.75]), role]);
  if (shade) entries.push([swatch("", "done", [0.1, 0.35, 0.6]), shade]);
  for (const [state, words] of Object.entries(states)) if (words) entries.push([swatch("", state, []), words]);
  place.replaceChildren(...entries.map(([picture, words]) => make("li", "", {}, picture, words)));
  place.hidden = entries.length === 0;
}

/** A small cell as the picture draws them: with tints from left to right, or a border. */
function swatch(css, state, tints) {
  const picture = make("span", "rc-swatch");
  const filled = tints.map((opacity, n) => `<rect class="tint" x="${3 + 6 * n}" y="3" width="6" height="10" fill-opacity="${opacity}"/>`);
  picture.innerHTML =
    `<svg class="rc-scene" viewBox="0 0 24 16" width="24" height="16" aria-hidden="true"><g class="${css}" data-state="${state}">` +
    `${filled.join("")}<rect class="box" x="3" y="3" width="18" height="10" rx="2"/></g></svg>`;
  return picture;
}

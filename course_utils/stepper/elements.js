// Elements and icons of the player.

const ICONS = {
  first: "M5 4h2v12H5zM16 4v12l-8-6z",
  previous: "M13 4l1.5 1.5-4.5 4.5 4.5 4.5L13 16l-6-6z",
  play: "M6 3.5v13l10-6.5z",
  pause: "M5 4h4v12H5zM11 4h4v12h-4z",
  next: "M7 4 5.5 5.5 10 10l-4.5 4.5L7 16l6-6z",
  last: "M4 4v12l8-6zM13 4h2v12h-2z",
  reset: "M10 4a6 6 0 1 1-5.7 4.1l1.9.6A4 4 0 1 0 10 6v3L5.5 5 10 1z",
};

export function make(tag, css, attributes = {}, ...children) {
  const element = document.createElement(tag);
  if (css) element.className = css;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export function icon(name) {
  return `<svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true"><path d="${ICONS[name]}"/></svg>`;
}

"""What is looked for in a picture that is shown: functions for the browser, and the way through its steps."""

LEAST_CONTRAST = 4.5
MOST_STEPS = 12

# For every text that is shown: what it is, in which state, and its contrast against what lies behind it.
CONTRASTS = """
root => {
  const context = Object.assign(document.createElement('canvas'), { width: 1, height: 1 })
    .getContext('2d', { willReadFrequently: true });
  const painted = new Map();  // few colours, and thousands of texts
  const paint = (colour) => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    return context.getImageData(0, 0, 1, 1).data;
  };
  const read = (colour, alpha = 1) => {
    if (!painted.has(colour)) painted.set(colour, paint(colour));
    const [r, g, b, a] = painted.get(colour);
    return { rgb: [r, g, b], alpha: (a / 255) * alpha };
  };
  const over = ({ rgb, alpha }, behind) => behind.map((c, n) => rgb[n] * alpha + c * (1 - alpha));
  const light = (rgb) => {
    const [r, g, b] = rgb.map((c) => ((c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  const behindHtml = (element) => {
    const chain = [];
    for (let e = element; e; e = e.parentElement) chain.unshift(read(getComputedStyle(e).backgroundColor));
    return chain.reduce((behind, layer) => over(layer, behind), [255, 255, 255]);
  };
  const found = [];
  for (const element of root.querySelectorAll('.rc-says, .rc-says span, .rc-legend li, .rc-formula mi, .rc-count, .rc-formula, .rc-speed, .rc-note, .rc-tip p, .rc-button:enabled')) {
    if (element.checkVisibility({ visibilityProperty: true }))
      found.push([element.className, '', contrast(read(getComputedStyle(element).color).rgb, behindHtml(element))]);
  }
  for (const text of root.querySelectorAll('svg text')) {
    if (!text.textContent || getComputedStyle(text).visibility === 'hidden') continue;
    const mark = text.closest('[data-mark]');
    let behind = behindHtml(text.closest('svg').parentElement);
    for (const layer of mark?.querySelectorAll('.paper, .tint') ?? []) {
      const style = getComputedStyle(layer);
      behind = over(read(style.fill, Number(style.fillOpacity)), behind);
    }
    const style = getComputedStyle(text);
    found.push([text.getAttribute('class') || 'text', mark?.dataset.state ?? '', contrast(over(read(style.fill, Number(style.fillOpacity)), behind), behind)]);
  }
  return found;
}
"""

# What sticks out of its frame, and controls that are too small or cannot be seen.
TOO_WIDE_OR_SMALL = """
root => {
  const bad = [];
  const frame = root.getBoundingClientRect();
  if (root.scrollWidth > root.clientWidth) bad.push(`the stepper scrolls: ${root.scrollWidth} > ${root.clientWidth}`);
  if (frame.left < 0 || frame.right > innerWidth) bad.push(`the stepper spans ${frame.left} to ${frame.right} of ${innerWidth}`);
  for (const control of root.querySelectorAll('.rc-controls button:not([hidden]), .rc-controls input, .rc-controls select')) {
    const box = control.getBoundingClientRect();
    if (box.height < 30 || box.width < 30 || box.left < frame.left || box.right > frame.right || !control.checkVisibility())
      bad.push(`${control.ariaLabel}: ${box.width} x ${box.height} at ${box.left}`);
  }
  return bad;
}
"""

# Texts of the drawing that its edge cuts off.
CLIPPED = """
root => {
  const drawing = root.querySelector('svg.rc-scene');
  const { x, y, width, height } = drawing.viewBox.baseVal;
  return [...drawing.querySelectorAll('text')].filter((text) => {
    const box = text.getBBox();
    return box.width > 0 && (box.x < x || box.y < y || box.x + box.width > x + width || box.y + box.height > y + height);
  }).map((text) => text.textContent);
}
"""

OVERFULL = """
root => [...root.querySelectorAll('svg .cell')].filter((cell) => {
  const [box, slot] = [cell.querySelector('.box'), cell.querySelector('.slot')];
  return box && slot && slot.getBBox().width > box.getBBox().width - 4;
}).map((cell) => cell.textContent)
"""


# Texts that lie over one another, stick out of their cell or reach into the cell of another. Two lines may touch:
# the box of a text is higher than its letters.
CROWDED = """
root => {
  const bad = [];
  const visible = (e) => getComputedStyle(e).visibility !== 'hidden';
  const seen = (css) => [...root.querySelectorAll(`svg.rc-scene ${css}`)].filter(visible)
    .map((e) => ({ e, cell: e.closest('.cell'), box: e.getBoundingClientRect() }));
  const texts = seen('text').filter(({ e }) => e.textContent);
  const boxes = seen('.cell > .box');
  const over = (a, b, dx, dy) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > dx && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > dy;
  texts.forEach((a, n) => {
    for (const b of texts.slice(n + 1))
      if (over(a.box, b.box, -2, 5)) bad.push(`“${a.e.textContent}” lies over “${b.e.textContent}”`);
    for (const { cell, box } of boxes) {
      if (cell !== a.cell) {
        if (over(a.box, box, 0, 3)) bad.push(`“${a.e.textContent}” reaches into ${cell.dataset.mark}`);
      } else if (a.box.left < box.left + 2 || a.box.right > box.right - 2 || a.box.top < box.top - 1 || a.box.bottom > box.bottom + 1)
        bad.push(`“${a.e.textContent}” sticks out of its cell`);
    }
  });
  return bad;
}
"""

# What an arrow that is shown runs through: a text or a cell.
CROSSED = """
root => {
  const bad = [];
  const visible = (e) => getComputedStyle(e).visibility !== 'hidden';
  const solid = [...root.querySelectorAll('svg.rc-scene .cell > .box, svg.rc-scene text')]
    .filter((e) => visible(e) && (e.textContent || e.matches('.box'))).map((e) => [e, e.getBoundingClientRect()]);
  for (const arrow of [...root.querySelectorAll('svg.rc-scene .arrow')].filter(visible)) {
    const shaft = arrow.querySelector('.shaft');
    if (shaft === null) continue;
    const toScreen = shaft.getScreenCTM();
    for (let part = 0; part <= 1; part += 0.1) {
      const p = shaft.getPointAtLength(part * shaft.getTotalLength()).matrixTransform(toScreen);
      const hit = solid.find(([, b]) => p.x > b.left + 1 && p.x < b.right - 1 && p.y > b.top + 1 && p.y < b.bottom - 1)?.[0];
      if (hit) {
        bad.push(`${arrow.dataset.mark} runs through ${hit.closest('[data-mark]')?.dataset.mark ?? hit.textContent}`);
        break;
      }
    }
  }
  return bad;
}
"""

# The cells that a step is about, where none of them is in sight as far as there is room for it; the names of rows cover
# what lies under them.
OUT_OF_SIGHT = """
root => {
  const view = root.querySelector('.rc-stage').getBoundingClientRect();
  // The names of rows take no room where they stand above them, or where there are none.
  const names = root.querySelector('.pinned > .paper')?.getBoundingClientRect() ?? { top: 0, bottom: 0, width: 0 };
  let cells = [...root.querySelectorAll('.cell:not(.emission)[data-state="now"]')];
  if (!cells.length) cells = [...root.querySelectorAll('.dot[data-state="now"]')];
  const hidden = cells.filter((cell) => {
    const box = cell.getBoundingClientRect();
    const left = view.left + (box.bottom > names.top && box.top < names.bottom ? names.width : 0);
    const seen = Math.min(box.right, view.right) - Math.max(box.left, left);
    return seen < 0.95 * Math.min(box.width, view.right - left);
  });
  return hidden.length < cells.length ? [] : hidden.map((cell) => cell.dataset.mark);
}
"""


# Go to steps, as the slider does, and look at each; what is scrolled gets a frame to come to rest.
LOOK = """
async (root, steps) => {
  const looks = [LOOKS];
  const slider = root.querySelector('.rc-slider');
  const found = [];
  for (const n of steps) {
    slider.value = n;
    slider.dispatchEvent(new Event('input'));
    if (root.dataset.step !== String(n)) throw new Error(`step ${root.dataset.step} is shown, not ${n}`);
    await new Promise(requestAnimationFrame);
    found.push(looks.map((look) => look(root)));
  }
  return found;
}
"""


def widen(one):
    """Leave the whole width to the notebook."""
    one.page.evaluate("() => { if (!jupyterapp.shell.leftCollapsed) jupyterapp.shell.collapseLeft(); }")


def some_steps(player) -> list[int]:
    """Return all steps of a short scene, some of a long one, the last one always."""
    last = int(player.find(".rc-slider").get_attribute("max"))
    return sorted({*range(0, last + 1, max(1, last // MOST_STEPS)), last})


def look_at(player, *looks: str, steps: list[int] | None = None) -> list[tuple]:
    """Return for each step its number and what each of the looks has found there; afterwards the first one is shown."""
    steps = some_steps(player) if steps is None else steps
    found = player.root.evaluate(LOOK.replace("LOOKS", ",".join(f"({look})" for look in looks)), steps)
    player.focus().press("Home").expect_step(0)
    return [(n, *seen) for n, seen in zip(steps, found, strict=True)]

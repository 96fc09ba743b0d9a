"""What the tests of WCAG look for on a page: functions for the browser."""

# Pictures, formulas and tables of numbers need two dimensions; nothing else may be scrolled sideways.
SCROLLS_SIDEWAYS = """
() => [...document.querySelectorAll('html, body, body *')]
  .filter((e) => !e.closest('svg') && e.scrollWidth > e.clientWidth + 1 && e.checkVisibility())
  .filter((e) => e === document.documentElement || getComputedStyle(e).overflowX !== 'visible')
  .filter((e) => !e.matches('.rc-stage, .rc-formula, .rc-table'))
  .map((e) => `${e.tagName}.${e.className}: ${e.scrollWidth} > ${e.clientWidth}`)
"""

STICKS_OUT = """
() => [...document.querySelectorAll('.rc-stepper, .rc-stepper > *, .rc-controls > *, .rc-help *, .rc-frame')]
  .filter((e) => e.checkVisibility())
  .filter((e) => { const box = e.getBoundingClientRect(); return box.left < -1 || box.right > innerWidth + 1; })
  .map((e) => `${e.tagName}.${e.className}`)
"""

STATES = """
() => [...document.querySelectorAll('.rc-stepper')].map((root) => [root.dataset.step,
  root.querySelector('.rc-help').hidden, root.querySelector('.rc-tip').hidden, root.querySelector('button[aria-label=Pause]') !== null])
"""

# The points of an element that has the focus at which something of ours lies over it.
COVERED = """
() => {
  const focused = document.activeElement;
  const box = (focused.querySelector?.(':scope > .box, :scope > circle') ?? focused).getBoundingClientRect();
  const parts = [0.1, 0.3, 0.5, 0.7, 0.9];
  const seen = parts.flatMap((x) => parts.map((y) => document.elementFromPoint(box.left + x * box.width, box.top + y * box.height)));
  const stage = focused.closest('.rc-stage')?.getBoundingClientRect();
  const cutOff = stage && (box.right < stage.left + 1 || box.left > stage.right - 1);
  const free = seen.some((e) => e && (focused.contains(e) || e.contains(focused)));
  return free && !cutOff ? null : `${focused.dataset.mark ?? focused.className} lies under ${seen[12]?.closest('[class]')?.outerHTML.slice(0, 80)}`;
}
"""

# The same for every control and some of the cells. What is covered gets the time that a scroll takes to end.
COVERED_ANYWHERE = """
async ([root, most]) => {
  const covered = (COVERED);
  const marks = [...root.querySelectorAll('[data-mark][tabindex]')];
  const some = marks.filter((_, n) => n % Math.ceil(marks.length / most) === 0);
  const controls = [...root.querySelectorAll('button, input, select, summary')].filter((e) => e.checkVisibility());
  const bad = [];
  for (const element of [...some, ...controls]) {
    element.focus();
    await new Promise(requestAnimationFrame);
    if (covered()) await new Promise((resolve) => setTimeout(resolve, 250));
    if (covered()) bad.push(covered());
  }
  return bad;
}
""".replace("COVERED", COVERED.strip())

# A point of a curve leads to its step, and so does the slider, which is large enough: the criterion's "equivalent".
# Targets whose own box is smaller than 24 pixels, and that have no room of that size to themselves.
CRAMPED = """
([roots, least]) => [...document.querySelectorAll(roots)].flatMap((root) => {
  const targets = [...root.querySelectorAll('button, input, select, summary, a[href], [data-mark][tabindex]:not(.dot:not([data-edit]))')]
    .filter((e) => e.checkVisibility({ visibilityProperty: true }))
    .map((e) => ({ e, box: (e.querySelector?.(':scope > .box') ?? e).getBoundingClientRect() }));
  const small = ({ box }) => box.width < least - 0.5 || box.height < least - 0.5;
  const middle = ({ box }) => [box.left + box.width / 2, box.top + box.height / 2];
  const away = ([x, y], box) => Math.hypot(Math.max(box.left - x, 0, x - box.right), Math.max(box.top - y, 0, y - box.bottom));
  const named = ({ e, box }) => `${e.dataset.mark ?? e.ariaLabel ?? e.className} ${box.width.toFixed()} × ${box.height.toFixed()}`;
  return targets.filter(small).filter((one) => targets.some((other) => other !== one && !one.e.contains(other.e) && !other.e.contains(one.e)
    && (small(other) ? Math.hypot(...middle(one).map((at, k) => at - middle(other)[k])) < least - 0.5 : away(middle(one), other.box) < least / 2 - 0.5)))
    .map(named);
})
"""

MOVES = """
() => [...document.querySelectorAll('.rc-stepper, .rc-stepper *')].filter((e) => {
  const style = getComputedStyle(e);
  const lasts = (times) => times.split(',').some((time) => parseFloat(time) > 0);
  return lasts(style.animationDuration) || lasts(style.transitionDuration) || style.scrollBehavior === 'smooth';
}).map((e) => e.outerHTML.slice(0, 100))
"""

RUNNING = "() => document.getAnimations().length"

AS_AT_FIRST = """
() => {
  document.activeElement.blur();
  scrollTo(0, 0);
  document.querySelectorAll('.rc-help:not([hidden])').forEach((e) => e.closest('.rc-stepper').querySelector('button[aria-label=Keys]').click());
  document.querySelectorAll('.rc-table').forEach((e) => { e.open = false; });
  document.querySelectorAll('button[aria-label="First step"]').forEach((e) => e.click());
}
"""

WHERE = "() => { const e = document.activeElement; return [e.tagName, e.className.baseVal ?? e.className, e.ariaLabel ?? ''].join(' '); }"

/** A panel that would leave the window is moved back into it. */

const MARGIN = 8;

export function place(panel: HTMLElement): void {
  panel.style.translate = "";
  const { left, right } = panel.getBoundingClientRect();
  const wide = document.documentElement.clientWidth;
  const by = left < MARGIN ? MARGIN - left : right > wide - MARGIN ? Math.max(wide - MARGIN - right, MARGIN - left) : 0;
  if (by) panel.style.translate = `${by}px`;
}

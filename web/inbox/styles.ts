/** How it looks. Everything a page may change is a `--carillon-…` property; docs/inbox.md lists them. */

export const STYLES = `
:host {
  --_accent: var(--carillon-accent, light-dark(#1d5fd1, #8ab4ff));
  --_on-accent: var(--carillon-on-accent, light-dark(#fff, #0d1b33));
  --_background: var(--carillon-background, light-dark(#fff, #1c1f26));
  --_text: var(--carillon-text, light-dark(#1b1f27, #eceff4));
  --_muted: var(--carillon-muted, light-dark(#565e6c, #aab2c0));
  --_border: var(--carillon-border, light-dark(#dde1e8, #363b46));
  --_hover: var(--carillon-hover, light-dark(#f3f5f8, #262a33));
  --_unread: var(--carillon-unread, light-dark(#eef4ff, #202a3d));
  --_badge: var(--carillon-badge, #c62828);
  --_on-badge: var(--carillon-on-badge, #fff);
  --_danger: var(--carillon-danger, light-dark(#b3261e, #ffb4ab));
  --_radius: var(--carillon-radius, 12px);
  display: inline-block;
  font: var(--carillon-font, 15px/1.45 system-ui, sans-serif);
  color: var(--_text);
  text-align: start;
}
:host([hidden]) { display: none; }
:host([theme="light"]) { color-scheme: light; }
:host([theme="dark"]) { color-scheme: dark; }
:host([theme="auto"]) { color-scheme: light dark; }
:host([inline]) { display: block; }
* { box-sizing: border-box; }
button, select, input { font: inherit; color: inherit; }
button { cursor: pointer; background: none; border: 0; padding: 0; }
button:disabled { cursor: default; opacity: .6; }
[hidden] { display: none !important; }
:focus-visible { outline: 2px solid var(--_accent); outline-offset: -2px; }
.icon { width: 20px; height: 20px; display: block; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
.icon.dot { fill: currentColor; }
.icon-button { width: 32px; height: 32px; display: inline-grid; place-items: center; border-radius: 8px; color: var(--_muted); }
.icon-button:hover { background: var(--_hover); color: var(--_text); }
.anchor { position: relative; }
.silent { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.bell { position: relative; width: var(--carillon-bell-size, 40px); height: var(--carillon-bell-size, 40px); display: grid; place-items: center; border-radius: 50%; color: var(--carillon-bell, inherit); }
.bell:hover { background: var(--_hover); }
.bell .icon { width: 60%; height: 60%; }
.badge { position: absolute; inset-block-start: 0; inset-inline-end: 0; min-width: 18px; height: 18px; padding: 0 5px; border-radius: 9px; background: var(--_badge); color: var(--_on-badge); font: 600 11px/18px system-ui, sans-serif; text-align: center; }
.panel { display: flex; flex-direction: column; background: var(--_background); color: var(--_text); border: 1px solid var(--_border); border-radius: var(--_radius); overflow: hidden; }
:host(:not([inline])) .panel { position: absolute; z-index: var(--carillon-z-index, 1000); inset-block-start: calc(100% + 8px); inset-inline-end: 0; width: min(var(--carillon-width, 400px), calc(100vw - 16px)); max-height: min(var(--carillon-height, 560px), 80vh); box-shadow: var(--carillon-shadow, 0 12px 40px rgb(0 0 0 / .22)); }
:host([placement="start"]:not([inline])) .panel { inset-inline: 0 auto; }
:host([inline]) .panel { height: var(--carillon-height, 560px); }
.view { display: contents; }
.panel:focus { outline: none; }
header { display: flex; align-items: center; gap: 4px; padding: 10px 10px 6px 16px; padding-inline: 16px 10px; }
header.with-back { padding-inline-start: 8px; }
h2 { font-size: 1.15em; line-height: 1.3; margin: 0; flex: 1; }
h2:focus { outline: none; }
.panel[dir="rtl"] .icon.back { transform: scaleX(-1); }
.bar { display: flex; align-items: center; padding: 0 10px 8px; border-block-end: 1px solid var(--_border); flex-wrap: wrap; }
.filter { padding: 4px 12px; border-radius: 999px; color: var(--_muted); font-size: .9em; }
.filter:hover { background: var(--_hover); }
.filter[aria-pressed="true"] { background: var(--_accent); color: var(--_on-accent); }
.scroll { overflow-y: auto; overscroll-behavior: contain; flex: 1; min-height: 120px; }
.notice { margin: 0; padding: 8px 16px; font-size: .9em; background: var(--_hover); color: var(--_text); display: flex; gap: 12px; align-items: center; }
.notice.bad { color: var(--_danger); }
.empty { padding: 40px 16px; margin: 0; text-align: center; color: var(--_muted); }
.item { position: relative; padding: 12px 12px 6px 22px; padding-inline: 22px 12px; overflow-wrap: anywhere; border-block-end: 1px solid var(--_border); }
.item:hover { background: var(--_hover); }
.item.unread { background: var(--_unread); }
.item.unread::before { content: ""; position: absolute; inset-inline-start: 8px; inset-block-start: 19px; width: 8px; height: 8px; border-radius: 50%; background: var(--_accent); }
h3 { font-size: 1em; margin: 0; font-weight: 400; }
.item.unread h3 { font-weight: 650; }
.open { color: inherit; text-decoration: none; text-align: start; font-weight: inherit; }
a.open:hover { text-decoration: underline; }
.open::after { content: ""; position: absolute; inset: 0; }
.item p { margin: 2px 0 0; text-align: left; white-space: pre-line; display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: var(--carillon-lines, 4); overflow: hidden; }
.panel[dir="rtl"] .item p { text-align: right; }
.foot { display: flex; align-items: center; gap: 10px; min-height: 30px; font-size: .85em; color: var(--_muted); }
.buttons { display: flex; gap: 8px; flex-wrap: wrap; margin-block-start: 8px; position: relative; z-index: 1; width: fit-content; }
.button { display: inline-block; padding: 5px 12px; border-radius: 8px; border: 1px solid var(--_border); background: var(--_background); color: var(--_text); font-size: .9em; text-decoration: none; white-space: nowrap; }
.button:hover { background: var(--_hover); }
.button.main { background: var(--_accent); border-color: var(--_accent); color: var(--_on-accent); }
.button.main:hover { filter: brightness(1.08); }
.actions { display: flex; gap: 2px; margin-inline-start: auto; position: relative; z-index: 1; opacity: .75; }
.item:hover .actions, .item:focus-within .actions { opacity: 1; }
.actions .icon-button { width: 30px; height: 30px; }
.actions .icon { width: 18px; height: 18px; }
.more { display: block; width: 100%; padding: 12px; color: var(--_accent); font-weight: 600; }
form { padding: 4px 16px 16px; }
fieldset { border: 0; margin: 14px 0 0; padding: 4px 0 0; min-width: 0; }
legend { font-weight: 650; padding: 0; }
.choice { display: flex; align-items: center; gap: 10px; padding: 7px 0; cursor: pointer; }
.choice input { width: 18px; height: 18px; accent-color: var(--_accent); margin: 0; flex: none; }
.times { display: grid; grid-template-columns: 1fr 1fr; gap: 10px; }
.field { display: grid; gap: 4px; font-size: .9em; color: var(--_muted); min-width: 0; margin-block-end: 8px; }
.field input, .field select { width: 100%; padding: 7px 10px; border: 1px solid var(--_muted); border-radius: 8px; background: var(--_background); color: var(--_text); }
.field [aria-invalid="true"] { border-color: var(--_danger); }
.fault { color: var(--_danger); }
.save { display: flex; gap: 12px; align-items: center; margin-block-start: 8px; }
@media (prefers-reduced-motion: no-preference) { .icon-button, .filter, .item { transition: background .12s; } }
@media (forced-colors: active) { .item.unread::before { background: CanvasText; } .badge { border: 1px solid; } }
`;

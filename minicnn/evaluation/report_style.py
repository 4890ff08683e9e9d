"""The report's style sheet: light and dark, from a phone to a wide screen, and on paper."""

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f5f7f9; --card: #ffffff; --ink: #1c2733; --muted: #5a6773; --line: #dfe5ea;
  --accent: #2b6cb0; --warn-bg: #fff4e5; --warn-ink: #7a4310; --warn-line: #f0c48a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12171c; --card: #1b2228; --ink: #e6ebef; --muted: #9aa7b3; --line: #303a43;
    --accent: #7db4ea; --warn-bg: #33270f; --warn-ink: #f3cf94; --warn-line: #6a5020;
  }
  /* A chart with its white turned to the card's colour; the half turn of hues keeps blue blue. */
  img.chart { filter: invert(1) hue-rotate(180deg); mix-blend-mode: screen; }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main { max-width: 1040px; margin: 0 auto; padding: 28px 20px 48px; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 0 0 12px; }
p { margin: 0 0 10px; }
.muted { color: var(--muted); }
.small { font-size: 0.87rem; }
.warning {
  background: var(--warn-bg); color: var(--warn-ink); border: 1px solid var(--warn-line);
  border-radius: 8px; padding: 9px 14px; margin: 16px 0 20px;
}
section {
  background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 20px 22px; margin: 0 0 18px;
}
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(165px, 1fr)); gap: 12px; }
.figure { border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px; }
.figure b { display: block; font-size: 1.75rem; line-height: 1.2; font-weight: 650; }
.figure .name { color: var(--muted); font-size: 0.87rem; }
.figure .range { color: var(--muted); font-size: 0.87rem; font-variant-numeric: tabular-nums; }
.figures + p, .scroll + p, .pair + p, .pair + details, .chart + p { margin-top: 12px; }
.scroll + .scroll { margin-top: 18px; }
section > details + details, p + details, details + p { margin-top: 8px; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 380px), 1fr));
  gap: 18px; align-items: center; }
img.chart, img.sheet { display: block; max-width: 100%; height: auto; margin: 0 auto; }
.mistakes { display: grid; gap: 14px;
  grid-template-columns: repeat(auto-fill, minmax(138px, 1fr)); }
.mistakes figure { margin: 0; }
.mistakes img {
  display: block; width: 100%; aspect-ratio: 1; object-fit: contain; background: #000;
  border-radius: 6px; image-rendering: pixelated;
}
.mistakes figcaption { font-size: 0.82rem; line-height: 1.4; margin-top: 5px;
  overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.92rem; }
th, td { text-align: left; padding: 5px 12px 5px 0; border-bottom: 1px solid var(--line);
  vertical-align: top; font-weight: 400; }
thead th { color: var(--muted); font-size: 0.84rem; white-space: nowrap; }
tbody tr:last-child > * { border-bottom: 0; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
table.settings th { color: var(--muted); width: 34%; }
table.settings td { overflow-wrap: anywhere; }
pre {
  background: var(--page); border: 1px solid var(--line); border-radius: 8px; padding: 11px 14px;
  margin: 0; overflow-x: auto; font: 0.88rem/1.5 ui-monospace, Consolas, Menlo, monospace;
}
ul { margin: 0; padding-left: 20px; }
li { margin-bottom: 6px; overflow-wrap: anywhere; }
summary { cursor: pointer; color: var(--accent); }
details > *:not(summary) { margin-top: 12px; }
dl.card { margin: 0; display: grid; grid-template-columns: 9em 1fr; gap: 4px 16px; }
dl.card dt { color: var(--muted); grid-column: 1; }
dl.card dd { margin: 0; grid-column: 2; overflow-wrap: anywhere; }
footer { color: var(--muted); font-size: 0.85rem; }
@media (max-width: 560px) {
  main { padding: 18px 12px 32px; }
  section { padding: 16px 14px; }
  .figures { grid-template-columns: repeat(2, 1fr); }
  .figure b { font-size: 1.45rem; }
  dl.card { grid-template-columns: 1fr; }
  dl.card dd { grid-column: 1; }
  dl.card dt { margin-top: 8px; }
  .mistakes { grid-template-columns: repeat(2, 1fr); }
  /* A wide chart shrunk to a phone could not be read: it scrolls instead. */
  img.wide { max-width: none; width: 660px; }
}
@media print {
  body { background: #fff; }
  section { break-inside: avoid; border: 0; padding: 0; }
}
"""

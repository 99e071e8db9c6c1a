/** The style sheet of report.html. */
export const reportStyle = `
:root { --background: #f6f7f9; --panel: #ffffff; --text: #1f2328; --muted: #59636e; --line: #dfe3e8; }
@media (prefers-color-scheme: dark) {
  :root { --background: #080b0f; --panel: #0f1419; --text: #e6edf3; --muted: #9aa5b1; --line: #2a323b; }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--background); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
  -webkit-text-size-adjust: 100%;
}
main { max-width: 1000px; margin: 0 auto; padding: 16px; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 8px 0; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 0 0 12px; }
header p { color: var(--muted); margin: 0 0 16px; overflow-wrap: anywhere; }
section { background: var(--panel); border: 1px solid var(--line); border-radius: 10px; padding: 16px; margin: 0 0 16px; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 5px 12px 5px 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
tr:first-child th, tr:first-child td { border-top: 0; }
th { font-weight: 500; color: var(--muted); width: 34%; }
td { font-variant-numeric: tabular-nums; }
pre {
  margin: 0 0 12px; padding: 12px; overflow-x: auto; border: 1px solid var(--line); border-radius: 6px;
  background: var(--background); font: 13px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
pre:last-child { margin-bottom: 0; }
pre code { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; }
section > p { margin: 0 0 6px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 360px), 1fr)); gap: 8px; }
.charts svg { width: 100%; height: auto; display: block; }
figure { margin: 0 0 16px; }
figure:last-child { margin-bottom: 0; }
figure > div { overflow-x: auto; border-radius: 6px; }
figure img { max-width: max(100%, 560px); height: auto; display: block; }
figcaption { color: var(--muted); font-size: 0.9rem; margin-top: 6px; overflow-wrap: anywhere; }
figcaption strong { color: var(--text); }
`;

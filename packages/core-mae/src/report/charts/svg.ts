import { escapeMarkup } from './escape-markup.js';

/** Which colours a picture has: fixed ones, or those that the reader's system asks for. */
export type Theme = 'light' | 'dark' | 'auto';

/** Colours of the lines, told apart in any colour vision as far as four can be (after Okabe and Ito). */
const palettes = {
  light: {
    background: '#ffffff',
    text: '#1f2328',
    muted: '#59636e',
    grid: '#e3e7eb',
    series: ['#0b62b5', '#c2410c', '#15803d', '#86309f', '#8a6d00', '#57606a'],
  },
  dark: {
    background: '#0f1419',
    text: '#e6edf3',
    muted: '#9aa5b1',
    grid: '#2a323b',
    series: ['#6cb6ff', '#ff9e64', '#6fdd8b', '#d2a8ff', '#e3c04b', '#a7b0ba'],
  },
} as const;

export const numSeriesColors = palettes.light.series.length;

function themeRules({ background, text, muted, grid, series }: (typeof palettes)['light' | 'dark']): string {
  return [
    `.mae-background{fill:${background}}`,
    `.mae-text{fill:${text}}`,
    `.mae-muted{fill:${muted}}`,
    `.mae-grid{stroke:${grid}}`,
    `.mae-axis{stroke:${muted}}`,
    ...series.map((color, index) => `.mae-line-${index}{stroke:${color}}.mae-dot-${index}{fill:${color}}`),
  ].join('');
}

/** Style rules for everything that this module and the charts draw. */
function themeStyle(theme: Theme): string {
  const shared =
    '.mae-text,.mae-muted,.mae-inverse{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}' +
    '.mae-inverse{fill:#fff}.mae-line{fill:none;stroke-linecap:round;stroke-linejoin:round}' +
    '.mae-line{stroke-width:1.6}.mae-raw{stroke-width:1;opacity:.35}';
  if (theme !== 'auto') return shared + themeRules(palettes[theme]);
  return `${shared}${themeRules(palettes.light)}@media(prefers-color-scheme:dark){${themeRules(palettes.dark)}}`;
}

export interface SvgDocument {
  readonly width: number;
  readonly height: number;
  /** SVG elements. */
  readonly body: string;
  /** What a screen reader says in place of the picture. */
  readonly label: string;
  /** Default `auto`. */
  readonly theme?: Theme;
}

/** A whole SVG file, which may also stand inside HTML. */
export function svgDocument({ width, height, body, label, theme = 'auto' }: SvgDocument): string {
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
    `role="img" aria-label="${escapeMarkup(label)}"><style>${themeStyle(theme)}</style>` +
    `<rect class="mae-background" width="${width}" height="${height}"/>${body}</svg>\n`
  );
}

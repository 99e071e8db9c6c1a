import type { Color } from './picture.js';

/** The share of the circle between neighbours that keeps any number of hues apart: the golden ratio's. */
const GOLDEN_SHARE = 0.618_033_988_75;

/** A colour for each class, the same everywhere; neighbours differ in hue, later rounds in lightness. */
export function classColor(index: number): Color {
  const hue = (index * GOLDEN_SHARE + 0.02) % 1;
  const lightness = [0.5, 0.65, 0.38][Math.floor(index / 9) % 3]!;
  return hslToRgb(hue, 0.8, lightness);
}

/** @param hue, saturation, lightness each 0–1 */
function hslToRgb(hue: number, saturation: number, lightness: number): Color {
  const reach = saturation * Math.min(lightness, 1 - lightness);
  const channel = (offset: number): number => {
    const position = (offset + hue * 12) % 12;
    return Math.round(255 * (lightness - reach * Math.max(-1, Math.min(position - 3, 9 - position, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}

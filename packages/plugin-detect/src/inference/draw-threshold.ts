/** `Detections ≥ 50 % (detect.drawThreshold=0.5)`: what is drawn, and the setting that says so. */
export function drawnTitle(threshold: number): string {
  return `Detections ≥ ${percent(threshold)} (detect.drawThreshold=${threshold})`;
}

/** Why nothing is drawn on a picture, with the best score; undefined where something is. */
export function nothingDrawn(scores: readonly number[], threshold: number): string | undefined {
  if (scores.some((score) => score >= threshold)) return undefined;
  const none = `no detection ≥ ${percent(threshold)}`;
  return scores.length === 0
    ? none
    : `${none}, best ${percent(scores.reduce((best, score) => Math.max(best, score), 0))}`;
}

/** A share for people, rounded down, so that nothing below a limit looks as if it reached it. */
export function percent(share: number): string {
  const whole = Math.floor(100 * share + 1e-9);
  return whole === 0 && share > 0 ? '< 1 %' : `${whole} %`;
}

import type { CategoryScores } from './evaluate-summary.js';
import type { CocoEvaluation } from './evaluate.js';
import { withoutControls } from '../../../base/harmless-text.js';
import { largest } from '../../../base/long-lists.js';

/** The twelve lines that COCO's tools print, character for character. */
export function evaluationLines({ stats, parameters }: CocoEvaluation): string[] {
  const { iouThresholds, maxDetections } = parameters;
  const limit = (m: number): number => maxDetections[m] ?? maxDetections.at(-1)!;
  const range = `${iouThresholds[0]!.toFixed(2)}:${iouThresholds.at(-1)!.toFixed(2)}`;
  const rows: Array<readonly [kind: 'AP' | 'AR', iou: string, area: string, limit: number]> = [
    ['AP', range, 'all', 100],
    ['AP', '0.50', 'all', limit(2)],
    ['AP', '0.75', 'all', limit(2)],
    ['AP', range, 'small', limit(2)],
    ['AP', range, 'medium', limit(2)],
    ['AP', range, 'large', limit(2)],
    ['AR', range, 'all', limit(0)],
    ['AR', range, 'all', limit(1)],
    ['AR', range, 'all', limit(2)],
    ['AR', range, 'small', limit(2)],
    ['AR', range, 'medium', limit(2)],
    ['AR', range, 'large', limit(2)],
  ];
  return rows.map(([kind, iou, area, maxDets], i) => {
    const title = kind === 'AP' ? 'Average Precision' : 'Average Recall';
    return (
      ` ${title.padEnd(18)} (${kind}) @[ IoU=${iou.padEnd(9)} | area=${area.padStart(6)} | ` +
      `maxDets=${String(maxDets).padStart(3)} ] = ${fixed(stats[i]!)}`
    );
  });
}

/** A table of the categories, with a header and aligned columns; "–" where a category has no ground truth. */
export function categoryTable(perCategory: readonly CategoryScores[]): string[] {
  const header = ['category', 'AP', 'AP50', 'AP75', 'APs', 'APm', 'APl', 'AR'];
  const rows = perCategory.map(({ name, ap, ap50, ap75, apSmall, apMedium, apLarge, ar }) => [
    withoutControls(name),
    ...[ap, ap50, ap75, apSmall, apMedium, apLarge, ar].map((value) => (value < 0 ? '–' : value.toFixed(3))),
  ]);
  const widths = header.map((_, column) => largest([header, ...rows].map((row) => row[column]!.length)));
  return [header, ...rows].map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  '),
  );
}

/** Three decimals, as Python's `{:0.3f}`. */
function fixed(value: number): string {
  return value.toFixed(3);
}

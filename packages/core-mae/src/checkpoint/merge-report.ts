import { withoutControls } from '../base/harmless-text.js';
import type { Shape } from '../contracts/tensor.js';

export interface ShapeChange {
  readonly name: string;
  readonly stored: Shape;
  readonly expected: Shape;
}

/** What became of every name on either side. */
export interface MergeReport {
  readonly path: string;
  /** What was done to the names before, in sentences for people. Default: nothing. */
  readonly remarks?: readonly string[];
  /** Copied as they were. */
  readonly loaded: readonly string[];
  /** Positions that were interpolated. */
  readonly reshaped: readonly ShapeChange[];
  /** Parameters that the checkpoint does not have. */
  readonly missing: readonly string[];
  /** Tensors of the checkpoint that the model does not have. */
  readonly unexpected: readonly string[];
  /** Parameters that the checkpoint has in another shape. */
  readonly mismatched: readonly ShapeChange[];
}

/** Names of one kind that a report lists: all of a large model's; what is more is no model's. */
const MOST_LISTED = 1000;

/**
 * The report as text for people: how many tensors were loaded, then every other name on a line of its own, under what
 * happened to it.
 */
export function formatMergeReport(report: MergeReport): string {
  const sections: Array<[title: string, lines: string[]]> = [
    ['positions interpolated', report.reshaped.map(formatChange)],
    ['missing in the checkpoint', [...report.missing]],
    ['not used by the model', [...report.unexpected]],
    ['of another shape', report.mismatched.map(formatChange)],
  ];
  const lines = [`${report.loaded.length} tensors match`];
  for (const remark of report.remarks ?? []) lines.push(remark);
  for (const [title, names] of sections) {
    if (names.length === 0) continue;
    lines.push(`${title} (${names.length}):`);
    // Names come from files: one with an end of a line in it stays one.
    for (const name of names.slice(0, MOST_LISTED)) lines.push(`  ${withoutControls(name)}`);
    if (names.length > MOST_LISTED) lines.push(`  … and ${names.length - MOST_LISTED} more`);
  }
  return lines.join('\n');
}

function formatChange({ name, stored, expected }: ShapeChange): string {
  return `${name}: [${stored.join(', ')}] in the checkpoint, [${expected.join(', ')}] in the model`;
}

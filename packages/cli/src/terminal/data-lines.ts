import type { ClassCount, DataSummary, TrainingDataSummary } from '@mae-tasks/core-mae/run';
import { formatCount } from './format-number.js';
import { formatTable } from './table.js';
import type { Terminal } from './terminal.js';
import { looking } from './text.js';

/** Up to this many classes are all shown; of more, the largest and the smallest. */
const SHOWN_CLASSES = 12;
const LARGEST = 6;
const SMALLEST = 4;

/** `2,640 pictures, 81 classes` · `205 pictures, 2,805 objects of 3 classes, 2 pictures without`. */
export function countLine({ pictures, unit, classes, unlabelled, unusable }: DataSummary): string {
  const parts = [plural(pictures, 'picture')];
  const ofClasses = plural(classes.length, 'class', 'classes');
  if (unit === 'object') parts.push(`${plural(sum(classes), 'object')} of ${ofClasses}`);
  else if (unit !== undefined) parts.push(ofClasses);
  if (unlabelled > 0)
    parts.push(`${formatCount(unlabelled)} of them without ${unit === 'object' ? 'objects' : 'labels'}`);
  if (unusable > 0)
    parts.push(`${formatCount(unusable)} with annotations that cannot be used (see: mae-tasks data check)`);
  return parts.join(', ');
}

/** The classes with their counts, the largest first, in one line of bounded length; undefined where there are none. */
export function classLine(summary: DataSummary): string | undefined {
  const { classes, unit, counted, pictures } = summary;
  if (unit === undefined || counted === 0 || classes.length === 0) return undefined;
  const total = sum(classes);
  const sorted = [...classes].sort((a, b) => b.labels - a.labels);
  const text = ({ name, labels }: ClassCount): string =>
    unit === 'pixel' ? `${name} ${percent(labels, total)}` : `${name} ${formatCount(labels)}`;
  const shown =
    sorted.length <= SHOWN_CLASSES
      ? sorted.map(text)
      : [
          ...sorted.slice(0, LARGEST).map(text),
          `… ${sorted.length - LARGEST - SMALLEST} more …`,
          ...sorted.slice(-SMALLEST).map(text),
        ];
  const of =
    unit === 'pixel' ? ` (share of pixels${counted < pictures ? `, in ${formatCount(counted)} of the maps` : ''})` : '';
  return shown.join(', ') + of;
}

/** Shows what a training has to learn from, for people; programs find it in the record of the start. */
export function showTrainingData(terminal: Terminal, { train, heldOut, heldOutBy }: TrainingDataSummary): void {
  const rows = summaryRows([
    ['train', train],
    ...(heldOut === undefined ? [] : ([['held out', heldOut, heldOutBy]] as const)),
  ]);
  terminal.print(...formatTable(rows.map(([name = '', value = '']) => [looking('dim', name), value])));
}

/** The lines that describe a data set, each with its name. */
export function summaryRows(
  parts: ReadonlyArray<readonly [name: string, summary: DataSummary, origin?: string | undefined]>,
): string[][] {
  const [first] = parts;
  if (first === undefined) return [];
  const [, { layout }] = first;
  const classes = classLine(first[1]);
  return [
    ...(layout === undefined ? [] : [['layout', layout]]),
    ...parts.map(([name, summary, origin]) => [
      name,
      `${countLine(summary)}${origin === undefined ? '' : ` (${origin})`}`,
    ]),
    ...(classes === undefined ? [] : [['classes', classes]]),
  ];
}

function sum(classes: readonly ClassCount[]): number {
  return classes.reduce((total, { labels }) => total + labels, 0);
}

function percent(part: number, whole: number): string {
  const share = (100 * part) / whole;
  return part === 0 ? '0 %' : share < 0.1 ? '< 0.1 %' : `${share < 10 ? share.toFixed(1) : Math.round(share)} %`;
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

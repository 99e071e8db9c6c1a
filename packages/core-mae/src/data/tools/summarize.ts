import type { Dataset, Labelling } from '../../contracts/dataset.js';
import { MaeError } from '../../base/errors.js';

/** How much there is of a class. */
export interface ClassCount {
  readonly name: string;
  /** Pictures with at least one label of the class. */
  readonly pictures: number;
  /** Objects or pixels of it; the pictures again where a label is a picture's. */
  readonly labels: number;
}

/** What a data set is made of. */
export interface DataSummary {
  readonly name: string;
  /** The layout that the files were recognised as. */
  readonly layout: string | undefined;
  readonly pictures: number;
  /** What a label stands for; undefined where pictures have none that can be counted. */
  readonly unit: 'picture' | 'object' | 'pixel' | undefined;
  /** Pictures whose labels were counted: all, or as many as were asked for. */
  readonly counted: number;
  /** Of those counted, pictures without any label. */
  readonly unlabelled: number;
  /** Of those counted, pictures whose annotations cannot be used. */
  readonly unusable: number;
  /** In the order of the data set. */
  readonly classes: readonly ClassCount[];
}

export interface SummarizeOptions {
  /** Counts at most this many pictures, spread over the data, where that takes reading a file of each. Default all. */
  readonly maxFiles?: number;
  /** Called now and then while labels are counted. */
  readonly reportProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * A data set's layout, pictures and labels by class. No picture is opened.
 */
export async function summarizeData(data: Dataset, options: SummarizeOptions = {}): Promise<DataSummary> {
  const { name, layout, size, labelling, classNames = [] } = data;
  const base = { name, layout, pictures: size, unit: labelling?.unit };
  if (labelling === undefined) return { ...base, counted: 0, unlabelled: 0, unusable: 0, classes: [] };
  const { maxFiles = Infinity, reportProgress } = options;
  const counted = labelling.unit === 'pixel' ? Math.min(size, maxFiles) : size;
  const pictures = new Float64Array(classNames.length);
  const labels = new Float64Array(classNames.length);
  let [unlabelled, unusable] = [0, 0];
  for (let position = 0; position < counted; position++) {
    const counts = countsAt(labelling, Math.floor((position * size) / counted));
    if (counts === undefined) unusable++;
    else if (counts.size === 0) unlabelled++;
    for (const [index, count] of counts ?? []) {
      pictures[index]!++;
      labels[index]! += count;
    }
    if (position % PROGRESS_EVERY === 0) {
      reportProgress?.(position, counted);
      // Signals and the terminal get their turn.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  reportProgress?.(counted, counted);
  const classes = classNames.map((each, index) => ({ name: each, pictures: pictures[index]!, labels: labels[index]! }));
  return { ...base, counted, unlabelled, unusable, classes };
}

/** Undefined for annotations that cannot be used: `mae-tasks data check` names them, training passes them over. */
function countsAt({ countsOf }: Labelling, index: number): ReadonlyMap<number, number> | undefined {
  try {
    return countsOf(index);
  } catch (error) {
    if (error instanceof MaeError) return undefined;
    throw error;
  }
}

const PROGRESS_EVERY = 64;

/** Fewer pictures of a class than this are too few to learn from. */
export const FEW_PICTURES = 5;
const NAMED_CLASSES = 5;

/** A warning where classes have few pictures or none; undefined where all have enough, or where not all were counted. */
export function fewPicturesWarning({ pictures, counted, classes, unit }: DataSummary): string | undefined {
  if (unit === undefined || counted < pictures) return undefined;
  const few = classes.filter((each) => each.pictures < FEW_PICTURES).sort((a, b) => a.pictures - b.pictures);
  if (few.length === 0) return undefined;
  const named = few.slice(0, NAMED_CLASSES).map(({ name, pictures: count }) => `${name} (${count})`);
  const more = few.length > NAMED_CLASSES ? ` and ${few.length - NAMED_CLASSES} more` : '';
  const subject = few.length === 1 ? '1 class has' : `${few.length} of ${classes.length} classes have`;
  return `${subject} fewer than ${FEW_PICTURES} training pictures: ${named.join(', ')}${more}. Add pictures of ${few.length === 1 ? 'it' : 'them'}, or leave ${few.length === 1 ? 'it' : 'them'} out.`;
}

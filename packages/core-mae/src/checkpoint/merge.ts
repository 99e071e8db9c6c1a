import { type Parameter, type ParameterTree, sameShape } from '../contracts/tensor.js';
import { MaeError } from '../base/errors.js';
import type { GridSize } from '../nn/interpolate-bicubic.js';
import { formatMergeReport, type MergeReport, type ShapeChange } from './merge-report.js';
import { resizePositions, resizeRelativePositions } from './positions.js';
import { requireFinite } from './files/finite.js';
import { type StoredTensor, type StoredTensors, toFloat32 } from './files/stored-tensor.js';

export interface MergeOptions {
  /** The checkpoint's path, for messages. */
  readonly path: string;
  /**
   * Parameters that may keep their initial values, because the checkpoint has none or has them in another shape:
   * names, or prefixes that end with a dot (`head.`). Default: none.
   */
  readonly allowMissing?: readonly string[];
  /** Tensors of the checkpoint that may go unused: names, or prefixes that end with a dot. Default: none. */
  readonly allowUnexpected?: readonly string[];
  /**
   * Grids of position tables, by name; where the checkpoint's differs from the model's, it is interpolated. `to` is
   * needed when the model's pictures are not square, `from` when those of the checkpoint were not.
   * Default: `pos_embed` and `decoder_pos_embed`, square.
   */
  readonly positions?: Readonly<Record<string, { readonly from?: GridSize; readonly to?: GridSize }>>;
}

const DEFAULT_POSITIONS: NonNullable<MergeOptions['positions']> = { pos_embed: {}, decoder_pos_embed: {} };

/**
 * Copies a checkpoint's tensors into the parameters of the same names, and returns what became of every name. Tables of
 * relative positions for other sizes are interpolated. Anything
 * missing, unexpected or of another shape that the options do not allow is an error that lists all of them; nothing is
 * copied then.
 *
 * @throws MaeError `CHECKPOINT_MISMATCH` with the whole difference, `CHECKPOINT_INVALID` for weights that are quantised or
 * not finite
 */
export function mergeCheckpoint(parameters: ParameterTree, tensors: StoredTensors, options: MergeOptions): MergeReport {
  const { path, allowMissing = [], allowUnexpected = [], positions = DEFAULT_POSITIONS } = options;
  const copies: Array<{ target: Float32Array; values: Float32Array }> = [];
  const loaded: string[] = [];
  const reshaped: ShapeChange[] = [];
  const missing: string[] = [];
  const mismatched: ShapeChange[] = [];

  for (const [name, parameter] of parameters) {
    const stored = tensors.get(name);
    if (stored === undefined) {
      missing.push(name);
      continue;
    }
    const grids = Object.hasOwn(positions, name) ? positions[name] : undefined;
    const resized =
      grids === undefined
        ? resizeRelativePositions(name, () => finiteValues(stored, name, path), stored.shape, parameter.shape)
        : resize(stored, parameter, grids, path);
    if (resized !== undefined) {
      reshaped.push({ name, stored: stored.shape, expected: parameter.shape });
      copies.push({ target: parameter.data, values: resized });
    } else if (sameShape(stored.shape, parameter.shape)) {
      loaded.push(name);
      copies.push({ target: parameter.data, values: finiteValues(stored, name, path) });
    } else {
      mismatched.push({ name, stored: stored.shape, expected: parameter.shape });
    }
  }
  const unexpected = [...tensors.keys()].filter((name) => !parameters.has(name));

  const report = { path, loaded, reshaped, missing, unexpected, mismatched };
  const refused = {
    ...report,
    missing: missing.filter((name) => !isListed(name, allowMissing)),
    unexpected: unexpected.filter((name) => !isListed(name, allowUnexpected)),
    mismatched: mismatched.filter(({ name }) => !isListed(name, allowMissing)),
  };
  if (refused.missing.length + refused.unexpected.length + refused.mismatched.length > 0) {
    throw new MaeError('CHECKPOINT_MISMATCH', {
      what: 'the checkpoint does not fit the model',
      where: path,
      fix: 'check that the model and its sizes are those that the checkpoint was made with',
      details: formatMergeReport(refused).split('\n'),
    });
  }
  for (const { target, values } of copies) target.set(values);
  return report;
}

function resize(
  stored: StoredTensor,
  { name, shape }: Parameter,
  grids: { readonly from?: GridSize; readonly to?: GridSize },
  path: string,
): Float32Array | undefined {
  // Where nothing changes, or the widths differ, the comparison of shapes decides.
  if (grids.from === undefined && grids.to === undefined && sameShape(stored.shape, shape)) return undefined;
  return resizePositions(finiteValues(stored, name, path), stored.shape, shape, grids);
}

function finiteValues(stored: StoredTensor, name: string, path: string): Float32Array {
  const values = toFloat32(stored, name, path);
  requireFinite(values, name, path);
  return values;
}

/** Whether a list of names, or of prefixes that end with a dot, holds a name. */
export function isListed(name: string, list: readonly string[]): boolean {
  return list.some((entry) => (entry.endsWith('.') ? name.startsWith(entry) : name === entry));
}

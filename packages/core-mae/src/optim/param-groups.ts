import type { Shape } from '../contracts/tensor.js';

/** What an optimizer applies to one parameter. */
export interface ParameterGroup {
  /** Factor on the learning rate. */
  readonly lrScale: number;
  readonly weightDecay: number;
}

/** A group for every trainable parameter, by name. */
export type ParameterGroups = ReadonlyMap<string, ParameterGroup>;

/**
 * The groups of pretraining: biases and one-dimensional parameters are not decayed (timm's `add_weight_decay`, as
 * used by main_pretrain.py).
 */
export function weightDecayGroups(shapes: Readonly<Record<string, Shape>>, weightDecay: number): ParameterGroups {
  return groupEach(shapes, (name, shape) => ({
    lrScale: 1,
    weightDecay: shape.length === 1 || name.endsWith('.bias') ? 0 : weightDecay,
  }));
}

/**
 * The groups of fine-tuning: the rate falls by `layerDecay` for each layer further from the head, the positions and
 * the class token are not decayed either (official util/lr_decay.py, `param_groups_lrd`).
 *
 * @param depth number of blocks; the embedding is layer 0, block `i` layer `i + 1`, everything else layer `depth + 1`
 */
export function layerDecayGroups(
  shapes: Readonly<Record<string, Shape>>,
  { depth, layerDecay, weightDecay }: { depth: number; layerDecay: number; weightDecay: number },
): ParameterGroups {
  return groupEach(shapes, (name, shape) => ({
    lrScale: layerDecay ** (depth + 1 - layerOf(name, depth)),
    weightDecay: shape.length === 1 || name === 'pos_embed' || name === 'cls_token' ? 0 : weightDecay,
  }));
}

function layerOf(name: string, depth: number): number {
  if (name === 'cls_token' || name === 'pos_embed' || name.startsWith('patch_embed.')) return 0;
  const block = /^blocks\.(\d+)\./.exec(name);
  return block === null ? depth + 1 : Number(block[1]) + 1;
}

function groupEach(
  shapes: Readonly<Record<string, Shape>>,
  groupOf: (name: string, shape: Shape) => ParameterGroup,
): ParameterGroups {
  return new Map(Object.entries(shapes).map(([name, shape]) => [name, groupOf(name, shape)]));
}

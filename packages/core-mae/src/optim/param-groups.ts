import type { ParameterGroup } from '../contracts/parameters.js';
import type { Shape } from '../contracts/tensor.js';

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

export interface LayerDecayOptions {
  /** Number of blocks: what is no part of the encoder is layer `depth + 1`. */
  readonly depth: number;
  readonly layerDecay: number;
  readonly weightDecay: number;
  /** The layer of an encoder's parameter: 0 for the embedding, `i + 1` for block `i`; undefined for the rest. */
  readonly layerOf: (name: string) => number | undefined;
}

/**
 * The groups of fine-tuning: the rate falls by `layerDecay` for each layer further from the head, the positions and
 * the class token are not decayed either (official util/lr_decay.py, `param_groups_lrd`).
 */
export function layerDecayGroups(shapes: Readonly<Record<string, Shape>>, options: LayerDecayOptions): ParameterGroups {
  return groupEach(shapes, (name, shape) => layerDecayGroup(name, shape, options));
}

/** One parameter's group, as {@link layerDecayGroups}. */
export function layerDecayGroup(
  name: string,
  shape: Shape,
  { depth, layerDecay, weightDecay, layerOf }: LayerDecayOptions,
): ParameterGroup {
  return {
    lrScale: layerDecay ** (depth + 1 - (layerOf(name) ?? depth + 1)),
    weightDecay: shape.length === 1 || name === 'pos_embed' || name === 'cls_token' ? 0 : weightDecay,
  };
}

/** A group for each of these parameters. */
export function groupEach(
  shapes: Readonly<Record<string, Shape>>,
  groupOf: (name: string, shape: Shape) => ParameterGroup,
): ParameterGroups {
  return new Map(Object.entries(shapes).map(([name, shape]) => [name, groupOf(name, shape)]));
}

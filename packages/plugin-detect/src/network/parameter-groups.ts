import type { ParameterGroup } from '@mae-tasks/core-mae/task';

export interface DetectorGroupOptions {
  /** Of the encoder. */
  readonly depth: number;
  readonly layerDecay: number;
  readonly weightDecay: number;
  readonly layerOf: (name: string) => number | undefined;
  /** Whether norms of the encoder and positions are decayed. */
  readonly decayNorms: boolean;
}

/**
 * What the optimizer applies to a parameter: the rate falls by `layerDecay` for each layer of the encoder further from
 * the pyramid (detectron2's `get_vit_lr_decay_rate`). Unlike MAE's own fine-tuning, biases are decayed, and so are the
 * norms over channels of the pyramid and the heads; not the encoder's norms and the positions
 * (`get_default_optimizer_params` with `weight_decay_norm=0`, which knows `torch.nn.LayerNorm` only).
 */
export function detectorGroup(
  name: string,
  { depth, layerDecay, weightDecay, layerOf, decayNorms }: DetectorGroupOptions,
): ParameterGroup {
  const layer = layerOf(name) ?? depth + 1;
  const undecayed = name === 'pos_embed' || /^blocks\.\d+\.norm[12]\./.test(name);
  return {
    lrScale: layerDecay ** (depth + 1 - layer),
    weightDecay: undecayed && !decayNorms ? 0 : weightDecay,
  };
}

import type { Backbone, VitConfig } from '../../contracts/backbone.js';
import type { ParameterSpecs } from '../../contracts/parameters.js';
import type { TuningMode } from '../../contracts/task.js';

export interface FreezeOptions {
  readonly mode: TuningMode;
  /** With `partial`: how many of the last blocks are tuned; a half block is its MLP and the norm before it. */
  readonly blocks: number;
  readonly vit: VitConfig;
  readonly backbone: Backbone;
}

/** The specs with the encoder's parameters that a mode does not tune marked as fixed; the head's are left as they are. */
export function freezeEncoder(specs: ParameterSpecs, options: FreezeOptions): ParameterSpecs {
  return Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => [name, isTuned(name, options) ? spec : { ...spec, trainable: false }]),
  );
}

function isTuned(name: string, { mode, blocks, vit, backbone }: FreezeOptions): boolean {
  const layer = backbone.layerOf(name, vit);
  if (layer === undefined || mode === 'full') return true;
  if (mode === 'linear-probe') return false;
  const firstWhole = vit.depth + 1 - Math.floor(blocks);
  if (layer >= firstWhole) return true;
  const isHalf = blocks % 1 !== 0 && layer === firstWhole - 1;
  return isHalf && /\.(?:mlp|norm2)\./.test(name);
}

import { type KeyMap, renameAll } from './key-map.js';

/**
 * facebookresearch/mae (models_mae.py, models_vit.py), and timm's VisionTransformer with the same names, `fc_norm` and
 * `head` included. Names are kept; prefixes of wrappers (DistributedDataParallel, torch.compile) are taken off.
 */
export const officialKeyMap: KeyMap = {
  source: 'official',
  recognizes: (names) => names.some((name) => withoutWrappers(name) === 'patch_embed.proj.weight'),
  toOfficial: (tensors, path) => ({ tensors: renameAll(tensors, withoutWrappers, path), ignored: [] }),
};

function withoutWrappers(name: string): string {
  return name.replace(/^(?:module\.|_orig_mod\.)+/, '');
}

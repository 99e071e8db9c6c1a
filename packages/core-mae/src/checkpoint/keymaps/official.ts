import { type KeyMap, renameAll } from './key-map.js';

/**
 * facebookresearch/mae (models_mae.py, models_vit.py), and timm's VisionTransformer with the same names, `fc_norm` and
 * `head` included. Names are kept.
 */
export const officialKeyMap: KeyMap = {
  source: 'official',
  patchEmbed: /^((?:.*\.)?)patch_embed\.proj\.weight$/,
  toOfficial: (tensors, path) => ({ tensors: renameAll(tensors, (name) => name, path), ignored: [] }),
};

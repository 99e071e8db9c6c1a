import { type KeyMap, renameAll } from './key-map.js';

const BACKBONE = 'backbone.net.';

/**
 * detectron2's ViTDet (modeling/backbone/vit.py): the ViT lies under `backbone.net.` with the official names and
 * without class token, though its positions have a row for one. The pyramid, the proposal network and the heads keep
 * their names.
 */
export const detectron2KeyMap: KeyMap = {
  source: 'detectron2',
  recognizes: (names) => names.includes(`${BACKBONE}patch_embed.proj.weight`),
  toOfficial: (tensors, path) => ({
    tensors: renameAll(tensors, (name) => (name.startsWith(BACKBONE) ? name.slice(BACKBONE.length) : name), path),
    ignored: [],
  }),
};

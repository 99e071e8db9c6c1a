import { type KeyMap, renameAll } from './key-map.js';

const BACKBONE = 'backbone.net.';
const CONSTANTS = /^(?:pixel_mean|pixel_std|proposal_generator\.anchor_generator\.cell_anchors\..*)$/;

/**
 * detectron2's ViTDet (modeling/backbone/vit.py): the ViT lies under `backbone.net.` with the official names and
 * without class token, though its positions have a row for one. The pyramid, the proposal network and the heads keep
 * their names. Constants that old versions saved, of normalisation and of anchors, are left out.
 */
export const detectron2KeyMap: KeyMap = {
  source: 'detectron2',
  patchEmbed: /^((?:.*?\.)??)backbone\.net\.patch_embed\.proj\.weight$/,
  toOfficial(tensors, path) {
    const ignored = [...tensors.keys()].filter((name) => CONSTANTS.test(name));
    const weights = new Map([...tensors].filter(([name]) => !CONSTANTS.test(name)));
    const rename = (name: string): string => (name.startsWith(BACKBONE) ? name.slice(BACKBONE.length) : name);
    return { tensors: renameAll(weights, rename, path), ignored };
  },
};

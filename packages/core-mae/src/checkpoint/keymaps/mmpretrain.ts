import { type KeyMap, renameAll, renamed, type Renaming } from './key-map.js';

/** Parts of a transformer layer: mmpretrain's names and the official ones. */
const LAYER_PARTS: Readonly<Record<string, string>> = {
  ln1: 'norm1',
  ln2: 'norm2',
  'attn.qkv': 'attn.qkv',
  'attn.proj': 'attn.proj',
  'ffn.layers.0.0': 'mlp.fc1',
  'ffn.layers.1': 'mlp.fc2',
};

const layers = (theirs: string, official: string): Renaming[] =>
  Object.entries(LAYER_PARTS).map(([part, officialPart]) => [
    new RegExp(`^${theirs}\\.(\\d+)\\.${part.replaceAll('.', '\\.')}\\.(weight|bias)$`),
    `${official}.$1.${officialPart}.$2`,
  ]);

const RENAMINGS: readonly Renaming[] = [
  ...layers('(?:backbone\\.)?layers', 'blocks'),
  ...layers('neck\\.decoder_blocks', 'decoder_blocks'),
  [/^(?:backbone\.)?patch_embed\.projection\.(weight|bias)$/, 'patch_embed.proj.$1'],
  [/^(?:backbone\.)?(cls_token|pos_embed)$/, '$1'],
  [/^(?:backbone\.)?ln1\.(weight|bias)$/, 'norm.$1'],
  // The norm after average pooling.
  [/^(?:backbone\.)?ln2\.(weight|bias)$/, 'fc_norm.$1'],
  [/^neck\.(mask_token|decoder_pos_embed|decoder_embed\..*|decoder_pred\..*)$/, '$1'],
  [/^neck\.ln1\.(weight|bias)$/, 'decoder_norm.$1'],
  [/^head\.(?:fc|layers\.head)\.(weight|bias)$/, 'head.$1'],
];

/** OpenMMLab's mmpretrain and mmcls (models/backbones/vision_transformer.py, models/necks/mae_neck.py). */
export const mmpretrainKeyMap: KeyMap = {
  source: 'mmpretrain',
  patchEmbed: /^((?:.*?\.)??)(?:backbone\.)?patch_embed\.projection\.weight$/,
  recognizes: (names, prefix) =>
    ['', 'backbone.'].some((backbone) => names.has(`${prefix}${backbone}layers.0.ffn.layers.0.0.weight`)),
  toOfficial: (tensors, path) => ({
    tensors: renameAll(tensors, (name) => renamed(name, RENAMINGS), path),
    ignored: [],
  }),
};

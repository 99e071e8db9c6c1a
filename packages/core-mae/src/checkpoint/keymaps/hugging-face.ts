import type { StoredTensors } from '../files/stored-tensor.js';
import { joinQueryKeyValue } from './join-qkv.js';
import { type KeyMap, renameAll, renamed, type Renaming } from './key-map.js';

/**
 * Parts of a transformer layer: the names of transformers 4.x (which 5.x still writes into files), those of 5.x in
 * memory, and the official ones; `attn.q`, `attn.k` and `attn.v` are joined afterwards.
 */
const LAYER_PARTS: ReadonlyArray<readonly [version4: string, version5: string, official: string]> = [
  ['attention.attention.query', 'attention.q_proj', 'attn.q'],
  ['attention.attention.key', 'attention.k_proj', 'attn.k'],
  ['attention.attention.value', 'attention.v_proj', 'attn.v'],
  ['attention.output.dense', 'attention.o_proj', 'attn.proj'],
  ['layernorm_before', 'layernorm_before', 'norm1'],
  ['layernorm_after', 'layernorm_after', 'norm2'],
  ['intermediate.dense', 'mlp.fc1', 'mlp.fc1'],
  ['output.dense', 'mlp.fc2', 'mlp.fc2'],
];

/** Lists of layers: `encoder.layer` is 4.x, `layers` 5.x; 5.x writes the decoder's into files as `decoder_encoder.layer`. */
const ENCODER_LAYERS = '(?:vit\\.)?(?:encoder\\.layer|layers)';
const DECODER_LAYERS = 'decoder\\.(?:decoder_layers|decoder_encoder\\.layer)';

const layers = (theirs: string, official: string): Renaming[] =>
  LAYER_PARTS.map(([version4, version5, officialPart]) => [
    new RegExp(`^${theirs}\\.(\\d+)\\.(?:${escaped(version4)}|${escaped(version5)})\\.(weight|bias)$`),
    `${official}.$1.${officialPart}.$2`,
  ]);

const RENAMINGS: readonly Renaming[] = [
  ...layers(ENCODER_LAYERS, 'blocks'),
  ...layers(DECODER_LAYERS, 'decoder_blocks'),
  [/^(?:vit\.)?embeddings\.cls_token$/, 'cls_token'],
  [/^(?:vit\.)?embeddings\.position_embeddings$/, 'pos_embed'],
  [/^(?:vit\.)?embeddings\.patch_embeddings\.projection\.(weight|bias)$/, 'patch_embed.proj.$1'],
  [/^(?:vit\.)?layernorm\.(weight|bias)$/, 'norm.$1'],
  [/^decoder\.(mask_token|decoder_pos_embed|(?:decoder_embed|decoder_norm|decoder_pred)\.(?:weight|bias))$/, '$1'],
  [/^classifier\.(weight|bias)$/, 'head.$1'],
];

/** BERT's pooler, which ViTModel has by default: the official model reads the class token itself. */
const UNUSED = /^(?:vit\.)?pooler\./;

/**
 * Hugging Face transformers: ViTMAEForPreTraining, ViTMAEModel, ViTModel and ViTForImageClassification, of versions 4
 * and 5 (models/vit_mae/modeling_vit_mae.py, models/vit/modeling_vit.py). Their default `layer_norm_eps` is 1e-12, that
 * of the official code, with which the published weights were trained, 1e-6.
 */
export const huggingFaceKeyMap: KeyMap = {
  source: 'hugging-face',
  patchEmbed: /^((?:.*?\.)??)(?:vit\.)?embeddings\.patch_embeddings\.projection\.weight$/,
  toOfficial: (tensors, path) => {
    const ignored = [...tensors.keys()].filter((name) => UNUSED.test(name));
    const used: StoredTensors = new Map([...tensors].filter(([name]) => !UNUSED.test(name)));
    const official = renameAll(used, (name) => renamed(name, RENAMINGS), path);
    return { tensors: joinQueryKeyValue(official, path), ignored };
  },
};

function escaped(name: string): string {
  return name.replaceAll('.', '\\.');
}

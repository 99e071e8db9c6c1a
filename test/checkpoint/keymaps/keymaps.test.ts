import { describe, expect, it } from 'vitest';
import { detectKeyMap } from '#core/checkpoint/keymaps/detect.js';
import type { StoredTensor } from '#core/checkpoint/files/stored-tensor.js';

/** Tensors of these names, each told apart by its value. */
function named(...names: string[]): Map<string, StoredTensor> {
  return new Map(names.map((name, index) => [name, { dtype: 'F32', shape: [1], data: Float32Array.of(index) }]));
}

function translated(...names: string[]): { source: string; names: string[] } {
  const tensors = named(...names);
  const keyMap = detectKeyMap(tensors, 'x');
  const result = keyMap.toOfficial(tensors, 'x').tensors;
  // Order and values stay, so names can be compared one by one.
  expect([...result.values()]).toEqual([...tensors.values()]);
  return { source: keyMap.source, names: [...result.keys()] };
}

describe('names of checkpoints', () => {
  it('of the official code and of timm are kept; wrappers are taken off', () => {
    const names = ['cls_token', 'patch_embed.proj.weight', 'blocks.0.attn.qkv.weight', 'fc_norm.weight', 'head.bias'];
    expect(translated(...names)).toEqual({ source: 'official', names });
    expect(translated(...names.map((name) => `module.${name}`))).toEqual({ source: 'official', names });
    expect(translated(...names.map((name) => `module._orig_mod.${name}`))).toEqual({ source: 'official', names });
  });

  it('of ViTDet lose the prefix of the backbone, and the rest of the detector keeps its own', () => {
    expect(
      translated(
        'backbone.net.pos_embed',
        'backbone.net.patch_embed.proj.weight',
        'backbone.net.blocks.0.attn.rel_pos_h',
        'backbone.simfp_2.0.weight',
        'roi_heads.box_head.fc1.weight',
      ),
    ).toEqual({
      source: 'detectron2',
      names: [
        'pos_embed',
        'patch_embed.proj.weight',
        'blocks.0.attn.rel_pos_h',
        'backbone.simfp_2.0.weight',
        'roi_heads.box_head.fc1.weight',
      ],
    });
  });

  it('of mmpretrain are translated, encoder and decoder', () => {
    const pairs = {
      'backbone.cls_token': 'cls_token',
      'backbone.pos_embed': 'pos_embed',
      'backbone.patch_embed.projection.weight': 'patch_embed.proj.weight',
      'backbone.patch_embed.projection.bias': 'patch_embed.proj.bias',
      'backbone.layers.0.ln1.weight': 'blocks.0.norm1.weight',
      'backbone.layers.0.attn.qkv.bias': 'blocks.0.attn.qkv.bias',
      'backbone.layers.0.attn.proj.weight': 'blocks.0.attn.proj.weight',
      'backbone.layers.0.ln2.bias': 'blocks.0.norm2.bias',
      'backbone.layers.0.ffn.layers.0.0.weight': 'blocks.0.mlp.fc1.weight',
      'backbone.layers.11.ffn.layers.1.bias': 'blocks.11.mlp.fc2.bias',
      'backbone.ln1.weight': 'norm.weight',
      'backbone.ln2.weight': 'fc_norm.weight',
      'neck.mask_token': 'mask_token',
      'neck.decoder_pos_embed': 'decoder_pos_embed',
      'neck.decoder_embed.weight': 'decoder_embed.weight',
      'neck.decoder_blocks.7.ffn.layers.0.0.bias': 'decoder_blocks.7.mlp.fc1.bias',
      'neck.decoder_blocks.7.ln1.bias': 'decoder_blocks.7.norm1.bias',
      'neck.ln1.weight': 'decoder_norm.weight',
      'neck.decoder_pred.bias': 'decoder_pred.bias',
      'head.fc.weight': 'head.weight',
      'something.else': 'something.else',
    };
    expect(translated(...Object.keys(pairs))).toEqual({ source: 'mmpretrain', names: Object.values(pairs) });
  });

  it('that nothing knows are listed', () => {
    expect(() => detectKeyMap(named('conv1.weight', 'bn1.bias', 'layer1.0.conv1.weight'), 'resnet.pth')).toThrow(
      /no known Vision Transformer; it begins with conv1\.weight, bn1\.bias, layer1\.0\.conv1\.weight — resnet\.pth/,
    );
    expect(() => detectKeyMap(new Map(), 'x')).toThrow(/holds no tensors/);
  });

  it('that two tensors would share are refused', () => {
    const tensors = named('patch_embed.proj.weight', 'module.patch_embed.proj.weight');
    const keyMap = detectKeyMap(tensors, 'x');
    expect(() => keyMap.toOfficial(tensors, 'x')).toThrow(/both stand for `patch_embed\.proj\.weight`/);
  });
});

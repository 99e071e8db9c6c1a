import { describe, expect, it } from 'vitest';
import { findEncoders, unknownNames, withoutPrefix } from '#core/checkpoint/keymaps/detect.js';
import type { StoredTensor } from '#core/checkpoint/files/stored-tensor.js';

/** Tensors of these names, each told apart by its value. */
function named(...names: string[]): Map<string, StoredTensor> {
  return new Map(names.map((name, index) => [name, { dtype: 'F32', shape: [1], data: Float32Array.of(index) }]));
}

function translated(...names: string[]): { source: string; prefix: string; names: string[] } {
  const tensors = named(...names);
  const [found, ...others] = findEncoders(names);
  expect(others).toEqual([]);
  const { keyMap, prefix } = found!;
  const { inside, outside } = withoutPrefix(tensors, prefix);
  expect(outside).toEqual([]);
  const result = keyMap.toOfficial(inside, 'x').tensors;
  // Order and values stay, so names can be compared one by one.
  expect([...result.values()]).toEqual([...tensors.values()]);
  return { source: keyMap.source, prefix, names: [...result.keys()] };
}

describe('names of checkpoints', () => {
  it('of the official code and of timm are kept; wrappers are taken off', () => {
    const names = ['cls_token', 'patch_embed.proj.weight', 'blocks.0.attn.qkv.weight', 'fc_norm.weight', 'head.bias'];
    expect(translated(...names)).toEqual({ source: 'official', prefix: '', names });
    for (const prefix of ['module.', 'module._orig_mod.', 'model.', 'backbone.', 'teacher.backbone.', '0.']) {
      expect(translated(...names.map((name) => prefix + name))).toEqual({ source: 'official', prefix, names });
    }
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
      prefix: '',
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
    expect(translated(...Object.keys(pairs))).toEqual({
      source: 'mmpretrain',
      prefix: '',
      names: Object.values(pairs),
    });
  });

  it('that nothing knows are listed', () => {
    const names = ['conv1.weight', 'bn1.bias', 'layer1.0.conv1.weight', 'not_patch_embed.proj.weight'];
    expect(findEncoders(names)).toEqual([]);
    expect(unknownNames(names, 'resnet.pth').message).toMatch(
      /no known Vision Transformer; it begins with conv1\.weight, bn1\.bias, layer1\.0\.conv1\.weight, .* — resnet\.pth/,
    );
    expect(unknownNames([], 'x').message).toMatch(/holds no tensors/);
  });

  it('of wrapped models of every source are found behind what the wrapper puts before them', () => {
    const found = (...names: string[]) => findEncoders(names).map(({ keyMap, prefix }) => [keyMap.source, prefix]);
    expect(found('model.vit.embeddings.patch_embeddings.projection.weight')).toEqual([['hugging-face', 'model.']]);
    expect(found('deit.embeddings.patch_embeddings.projection.weight')).toEqual([['hugging-face', 'deit.']]);
    expect(found('model.backbone.net.patch_embed.proj.weight')).toEqual([['detectron2', 'model.']]);
    expect(
      found('student.backbone.patch_embed.projection.weight', 'student.backbone.layers.0.ffn.layers.0.0.weight'),
    ).toEqual([['mmpretrain', 'student.']]);
    expect(
      found('student.patch_embed.proj.weight', 'teacher.patch_embed.proj.weight', 'patch_embed.proj.weight'),
    ).toEqual([
      ['official', 'student.'],
      ['official', 'teacher.'],
      ['official', ''],
    ]);
  });

  it('beside the encoder are left out, but for tokens that change what it computes', () => {
    const tensors = named('a.patch_embed.proj.weight', 'loss.weight', 'a.reg_token', 'register_tokens', 'b.dist_token');
    const { inside, outside } = withoutPrefix(tensors, 'a.', ['b.']);
    expect([...inside.keys()]).toEqual(['patch_embed.proj.weight', 'reg_token', 'register_tokens']);
    expect(outside).toEqual(['loss.weight', 'b.dist_token']);
  });
});

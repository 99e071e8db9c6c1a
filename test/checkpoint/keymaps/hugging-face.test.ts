import { describe, expect, it } from 'vitest';
import { huggingFaceKeyMap } from '#core/checkpoint/keymaps/hugging-face.js';
import { findEncoders } from '#core/checkpoint/keymaps/detect.js';
import { loadCheckpoint } from '#core/checkpoint/load.js';
import { readSafetensors } from '#core/checkpoint/files/safetensors.js';
import type { StoredTensor, StoredTensors } from '#core/checkpoint/files/stored-tensor.js';
import { fixturePath } from '../../fixture-path.js';

const stored = (name: string): string => fixturePath(`hugging-face/${name}.safetensors`);

const block = (prefix: string): string[] =>
  ['norm1', 'attn.qkv', 'attn.proj', 'norm2', 'mlp.fc1', 'mlp.fc2'].flatMap((part) => [
    `${prefix}.${part}.weight`,
    `${prefix}.${part}.bias`,
  ]);
const ENCODER = [
  ...['cls_token', 'pos_embed', 'patch_embed.proj.weight', 'patch_embed.proj.bias', 'norm.weight', 'norm.bias'],
  ...block('blocks.0'),
  ...block('blocks.1'),
];
const DECODER = [
  ...['mask_token', 'decoder_pos_embed', 'decoder_embed.weight', 'decoder_embed.bias'],
  ...['decoder_norm.weight', 'decoder_norm.bias', 'decoder_pred.weight', 'decoder_pred.bias'],
  ...block('decoder_blocks.0'),
  ...block('decoder_blocks.1'),
];

function rename(tensors: StoredTensors, change: (name: string) => string | undefined): Map<string, StoredTensor> {
  const entries = [...tensors].map(([name, tensor]) => [change(name), tensor] as const);
  return new Map(entries.filter((entry): entry is readonly [string, StoredTensor] => entry[0] !== undefined));
}

describe('checkpoints of Hugging Face transformers', () => {
  it.each(['mae-4.57.6', 'mae-5.23.0', 'mae-5.23.0-state'])('%s gets every official name', async (name) => {
    const { tensors, source, ignored } = await loadCheckpoint(stored(name));
    expect(source).toBe('hugging-face');
    expect([...tensors.keys()].sort()).toEqual([...ENCODER, ...DECODER].sort());
    expect(ignored).toEqual([]);
  });

  it('gives the same tensors from every generation of names', async () => {
    const [four, five, state] = await Promise.all(
      ['mae-4.57.6', 'mae-5.23.0', 'mae-5.23.0-state'].map((name) => loadCheckpoint(stored(name))),
    );
    expect(new Map([...five!.tensors].sort())).toEqual(new Map([...four!.tensors].sort()));
    expect(new Map([...state!.tensors].sort())).toEqual(new Map([...four!.tensors].sort()));
  });

  it('stacks query, key and value in this order', async () => {
    const raw = (await readSafetensors(stored('mae-4.57.6'))).tensors;
    const { tensors } = await loadCheckpoint(stored('mae-4.57.6'));
    for (const [ours, theirs, width] of [
      ['blocks.1', 'vit.encoder.layer.1', 32],
      ['decoder_blocks.0', 'decoder.decoder_layers.0', 16],
    ] as const) {
      for (const kind of ['weight', 'bias']) {
        const joined = tensors.get(`${ours}.attn.qkv.${kind}`)!;
        expect(joined.shape).toEqual(kind === 'weight' ? [3 * width, width] : [3 * width]);
        const parts = ['query', 'key', 'value'].flatMap((part) => [
          ...(raw.get(`${theirs}.attention.attention.${part}.${kind}`)!.data as Float32Array),
        ]);
        expect([...(joined.data as Float32Array)]).toEqual(parts);
      }
    }
  });

  it('takes layers one for one: norms, projections and both halves of the perceptron', async () => {
    const raw = (await readSafetensors(stored('mae-5.23.0-state'))).tensors;
    const { tensors } = await loadCheckpoint(stored('mae-5.23.0-state'));
    const pairs = {
      'blocks.0.norm1.weight': 'vit.layers.0.layernorm_before.weight',
      'blocks.0.norm2.bias': 'vit.layers.0.layernorm_after.bias',
      'blocks.1.attn.proj.weight': 'vit.layers.1.attention.o_proj.weight',
      'blocks.1.mlp.fc1.weight': 'vit.layers.1.mlp.fc1.weight',
      'decoder_blocks.1.mlp.fc2.weight': 'decoder.decoder_layers.1.mlp.fc2.weight',
      'norm.bias': 'vit.layernorm.bias',
      pos_embed: 'vit.embeddings.position_embeddings',
      mask_token: 'decoder.mask_token',
    };
    for (const [ours, theirs] of Object.entries(pairs)) expect(tensors.get(ours)).toEqual(raw.get(theirs));
  });

  it('reads encoders alone (ViTMAEModel, with and without prefix)', async () => {
    const raw = (await readSafetensors(stored('mae-4.57.6'))).tensors;
    const prefixed = rename(raw, (name) => (name.startsWith('vit.') ? name : undefined));
    const bare = rename(prefixed, (name) => name.slice('vit.'.length));
    for (const tensors of [prefixed, bare]) {
      expect(findEncoders(tensors.keys())).toEqual([{ keyMap: huggingFaceKeyMap, prefix: '' }]);
      expect([...huggingFaceKeyMap.toOfficial(tensors, 'x').tensors.keys()].sort()).toEqual([...ENCODER].sort());
    }
  });

  it.each(['vit-4.57.6', 'vit-5.23.0'])('reads ViTForImageClassification: %s', async (name) => {
    const { tensors } = await loadCheckpoint(stored(name));
    expect(tensors.get('head.weight')!.shape).toEqual([5, 16]);
    expect(tensors.get('blocks.0.attn.qkv.weight')!.shape).toEqual([48, 16]);
    expect(tensors.size).toBe(6 + 12 + 2);
  });

  it('names the pooler of ViTModel as ignored, and leaves what it does not know under its own name', async () => {
    const raw = (await readSafetensors(stored('vit-4.57.6'))).tensors;
    const spare = raw.get('classifier.bias')!;
    const { tensors, ignored } = huggingFaceKeyMap.toOfficial(
      new Map([
        ...raw,
        ['vit.pooler.dense.weight', spare],
        ['pooler.dense.bias', spare],
        ['vit.embeddings.extra', spare],
      ]),
      'x',
    );
    expect(ignored).toEqual(['vit.pooler.dense.weight', 'pooler.dense.bias']);
    expect(tensors.has('vit.embeddings.extra')).toBe(true);
  });

  it('joins half-precision weights as they are, and models without biases', async () => {
    const raw = (await readSafetensors(stored('vit-4.57.6'))).tensors;
    const half = new Map(
      [...raw]
        .filter(([name]) => !/attention\.attention\..*bias/.test(name))
        .map(([name, { shape, data }]): [string, StoredTensor] => [
          name,
          { dtype: 'F16', shape, data: Uint16Array.from({ length: data.length }, (_, index) => index) },
        ]),
    );
    const { tensors } = huggingFaceKeyMap.toOfficial(half, 'x');
    expect(tensors.has('blocks.0.attn.qkv.bias')).toBe(false);
    const joined = tensors.get('blocks.0.attn.qkv.weight')!;
    expect(joined).toMatchObject({ dtype: 'F16', shape: [48, 16] });
    expect([joined.data[0], joined.data[255], joined.data[256], joined.data[767]]).toEqual([0, 255, 0, 255]);
  });

  it('refuses an attention of which a part is missing or another shape', async () => {
    const raw = (await readSafetensors(stored('vit-4.57.6'))).tensors;
    const key = 'vit.encoder.layer.0.attention.attention.key.weight';
    const without = new Map(raw);
    without.delete(key);
    expect(() => huggingFaceKeyMap.toOfficial(without, 'x')).toThrow(/`blocks\.0\.attn\.qkv\.weight` cannot be joined/);
    const other = new Map(raw).set(key, { dtype: 'F32', shape: [1], data: Float32Array.of(1) });
    expect(() => huggingFaceKeyMap.toOfficial(other, 'x')).toThrow(/cannot be joined/);
  });
});

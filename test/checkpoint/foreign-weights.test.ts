import { cp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWeights } from '#core/checkpoint/open-weights.js';
import type { StoredTensor } from '#core/checkpoint/files/stored-tensor.js';
import type { Engine } from '#core/contracts/engine.js';
import { createEngine } from '#core/engine/select.js';
import { embed, type EmbedOptions } from '#core/train/finetuning/embed.js';
import { describeEncoder } from '#core/train/inputs/pretrained-encoder.js';
import { bytesOf, dictionary, floats, pickle, tensor, text, torchFile } from './pickle/pickle-assembler.js';
import { asHuggingFace, FOREIGN_VIT, foreignTensors, scalar, writeForeign } from './foreign-model.js';
import { useTemporaryFolders } from '../temporary-folder.js';
import { tinyPictures } from '../pictures/tiny-pictures.js';

const temporaryFolder = useTemporaryFolders();
const data = tinyPictures(2);

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.dispose());

async function embedded(checkpoint: string, options: Partial<EmbedOptions> = {}) {
  const warnings: string[] = [];
  const features: number[][] = [];
  const reportWarning = (message: string) => void warnings.push(message);
  const all = embed({ engine, checkpoint, data, pooling: 'mean', batchSize: 2, reportWarning, ...options });
  for await (const each of all) features.push([...each.features]);
  return { features, warnings };
}

async function written(tensors: ReadonlyMap<string, StoredTensor>): Promise<string> {
  return writeForeign(join(await temporaryFolder(), 'weights.safetensors'), tensors);
}

const with4Heads = { settings: { model: { numHeads: 4 } } };

describe('a prefix', () => {
  it.each(['model.', 'encoder.', 'teacher.backbone.', 'module.base_encoder.', 'a.b.c.d.'])(
    'that all names share is taken off and named: %s',
    async (prefix) => {
      const { features: expected, warnings: none } = await embedded(await written(foreignTensors()), with4Heads);
      expect(none).toEqual([]);
      const tensors = new Map([
        ...foreignTensors(prefix),
        ['criterion.weight', scalar],
        [`${prefix}head.bias`, scalar],
      ]);
      const { features, warnings } = await embedded(await written(tensors), with4Heads);
      expect(features).toEqual(expected);
      expect(warnings).toEqual([expect.stringContaining(`\`${prefix}\` was taken off`)]);
      expect(warnings[0]).toContain('criterion.weight');
    },
  );

  it('does not hide tokens that the encoder would need', async () => {
    for (const name of ['model.reg_token', 'register_tokens', 'model.blocks.0.ls1.gamma']) {
      const path = await written(new Map([...foreignTensors('model.'), [name, scalar]]));
      await expect(embedded(path)).rejects.toMatchObject({
        code: 'CHECKPOINT_MISMATCH',
        message: expect.stringContaining(name.replace(/^model\./, '')) as string,
      });
    }
  });

  it('is asked for where several encoders have one, and chooses between them', async () => {
    const student = new Map(
      [...foreignTensors('student.backbone.')].map(([name, { shape, data: values }]): [string, StoredTensor] => [
        name,
        { dtype: 'F32', shape, data: (values as Float32Array).map((value) => value / 2) },
      ]),
    );
    const path = await written(new Map([...student, ...foreignTensors('teacher.backbone.'), ['loss.center', scalar]]));
    await expect(embedded(path)).rejects.toThrow(
      /2 encoders, whose names begin with `student\.backbone\.`, `teacher\.backbone\.`.*--set checkpoint\.prefix=teacher\.backbone\./,
    );
    const { features: plain } = await embedded(await written(foreignTensors()), with4Heads);
    for (const prefix of ['teacher.backbone.', 'teacher.backbone']) {
      const chosen = await embedded(path, { settings: { model: { numHeads: 4 }, checkpoint: { prefix } } });
      expect(chosen.features).toEqual(plain);
      expect(chosen.warnings[0]).toMatch(/left out.*student\.backbone\.cls_token/);
    }
    const other = await embedded(path, {
      settings: { model: { numHeads: 4 }, checkpoint: { prefix: 'student.backbone.' } },
    });
    expect(other.features).not.toEqual(plain);
    await expect(embedded(path, { settings: { checkpoint: { prefix: 'teacher.' } } })).rejects.toThrow(
      /begin with `checkpoint\.prefix` \(=teacher\.\); there are `student\.backbone\.`/,
    );
  });

  it('may be a key of a pickled dictionary', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'dino.pth');
    const encoder = (key: string) =>
      dictionary({
        'module.backbone.patch_embed.proj.weight': tensor(key, 2, 0, [2], [1]),
        'module.backbone.cls_token': tensor(key, 2, 1, [1], [1]),
      });
    const storages = { 0: floats(1, 2), 1: floats(3, 4) };
    await writeFile(
      path,
      torchFile(pickle(dictionary({ student: encoder('0'), teacher: encoder('1'), epoch: bytesOf('K', 3) })), storages),
    );
    await expect(openWeights(path)).rejects.toThrow(
      /2 encoders, whose names begin with `student\.module\.backbone\.`, `teacher\.module\.backbone\.`/,
    );
    const { tensors, remarks } = await openWeights(path, { prefix: 'teacher.module.backbone.' });
    expect(tensors.get('patch_embed.proj.weight')!.data).toEqual(Float32Array.of(3, 4));
    expect(remarks).toEqual([expect.stringContaining('`teacher.module.backbone.` was taken off')]);
    const averaged = { model: encoder('0'), model_ema: encoder('1') };
    await writeFile(path, torchFile(pickle(dictionary(averaged)), storages));
    await expect(openWeights(path)).rejects.toThrow(/`model\.module\.backbone\.`, `model_ema\.module\.backbone\.`/);
    await writeFile(path, torchFile(pickle(dictionary({ model: encoder('0'), note: text('x') })), storages));
    expect((await openWeights(path)).tensors.get('cls_token')!.data).toEqual(Float32Array.of(2));
  });
});

describe('what lies beside weights', () => {
  async function huggingFace(config: object, preprocessor?: object): Promise<string> {
    const folder = await temporaryFolder();
    await writeForeign(join(folder, 'model.safetensors'), asHuggingFace(foreignTensors()));
    await writeFile(join(folder, 'config.json'), JSON.stringify(config));
    if (preprocessor !== undefined)
      await writeFile(join(folder, 'preprocessor_config.json'), JSON.stringify(preprocessor));
    return folder;
  }

  it('says how many heads there are; without it they are guessed, once and aloud', async () => {
    const { features: expected } = await embedded(await written(foreignTensors()), with4Heads);
    for (const config of [{ num_attention_heads: 4 }, { model_type: 'x', vision_config: { num_attention_heads: 4 } }]) {
      const folder = await huggingFace(config);
      for (const path of [folder, join(folder, 'model.safetensors')]) {
        expect(await embedded(path)).toEqual({ features: expected, warnings: [] });
      }
    }
    const timm = await temporaryFolder();
    await writeForeign(join(timm, 'model.safetensors'), foreignTensors());
    await writeFile(join(timm, 'config.json'), JSON.stringify({ architecture: 'vit_x', model_args: { num_heads: 4 } }));
    expect(await embedded(timm)).toEqual({ features: expected, warnings: [] });
    const { features, warnings } = await embedded(await huggingFace({}));
    expect(features).not.toEqual(expected);
    expect(warnings).toEqual([expect.stringMatching(/attention heads is a guess \(1\).*--set model\.numHeads=/)]);
  });

  it('says what else weights do not tell', async () => {
    const folder = await huggingFace(
      { num_attention_heads: 4, layer_norm_eps: 0.1 },
      { image_mean: [0.5, 0.5, 0.5], image_std: [0.25, 0.25, 0.25] },
    );
    const { vit, reading } = describeEncoder(await openWeights(folder));
    expect(vit).toMatchObject({ numHeads: 4, layerNormEps: 0.1 });
    expect(reading).toMatchObject({ mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] });
    const settings = { model: { layerNormEps: 1e-6 } };
    expect((await embedded(folder)).features).not.toEqual((await embedded(folder, { settings })).features);
  });

  it.each([
    [{ num_hidden_layers: 6 }, /weights have 3 blocks, but .*config\.json says 6 blocks/],
    [{ hidden_size: 128 }, /a width of 64, but .* a width of 128/],
    [{ patch_size: 16 }, /patches of 4, but .* patches of 16/],
    [{ intermediate_size: 256 }, /MLPs of width 128, but .* MLPs of width 256/],
    [{ image_size: 32 }, /16 positions, but .* pictures of 32×32 pixels, which have 64 patches of 4/],
  ])('is refused where it contradicts them: %j', async (config, message) => {
    const folder = await huggingFace({ num_attention_heads: 4, ...config });
    await expect(embedded(folder)).rejects.toMatchObject({ code: 'CHECKPOINT_MISMATCH' });
    await expect(embedded(folder)).rejects.toThrow(message);
  });

  it('is refused where it is no JSON', async () => {
    const folder = await huggingFace({});
    await writeFile(join(folder, 'config.json'), '{');
    await expect(embedded(folder)).rejects.toThrow(/description of the model is damaged/);
  });
});

describe('shards', () => {
  const FIRST = 'model-00001-of-00002.safetensors';
  const SECOND = 'model-00002-of-00002.safetensors';

  /** A checkpoint whose first part holds one block less than the whole, as a shallower model would. */
  async function sharded({ index = true } = {}): Promise<string> {
    const folder = await temporaryFolder();
    const all = [...foreignTensors()];
    const isFirst = ([name]: [string, StoredTensor]) => !name.startsWith('blocks.2.') && !name.startsWith('norm.');
    await writeForeign(join(folder, FIRST), new Map(all.filter(isFirst)));
    await writeForeign(join(folder, SECOND), new Map(all.filter((entry) => !isFirst(entry))));
    const weight_map = Object.fromEntries(all.map((entry) => [entry[0], isFirst(entry) ? FIRST : SECOND]));
    if (index) await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map }));
    return folder;
  }

  it.each([true, false])('are read together, whichever is named (index: %s)', async (index) => {
    const folder = await sharded({ index });
    for (const path of [folder, join(folder, FIRST), join(folder, SECOND)]) {
      const { shapes } = await openWeights(path);
      expect(shapes.size).toBe(foreignTensors().size);
      expect(describeEncoder(await openWeights(path)).vit.depth).toBe(FOREIGN_VIT.depth);
    }
  });

  it.each([true, false])('are refused where one is missing (index: %s)', async (index) => {
    const folder = await sharded({ index });
    await rm(join(folder, SECOND));
    for (const path of [folder, join(folder, FIRST)]) {
      await expect(openWeights(path)).rejects.toThrow(/2 shards, and 1 of them is missing: model-00002-of-00002/);
    }
  });

  it('are found by the index under any name, and must hold what it says', async () => {
    const folder = await sharded();
    const index = join(folder, 'model.safetensors.index.json');
    await rename(index, join(folder, 'other.index.json'));
    expect((await openWeights(join(folder, FIRST))).shapes.size).toBe(foreignTensors().size);
    await cp(join(folder, FIRST), join(folder, SECOND));
    await expect(openWeights(join(folder, FIRST))).rejects.toThrow(/is in another shard too/);
    await writeForeign(join(folder, SECOND), new Map([['norm.weight', scalar]]));
    await expect(openWeights(join(folder, FIRST))).rejects.toThrow(
      /the index says that it holds `.*`, and it does not/,
    );
  });

  it('that were renamed are no shallower model where config.json or a gap tells', async () => {
    const all = foreignTensors();
    const without = (prefix: string) => new Map([...all].filter(([name]) => !name.startsWith(prefix)));
    const folder = await temporaryFolder();
    const path = await writeForeign(join(folder, 'half.safetensors'), without('blocks.2.'));
    await writeFile(join(folder, 'config.json'), JSON.stringify({ num_hidden_layers: 3, num_attention_heads: 4 }));
    await expect(embedded(path)).rejects.toThrow(/the weights have 2 blocks, but .* says 3 blocks/);
    const first = new Map([...without('blocks.2.')].filter(([name]) => !name.startsWith('norm.')));
    await expect(embedded(await written(first))).rejects.toThrow(/no final norm .* behind the 2 blocks/);
    await expect(embedded(await written(without('blocks.1.')))).rejects.toThrow(
      /block `blocks\.1` is missing, though there is `blocks\.2`/,
    );
  });
});

describe('weights that are not finite', () => {
  it.each([Number.NaN, Number.POSITIVE_INFINITY])('are refused with the tensor that holds %s', async (value) => {
    const tensors = foreignTensors();
    tensors.get('blocks.1.mlp.fc2.weight')!.data[5] = value;
    await expect(embedded(await written(tensors))).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: expect.stringMatching(/`blocks\.1\.mlp\.fc2\.weight` is not finite: 1 of its 8192 values/) as string,
    });
  });

  it('in positions that are interpolated, too, and where a narrower type overflows', async () => {
    const tensors = foreignTensors();
    tensors.get('pos_embed')!.data[70] = Number.NaN;
    const settings = { model: { numHeads: 4, imageSize: 32 } };
    await expect(embedded(await written(tensors), { settings })).rejects.toThrow(/`pos_embed` is not finite/);
    const wide = foreignTensors();
    const norm = Float64Array.from(wide.get('norm.bias')!.data as Float32Array).fill(1e300, 0, 1);
    wide.set('norm.bias', { dtype: 'F64', shape: [64], data: norm });
    await expect(embedded(await written(wide))).rejects.toThrow(/`norm\.bias` is not finite/);
  });
});

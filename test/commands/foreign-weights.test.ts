import { mkdir, readFile, writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { parse } from 'yaml';
import { beforeAll, describe, expect, it } from 'vitest';
import type { StoredTensor } from '#core/checkpoint/files/stored-tensor.js';
import { asHuggingFace, foreignTensors, scalar, writeForeign } from '../checkpoint/foreign-model.js';
import { MINUTES, useWorkFolder } from './work-folder.js';

const { path, run, succeeding, failing } = useWorkFolder();
const FINETUNE = [
  ...['finetune', 'classify', '--data', 'photos', '--epochs', '1', '--batch-size', '4', '--workers', '0'],
  ...['--set', 'classify.augmentation.randAugment=null'],
];

beforeAll(async () => {
  await writeFile(path('package.json'), '{}');
  for (const [index, name] of ['a', 'b'].entries()) {
    for (let picture = 0; picture < 4; picture++) {
      await mkdir(path('photos', name), { recursive: true });
      const create = {
        width: 16,
        height: 16,
        channels: 3 as const,
        background: { r: 60 * picture, g: 200 * index, b: 9 },
      };
      await sharp({ create })
        .png()
        .toFile(path('photos', name, `${picture}.png`));
    }
  }
  await mkdir(path('hf'));
  await writeForeign(path('hf', 'model.safetensors'), asHuggingFace(foreignTensors()));
  await writeFile(path('hf', 'config.json'), JSON.stringify({ model_type: 'vit', num_attention_heads: 8 }));
  await writeForeign(path('plain.safetensors'), foreignTensors());
  await writeForeign(path('registers.safetensors'), new Map([...foreignTensors(), ['reg_token', scalar]]));
  const nan = foreignTensors();
  nan.get('blocks.1.attn.qkv.weight')!.data[3] = Number.NaN;
  await writeForeign(path('nan.safetensors'), nan);
  const both = new Map<string, StoredTensor>([...foreignTensors('student.'), ...foreignTensors('teacher.')]);
  await writeForeign(path('both.safetensors'), both);
});

async function features(...args: readonly string[]): Promise<string> {
  await succeeding('embed', ...args, '--out', 'features.csv');
  return readFile(path('features.csv'), 'utf8');
}

describe('weights of other projects on the command line', () => {
  it(
    'have the heads that config.json says, or those that are given; else a warning says that they are a guess',
    async () => {
      const told = await features('hf', 'photos');
      expect(await features('plain.safetensors', 'photos', '--set', 'model.numHeads=8')).toBe(told);
      expect(await features('plain.safetensors', 'photos', '--set', 'model.numHeads=2')).not.toBe(told);
      const guessed = await run('embed', 'plain.safetensors', 'photos', '--out', 'features.csv');
      expect(guessed.stderr.match(/attention heads is a guess \(1\)/g)).toHaveLength(1);
      expect((await run('embed', 'hf', 'photos', '--out', 'features.csv')).stderr).not.toContain('guess');

      const trained = await run(...FINETUNE, '--checkpoint', 'hf', '--out', 'of-hf');
      expect(trained.stderr).not.toContain('is a guess');
      expect(parse(await readFile(path('of-hf', 'config.yaml'), 'utf8'))).toMatchObject({ model: { numHeads: 8 } });
      const warned = await run(...FINETUNE, '--checkpoint', 'plain.safetensors', '--out', 'of-plain');
      expect(warned.stderr.match(/attention heads is a guess \(1\)/g)).toHaveLength(1);
    },
    2 * MINUTES,
  );

  it(
    'are refused by every command with the same names and tensors',
    async () => {
      for (const [file, words] of [
        ['registers.safetensors', /not used by the model \(1\):\s+reg_token/],
        ['nan.safetensors', /tensor `blocks\.1\.attn\.qkv\.weight` is not finite/],
      ] as const) {
        expect(await failing('embed', file, 'photos')).toMatch(words);
        expect(await failing(...FINETUNE, '--checkpoint', file, '--out', 'never')).toMatch(words);
      }
      expect(await failing('visualize', '--checkpoint', 'registers.safetensors', '--data', 'photos')).toMatch(
        /reg_token/,
      );
      for (const command of ['evaluate', 'export']) {
        const words = await failing(command, 'registers.safetensors', '--task', 'classify', '--data', 'photos');
        expect(words, command).toMatch(/reg_token/);
      }
    },
    2 * MINUTES,
  );

  it(
    'of two encoders are chosen between by checkpoint.prefix, everywhere in the same words',
    async () => {
      const words = /names begin with `student\.`, `teacher\.`.*--set checkpoint\.prefix=teacher\./s;
      const commands = [
        ['embed', 'both.safetensors', 'photos'],
        [...FINETUNE, '--checkpoint', 'both.safetensors', '--out', 'never'],
        ['visualize', '--checkpoint', 'both.safetensors', '--data', 'photos'],
        ['evaluate', 'both.safetensors', '--task', 'classify', '--data', 'photos'],
      ];
      for (const command of commands) expect(await failing(...command), command.join(' ')).toMatch(words);
      const chosen = ['--set', 'checkpoint.prefix=teacher.', 'model.numHeads=8'];
      expect(await features('both.safetensors', 'photos', ...chosen)).toBe(await features('hf', 'photos'));
      const trained = await run(
        ...FINETUNE,
        ...chosen.slice(1),
        '--checkpoint',
        'both.safetensors',
        '--out',
        'of-both',
      );
      expect(trained.status, trained.stderr).toBe(0);
      expect(trained.stdout + trained.stderr).toContain('`teacher.` was taken off');
    },
    2 * MINUTES,
  );
});

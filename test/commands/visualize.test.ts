import { copyFile, realpath, truncate, writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { fixturePath } from '../fixture-path.js';
import { writePictures } from '../pictures/tiny-pictures.js';
import { TINY_MODEL } from './tiny-model.js';
import { useWorkFolder } from './work-folder.js';

const { path, run, succeeding, failing } = useWorkFolder();
beforeAll(async () => {
  await writePictures(path('photos'), 6);
  await succeeding('pretrain', '--data', 'photos', ...TINY_MODEL, '--epochs', '1', '--out', 'run');
});

describe('mae-tasks visualize', () => {
  it("draws the paper's figure 2 of a run", async () => {
    const { status, stdout, stderr } = await run(
      'visualize',
      '--checkpoint',
      'run',
      '--data',
      'photos',
      '--limit',
      '3',
    );
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toMatch(/reconstructions\.png/);
    const { width, height } = await sharp(path('reconstructions.png')).metadata();
    // Four columns and three rows of pictures of 160 pixels.
    expect(width).toBeGreaterThan(4 * 160);
    expect(height).toBeGreaterThan(3 * 160);
  });

  it('draws a column pair for each of several ratios, also from an official .pth', async () => {
    const args = ['--data', 'photos', '--limit', '2', '--mask-ratio', '0.5,0.75,0.9', '--out', 'ratios.png'];
    const checkpoint = ['visualize', '--checkpoint', fixturePath('mae/mae.pth'), ...args];
    const { stderr: guess } = await run(...checkpoint);
    expect(guess).toMatch(/^warning: The number of attention heads is a guess \(1, of the decoder \d\).*\n$/);
    const heads = ['--set', 'model.numHeads=4', 'model.decoderNumHeads=4'];
    const { status, stderr } = await run(...checkpoint, ...heads);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const { width } = await sharp(path('ratios.png')).metadata();
    expect(width).toBeGreaterThan(7 * 160);
  });

  it.each([
    { what: 'an encoder without a decoder', file: 'mae/vit_cls.safetensors', message: /decoder_embed\.weight/ },
    { what: 'something that is no checkpoint', file: 'mae/lr_schedule.json', message: /lr_schedule\.json/ },
  ])('names what is wrong with $what', async ({ file, message }) => {
    expect(await failing('visualize', '--checkpoint', fixturePath(file), '--data', 'photos')).toMatch(message);
  });

  it('refuses a pickle that calls os.system, without running anything', async () => {
    // A protocol-2 pickle: cos\nsystem\n (touch …) tR.
    const marker = path('was-here');
    await writeFile(path('hostile.pth'), `cos\nsystem\n(S'touch ${marker}'\ntR.`);
    expect(await failing('visualize', '--checkpoint', 'hostile.pth', '--data', 'photos')).toMatch(
      /os\.system|hostile\.pth/,
    );
    await expect(realpath(marker)).rejects.toThrow(/ENOENT/);
  });

  it.each(['mae.pth', 'mae.safetensors'])('names a truncated %s', async (name) => {
    const copy = path(`short-${name}`);
    await copyFile(fixturePath(`mae/${name}`), copy);
    await truncate(copy, 100_000);
    expect(await failing('visualize', '--checkpoint', copy, '--data', 'photos')).toContain(`short-${name}`);
  });
});

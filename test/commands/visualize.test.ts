import { mkdtemp, realpath, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixturePath } from '../fixture-path.js';
import { TINY_MODEL } from './tiny-model.js';
import { writePictures } from '../pictures/tiny-pictures.js';
import { runCli } from './run-cli.js';

let folder: string;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'mae-visualize-')));
  await writePictures(join(folder, 'photos'), 6);
  await runCli(['pretrain', '--data', 'photos', ...TINY_MODEL, '--epochs', '1', '--out', 'run'], { cwd: folder });
});
afterAll(() => rm(folder, { recursive: true }));

describe('mae-tasks visualize', () => {
  it("draws the paper's figure 2 of a run", async () => {
    const { status, stdout, stderr } = await runCli(
      ['visualize', '--checkpoint', 'run', '--data', 'photos', '--limit', '3'],
      { cwd: folder },
    );
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toMatch(/reconstructions\.png/);
    const { width, height } = await sharp(join(folder, 'reconstructions.png')).metadata();
    // Four columns and three rows of pictures of 160 pixels.
    expect(width).toBeGreaterThan(4 * 160);
    expect(height).toBeGreaterThan(3 * 160);
  });

  it('draws a column pair for each of several ratios, also from an official .pth', async () => {
    const args = ['--data', 'photos', '--limit', '2', '--mask-ratio', '0.5,0.75,0.9', '--out', 'ratios.png'];
    const { status, stderr } = await runCli(['visualize', '--checkpoint', fixturePath('mae/mae.pth'), ...args], {
      cwd: folder,
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const { width } = await sharp(join(folder, 'ratios.png')).metadata();
    expect(width).toBeGreaterThan(7 * 160);
  });

  it.each([
    { what: 'an encoder without a decoder', file: 'mae/vit_cls.safetensors', message: /decoder_embed\.weight/ },
    { what: 'something that is no checkpoint', file: 'mae/lr_schedule.json', message: /lr_schedule\.json/ },
  ])('names what is wrong with $what', async ({ file, message }) => {
    const args = ['visualize', '--checkpoint', fixturePath(file), '--data', 'photos'];
    const { status, stderr } = await runCli(args, { cwd: folder });
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it('refuses a pickle that calls os.system, and a truncated checkpoint, without running anything', async () => {
    // A protocol-2 pickle: cos\nsystem\n (touch …) tR.
    const marker = join(folder, 'was-here');
    const pickle = `cos\nsystem\n(S'touch ${marker}'\ntR.`;
    await writeFile(join(folder, 'hostile.pth'), pickle);
    const hostile = await runCli(['visualize', '--checkpoint', 'hostile.pth', '--data', 'photos'], { cwd: folder });
    expect(hostile.status).toBe(1);
    expect(hostile.stderr).toMatch(/os\.system|hostile\.pth/);
    await expect(realpath(marker)).rejects.toThrow(/ENOENT/);

    const { copyFile } = await import('node:fs/promises');
    for (const name of ['mae.pth', 'mae.safetensors']) {
      const copy = join(folder, `short-${name}`);
      await copyFile(fixturePath(`mae/${name}`), copy);
      await truncate(copy, 100_000);
      const { status, stderr } = await runCli(['visualize', '--checkpoint', copy, '--data', 'photos'], { cwd: folder });
      expect(status).toBe(1);
      expect(stderr).toContain(`short-${name}`);
      expect(stderr).not.toMatch(/\n\s+at /);
    }
  });
});

describe('mae-tasks doctor', () => {
  it('finds the compiled engine and the fallbacks, each with a gradient that is right', async () => {
    const { status, stdout, stderr } = await runCli(['doctor'], { cwd: folder });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toMatch(/ok +cpu +onnxruntime-node .*gradient probe/);
    expect(stdout).toMatch(/ok +wasm .*gradient probe/);
    expect(stdout).toMatch(/ok +javascript .*gradient probe/);
  });
});

describe('mae-tasks config', () => {
  it('writes a configuration that pretrain takes, and prints it', async () => {
    const flags = ['--model', 'small', '--epochs', '7', '--set', 'optimizer.blr=1e-4'];
    const written = await runCli(['config', ...flags, '--write', 'pretrain.yaml'], { cwd: folder });
    expect(written.status).toBe(0);
    const printed = await runCli(['config', '--config', 'pretrain.yaml', '--json'], { cwd: folder });
    expect(JSON.parse(printed.stdout)).toMatchObject({
      epochs: 7,
      model: { preset: 'small' },
      optimizer: { blr: 1e-4 },
    });
    await writeFile(join(folder, 'broken.yaml'), 'epochs: [1\nseed: 2');
    const broken = await runCli(['config', '--config', 'broken.yaml'], { cwd: folder });
    expect(broken.status).toBe(1);
    expect(broken.stderr).toMatch(/not valid YAML.*broken\.yaml/);
  });
});

describe('mae-tasks --help', () => {
  it('lists every command', async () => {
    const { status, stdout } = await runCli(['--help'], { cwd: folder });
    expect(status).toBe(0);
    for (const command of ['pretrain', 'visualize', 'config', 'doctor']) expect(stdout).toContain(command);
  });

  it('answers a misspelt command with the nearest', async () => {
    const { status, stderr } = await runCli(['pretrian'], { cwd: folder });
    expect(status).toBe(1);
    expect(stderr).toMatch(/Did you mean pretrain/);
  });
});

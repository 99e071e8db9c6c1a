import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixturePath } from '../models/reference.js';
import { TINY_MODEL, writePictures } from './pictures.js';
import { runCli } from './run-cli.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The commands of a guide: lines of its `sh` blocks that begin with `mae-tasks`. */
async function commandsOf(file: string): Promise<string[]> {
  const text = await readFile(join(root, file), 'utf8');
  return [...text.matchAll(/```sh\n([\s\S]*?)```/g)]
    .flatMap(([, block]) => block!.split('\n'))
    .filter((line) => line.startsWith('mae-tasks '));
}

/**
 * Commands that would train for hours are made short, and nothing else about them is changed: later flags override
 * earlier ones.
 */
function shortened(command: string): string[] {
  const args = command.split(' ').slice(1);
  const isNewRun = args[0] === 'pretrain' && !args.includes('--resume');
  return isNewRun ? [...args, ...TINY_MODEL, 'optimizer.warmupEpochs=0', '--epochs', '1', '--batch-size', '4'] : args;
}

let folder: string;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'mae-docs-')));
  for (const name of ['photos', 'icons']) await writePictures(join(folder, name), 8);
  await writeCoco();
});
afterAll(() => rm(folder, { recursive: true }));

/** A small COCO folder with both splits, and results for it. */
async function writeCoco(): Promise<void> {
  const annotations = join(folder, 'coco', 'annotations');
  await mkdir(annotations, { recursive: true });
  for (const split of ['train', 'val']) {
    const pictures = await writePictures(join(folder, 'coco', 'images', split), 6);
    const images = (await readdir(pictures))
      .sort()
      .map((name, index) => ({ id: index + 1, file_name: name, width: 20, height: 20 }));
    const objects = images.map(({ id }) => ({
      id,
      image_id: id,
      category_id: 1,
      bbox: [2, 2, 12, 12],
      area: 144,
      iscrowd: 0,
      segmentation: [[2, 2, 14, 2, 14, 14, 2, 14]],
    }));
    const file = { images, annotations: objects, categories: [{ id: 1, name: 'blob' }] };
    await writeFile(join(annotations, `instances_${split}.json`), JSON.stringify(file));
  }
  const results = [1, 2, 3].map((id) => ({ image_id: id, category_id: 1, bbox: [2, 2, 12, 12], score: 0.9 }));
  await writeFile(join(folder, 'boxes.json'), JSON.stringify(results));
  await cp(fixturePath('mae/mae.pth'), join(folder, 'mae.pth'));
}

describe.each(['README.md', 'docs/pretraining.md', 'docs/data.md'])('the commands of %s', (file) => {
  it('all work, in their order', { timeout: 300_000 }, async () => {
    const commands = await commandsOf(file);
    expect(commands.length).toBeGreaterThan(3);
    for (const command of commands) {
      const { status, stderr } = await runCli(shortened(command), { cwd: folder });
      expect(status, `${command}\n${stderr}`).toBe(0);
    }
  });
});

describe('links between the guides', () => {
  it('lead somewhere', async () => {
    const guides = [
      'README.md',
      'ARCHITECTURE.md',
      'CONTRIBUTING.md',
      ...(await readdir(join(root, 'docs'))).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`),
    ];
    for (const guide of guides) {
      const text = await readFile(join(root, guide), 'utf8');
      for (const [, target] of text.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)) {
        await expect(realpath(join(root, dirname(guide), target!)), `${guide} → ${target}`).resolves.toBeTruthy();
      }
    }
  });
});

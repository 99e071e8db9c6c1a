import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual, promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Dataset, Sample } from '#core/contracts/dataset.js';
import type { BadImage } from '#core/data/loading/bad-images.js';
import { encodeJpeg, encodePng } from '#core/data/images/encode-image.js';
import { imageFolder } from '#core/data/readers/image-folder.js';
import { subset } from '#core/data/readers/split.js';
import { takeSamples } from '#core/data/loading/take-samples.js';
import { createLoader, type Loader, type LoaderOptions } from '#core/data/loading/loader.js';
import type { PipelineSpec } from '#core/data/transforms/pipeline.js';
import { createRandom } from '#core/base/random.js';

const pluginModule = new URL('../transforms/plugin-transform.mjs', import.meta.url).href;
const builtWorker = fileURLToPath(new URL('../../../packages/core-mae/dist/sample-worker.js', import.meta.url));

const pipeline: PipelineSpec = {
  transforms: [{ name: 'randomResizedCrop', options: { size: 24 } }, { name: 'horizontalFlip' }, { name: 'normalize' }],
};

const NUM_PICTURES = 30;
let folder = '';
let good: Dataset;
/** The same pictures, but numbers 4, 5 and 29 are broken. */
let damaged: Dataset;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mae-loader-'));
  for (const name of ['good', 'damaged']) mkdirSync(join(folder, name));
  const random = createRandom(3);
  for (let index = 0; index < NUM_PICTURES; index++) {
    const [width, height] = [30 + random.integer(40), 30 + random.integer(40)];
    const data = Uint8Array.from({ length: width * height * 3 }, (_, at) => (at * (index + 3)) % 251);
    const encode = index % 2 === 0 ? encodePng : encodeJpeg;
    const bytes = await encode({ data, width, height, channels: 3 });
    const name = `${String(index).padStart(2, '0')}.jpg`;
    writeFileSync(join(folder, 'good', name), bytes);
    const broken = [4, 5, 29].includes(index);
    writeFileSync(join(folder, 'damaged', name), broken ? bytes.subarray(0, bytes.length / 2) : bytes);
  }
  good = await imageFolder(join(folder, 'good'));
  damaged = await imageFolder(join(folder, 'damaged'));
});

afterAll(() => rmSync(folder, { recursive: true }));

function open(options: Partial<LoaderOptions> = {}): Promise<Loader> {
  return createLoader({ dataset: good, pipeline, batchSize: 4, workers: 0, random: createRandom(11), ...options });
}

async function take(loader: Loader, epoch: number, start = 0, limit = Infinity): Promise<Sample[][]> {
  const batches: Sample[][] = [];
  for await (const batch of loader.batches(epoch, start)) {
    batches.push([...batch]);
    if (batches.length === limit) break;
  }
  return batches;
}

const idsOf = (batches: readonly Sample[][]): string[] => batches.flat().map(({ id }) => id);

describe('createLoader', () => {
  it('yields batches of a fixed size, every sample at most once, another order in each epoch', async () => {
    const loader = await open();
    expect(loader.numBatches).toBe(7);
    const [first, second] = [await take(loader, 0), await take(loader, 1)];
    expect(first.map((batch) => batch.length)).toEqual(new Array(7).fill(4));
    expect(new Set(idsOf(first)).size).toBe(28);
    expect(idsOf(second)).not.toEqual(idsOf(first));
    const [sample] = first[0]!;
    expect(sample).toMatchObject({ width: 24, height: 24, channels: 3 });
    expect(sample!.pixels).toBeInstanceOf(Float32Array);
  });

  it('keeps the last batch where it may be smaller', async () => {
    const batches = await take(await open({ dropLast: false }), 0);
    expect(batches.map((batch) => batch.length)).toEqual([4, 4, 4, 4, 4, 4, 4, 2]);
    expect(new Set(idsOf(batches)).size).toBe(NUM_PICTURES);
  });

  it('draws anew for the same picture in another epoch', async () => {
    const loader = await open({ shuffle: false });
    const [[first], [second]] = [await take(loader, 0, 0, 1), await take(loader, 1, 0, 1)];
    expect(first![0]!.id).toBe(second![0]!.id);
    expect(first![0]!.pixels).not.toEqual(second![0]!.pixels);
  });

  it('continues in the middle of an epoch with the same samples', async () => {
    const whole = await take(await open(), 2);
    expect(await take(await open({ prefetch: 1 }), 2, 5)).toEqual(whole.slice(5));
    expect(await take(await open(), 2, 7)).toEqual([]);
  });

  it('shards batches: together the same samples as without', async () => {
    const whole = await take(await open(), 0);
    const parts = await Promise.all([0, 1].map(async (rank) => take(await open({ rank, world: 2 }), 0)));
    expect(whole.map((_, index) => parts.flatMap((part) => part[index]!))).toEqual(whole);
  });

  it('begins at most `prefetch` batches ahead', async () => {
    let opened = 0;
    const dataset: Dataset = {
      ...good,
      item: (index) => {
        opened++;
        return good.item(index);
      },
    };
    const loader = await open({ dataset, prefetch: 2 });
    const batches = loader.batches(0);
    expect(opened).toBe(0);
    await batches.next();
    // The batch handed out, and two ahead of it, of four each.
    expect(opened).toBe(12);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(opened).toBe(12);
    await batches.next();
    expect(opened).toBe(16);
    await batches.return();
    expect(opened).toBe(16);
  });

  it.each([
    [{ workers: -1 }, 'CONFIG_INVALID'],
    [{ prefetch: 0 }, 'CONFIG_INVALID'],
    [{ batchSize: 31 }, 'CONFIG_INVALID'],
    [{ pipeline: { transforms: [{ name: 'rotate' }] } }, 'CONFIG_INVALID'],
    [{ pipeline: { transforms: [{ name: 'gone', module: pluginModule }] } }, 'PLUGIN_INVALID'],
  ])('refuses %j', async (options, code) => {
    await expect(open(options)).rejects.toMatchObject({ code });
  });
});

describe.each([0, 2])('a broken picture, with %i workers', (workers) => {
  it('stops with its path by default', async () => {
    const loader = await open({ dataset: damaged, workers, shuffle: false });
    const run = take(loader, 0);
    await expect(run).rejects.toMatchObject({ name: 'MaeError', code: 'IMAGE_INVALID' });
    await expect(run).rejects.toThrow(join(folder, 'damaged', '04.jpg'));
    await loader.close();
  });

  it('is replaced by the next usable one, reported once, so that batches keep their size', async () => {
    const reports: BadImage[] = [];
    const options = { dataset: damaged, workers, shuffle: false, batchSize: 5, onBadImage: 'skip' } as const;
    const loader = await open({ ...options, reportBadImage: (bad) => reports.push(bad) });
    for (let epoch = 0; epoch < 2; epoch++) {
      const ids = idsOf(await take(loader, epoch));
      expect(ids).toHaveLength(NUM_PICTURES);
      expect(ids.slice(3, 8)).toEqual(['03.jpg', '06.jpg', '06.jpg', '06.jpg', '07.jpg']);
      expect(ids[29]).toBe('00.jpg');
    }
    const byIndex = reports.sort((a, b) => a.index - b.index);
    expect(byIndex.map(({ index, id }) => [index, id])).toEqual([
      [4, '04.jpg'],
      [5, '05.jpg'],
      [29, '29.jpg'],
    ]);
    expect(byIndex[0]!.error).toMatchObject({ code: 'IMAGE_INVALID' });
    expect(loader.badImages).toHaveLength(3);
    await loader.close();
  });

  it('is left out, reported once, where the last batch may be short: each picture counts once', async () => {
    const reports: BadImage[] = [];
    const options = { dataset: damaged, workers, shuffle: false, dropLast: false, onBadImage: 'skip' } as const;
    const loader = await open({ ...options, reportBadImage: (bad) => reports.push(bad) });
    for (let epoch = 0; epoch < 2; epoch++) {
      const batches = await take(loader, epoch);
      const ids = Array.from({ length: NUM_PICTURES }, (_, index) => `${String(index).padStart(2, '0')}.jpg`);
      expect(idsOf(batches)).toEqual(ids.filter((id) => !['04.jpg', '05.jpg', '29.jpg'].includes(id)));
      expect(batches.map((batch) => batch.length)).toEqual([4, 2, 4, 4, 4, 4, 4, 1]);
    }
    expect(reports.map(({ index }) => index).sort((a, b) => a - b)).toEqual([4, 5, 29]);
    await loader.close();
  });

  it.each([
    ['the first', [4, 0, 1]],
    ['one in the middle', [0, 4, 1]],
    ['the last', [0, 1, 29]],
  ])('makes no batch where a whole one is broken: %s', async (_, order) => {
    const dataset = subset(damaged, order);
    const options = { dataset, workers, shuffle: false, dropLast: false, batchSize: 1, onBadImage: 'skip' } as const;
    const loader = await open(options);
    expect(idsOf(await take(loader, 0))).toEqual(['00.jpg', '01.jpg']);
    expect(loader.badImages).toHaveLength(1);
    await loader.close();
  });

  it.each([true, false])('is an error where no other is left (full batches: %s)', async (dropLast) => {
    const dataset = subset(damaged, [4, 5]);
    const loader = await open({ dataset, workers, dropLast, batchSize: 1, onBadImage: 'skip' });
    const run = take(loader, 0);
    await expect(run).rejects.toMatchObject({ code: 'DATA_INVALID' });
    await expect(run).rejects.toThrow(/no picture can be used; the last: .*0[45]\.jpg/u);
    await loader.close();
  });

  it('gives way to the next one where a number of pictures is asked for', async () => {
    const options = { dataset: damaged, workers, shuffle: false, dropLast: false, onBadImage: 'skip' } as const;
    const ids = async (count: number): Promise<string[]> => {
      const samples = await takeSamples(await open({ ...options, batchSize: count }), count);
      return samples.map(({ id }) => id);
    };
    expect(await ids(6)).toEqual(['00.jpg', '01.jpg', '02.jpg', '03.jpg', '06.jpg', '07.jpg']);
    expect(await ids(30)).toHaveLength(27);
  });

  it('gives the same samples wherever the epoch starts', async () => {
    const options = { dataset: damaged, workers, onBadImage: 'skip' } as const;
    const [one, other] = [await open(options), await open({ ...options, prefetch: 5 })];
    expect(await take(other, 1, 3)).toEqual((await take(one, 1)).slice(3));
    await Promise.all([one.close(), other.close()]);
  });

  it('stops when there are more than the limit', async () => {
    const loader = await open({ dataset: damaged, workers, batchSize: 5, onBadImage: 'skip', maxBadImages: 2 });
    const run = take(loader, 0);
    await expect(run).rejects.toMatchObject({ code: 'DATA_INVALID' });
    await expect(run).rejects.toThrow(/3 pictures cannot be used, more than `maxBadImages` \(=2\)/u);
    await loader.close();
  });

  it('is not mistaken for a bug in a transform, which names the sample', async () => {
    const transforms = [
      { name: 'resizeTo', options: { size: 8 } },
      { name: 'failOn', module: pluginModule, options: { id: '03.jpg' } },
    ];
    const loader = await open({ workers, onBadImage: 'skip', shuffle: false, pipeline: { transforms } });
    await expect(take(loader, 0)).rejects.toThrow('this transform has a bug (while making the sample 03.jpg)');
    await loader.close();
  });
});

describe('warnings', () => {
  it('of pictures above the pixel limit are reported once', async () => {
    const warnings: string[] = [];
    const loader = await open({
      pipeline: { ...pipeline, decode: { maxPixels: 2200 } },
      reportWarning: (message) => warnings.push(message),
    });
    for (const epoch of [0, 1, 2]) await take(loader, epoch);
    expect(warnings.length).toBeGreaterThan(0);
    expect(new Set(warnings).size).toBe(warnings.length);
    expect(warnings[0]).toMatch(/more than `maxPixels` \(=2200\)/u);
  });
});

describe('worker threads', () => {
  it('have been built', () => {
    expect(existsSync(builtWorker), `${builtWorker} is missing: run \`npm run build\``).toBe(true);
  });

  it.each([1, 2, 3])('%i make the same samples as none', async (workers) => {
    const loader = await open({ workers, dropLast: false });
    const samples = await take(loader, 0);
    expect(samples).toEqual(await take(await open({ dropLast: false }), 0));
    await loader.close();
  });

  it('hand over pixels that are not transformed, and pixels that are views', async () => {
    const all = new Uint8Array(4 * 12).map((_, at) => at);
    const dataset: Dataset = {
      name: 'views',
      size: 4,
      item: (index) => ({
        id: String(index),
        image: { kind: 'pixels', data: all.subarray(index * 12, index * 12 + 12), width: 2, height: 2, channels: 3 },
      }),
      warnings: [],
    };
    const loader = await open({ dataset, workers: 1, shuffle: false, pipeline: { transforms: [] } });
    for (const epoch of [0, 1]) {
      const [batch] = await take(loader, epoch);
      expect(batch!.map(({ pixels }) => pixels[0])).toEqual([0, 12, 24, 36]);
    }
    const files = await open({ workers: 1, pipeline: { transforms: [] } });
    expect(await take(files, 0)).toEqual(await take(await open({ pipeline: { transforms: [] } }), 0));
    await Promise.all([loader.close(), files.close()]);
  });

  it.each([0, 1, 2])('put later pixels where released ones were, %i of them', async (workers) => {
    const options = { dataset: damaged, onBadImage: 'skip', maxBadImages: 5, workers } as const;
    const kept = await open(options);
    const epochs = [0, 1, 3];
    const expected: Sample[][] = [];
    for (const epoch of epochs) expected.push(...(await take(kept, epoch)));
    const loader = await open(options);
    const held = (await take(loader, 2, 0, 1))[0]!;
    const before = held.map(({ pixels }) => pixels.slice());
    const seen: Sample[][] = [];
    const looked: Array<readonly Sample[]> = [];
    for (const epoch of epochs) {
      for await (const batch of loader.batches(epoch)) {
        seen.push(batch.map((sample) => ({ ...sample, pixels: sample.pixels.slice() })));
        looked.push(batch);
        loader.release(batch);
        loader.release(batch);
      }
    }
    expect(seen).toEqual(expected);
    const unchanged = looked.filter((batch, index) => isDeepStrictEqual(batch, seen[index]));
    // The batches begun before the first release lie in arrays of their own, and the last ones were not written over.
    expect(unchanged.length).toBeLessThan(looked.length / 2);
    expect(held.map(({ pixels }) => pixels)).toEqual(before);
    await Promise.all([kept.close(), loader.close()]);
  });

  it('may be closed in the middle of an epoch', async () => {
    const loader = await open({ workers: 2 });
    await take(loader, 0, 0, 2);
    await loader.close();
  });

  it('let the process end by itself, closed or not', async () => {
    const script = fileURLToPath(new URL('./loader-process.mjs', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [script, builtWorker], { timeout: 30_000 });
    expect(stdout.trim()).toBe('1');
  });
});

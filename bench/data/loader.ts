import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { imageFolder } from '../../packages/core-mae/src/data/readers/image-folder.js';
import { createLoader } from '../../packages/core-mae/src/data/loading/loader.js';
import { createRandom } from '../../packages/core-mae/src/base/random.js';
import { benchFile } from '../compare.js';

const NUM_PICTURES = 96;
const PASSES = 10;
const ROUNDS = 5;
/** `data.jpegDct`. */
const TRANSFORMS = ['accurate', 'fast'] as const;
const PHOTOS = process.env.MAE_TASKS_PHOTOS ?? '/usr/share/backgrounds/mate/nature';

interface Throughput {
  /** Pictures per second on one processor core. */
  readonly imagesPerSecond: number;
  /** Processor time (user and system) of a picture, in milliseconds: steadier where other work shares the core. */
  readonly cpuMsPerImage: number;
  readonly setting?: string;
}

/**
 * JPEG 500 × 375 → RandomResizedCrop 224 (bicubic), flip, normalisation: our loader with one worker thread against
 * torchvision on Pillow, each pinned to one core, in turn. `ratio` is our pictures per second over the peer's,
 * `cpuRatio` the peer's processor time over ours.
 */
export async function run(): Promise<object[]> {
  const python = process.env.MAE_TASKS_PYTHON;
  if (python === undefined || !existsSync(python)) {
    throw new Error('Set MAE_TASKS_PYTHON to a Python with torchvision (Debian: apt-get install python3-torchvision)');
  }
  const folder = mkdtempSync(join(tmpdir(), 'mae-loader-bench-'));
  try {
    const bytes = await makePictures(folder);
    const ours = TRANSFORMS.map((): Throughput[] => []);
    const peer: Throughput[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      TRANSFORMS.forEach((jpegDct, index) =>
        ours[index]!.push(
          onOneCore(process.execPath, ['--import', 'tsx', benchFile('data/loader.ts'), folder, jpegDct]),
        ),
      );
      peer.push(onOneCore(python, [benchFile('peers/loader.py'), folder, String(PASSES)]));
    }
    const theirs = medians(peer);
    return TRANSFORMS.map((jpegDct, index) => {
      const mine = medians(ours[index]!);
      return {
        name: `loader (${jpegDct})`,
        ratio: mine.imagesPerSecond / theirs.imagesPerSecond,
        cpuRatio: theirs.cpuMsPerImage / mine.cpuMsPerImage,
        better: 'higher',
        ours: mine,
        peer: theirs,
        rounds: ROUNDS,
        meanFileBytes: Math.round(bytes / NUM_PICTURES),
        setting: peer[0]?.setting ?? '',
        machine: `${cpus()[0]?.model ?? 'unknown processor'}, one core, Node ${process.versions.node}`,
      };
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Cuts of photographs at 500 × 375, as ImageNet has them; gives their size in bytes. */
async function makePictures(folder: string): Promise<number> {
  const photos = existsSync(PHOTOS) ? readdirSync(PHOTOS).filter((name) => /\.jpe?g$/iu.test(name)) : [];
  if (photos.length === 0) {
    throw new Error(`${PHOTOS} has no JPEG photographs: apt-get install mate-backgrounds, or set MAE_TASKS_PHOTOS`);
  }
  const random = createRandom(0);
  let total = 0;
  for (let index = 0; index < NUM_PICTURES; index++) {
    const path = join(PHOTOS, photos[index % photos.length]!);
    const { width, height } = await sharp(path).metadata();
    const scale = Math.min(width / 500, height / 375) * (0.4 + 0.6 * random.uniform());
    const [columns, rows] = [Math.floor(500 * scale), Math.floor(375 * scale)];
    const left = random.integer(width - columns + 1);
    const top = random.integer(height - rows + 1);
    const bytes = await sharp(path)
      .extract({ left, top, width: columns, height: rows })
      .resize(500, 375, { fit: 'fill' })
      .jpeg({ quality: 92 })
      .toBuffer();
    total += bytes.length;
    writeFileSync(join(folder, `${String(index).padStart(4, '0')}.jpg`), bytes);
  }
  return total;
}

function onOneCore(command: string, args: readonly string[]): Throughput {
  const { stdout, status } = spawnSync('taskset', ['-c', '0', command, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status ?? 'a signal'}`);
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Throughput;
}

function medians(runs: readonly Throughput[]): Throughput {
  return {
    imagesPerSecond: median(runs.map(({ imagesPerSecond }) => imagesPerSecond)),
    cpuMsPerImage: median(runs.map(({ cpuMsPerImage }) => cpuMsPerImage)),
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

async function measure(folder: string, jpegDct: (typeof TRANSFORMS)[number]): Promise<Throughput> {
  const transforms = [
    { name: 'randomResizedCrop', options: { size: 224 } },
    { name: 'horizontalFlip' },
    { name: 'normalize' },
  ];
  const loader = await createLoader({
    dataset: await imageFolder(folder),
    pipeline: { decode: { jpegDct }, transforms },
    batchSize: 32,
    workers: 1,
    random: createRandom(0),
  });
  let numImages = 0;
  let start = 0;
  let cpu = process.cpuUsage();
  for (let epoch = 0; epoch <= PASSES; epoch++) {
    // The first pass warms both sides up.
    if (epoch === 1) [start, cpu, numImages] = [performance.now(), process.cpuUsage(), 0];
    for await (const batch of loader.batches(epoch)) {
      numImages += batch.length;
      // As training does after each step.
      loader.release(batch);
    }
  }
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  await loader.close();
  return { imagesPerSecond: numImages / seconds, cpuMsPerImage: (user + system) / 1000 / numImages };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , folder, jpegDct] = process.argv;
  console.log(JSON.stringify(await measure(folder!, jpegDct as (typeof TRANSFORMS)[number])));
}

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRandom } from '@mae-tasks/core-mae';
import { encodeRle, rleArea, rleToBox, rleToString } from '@mae-tasks/core-mae/coco';
import { encodePng, type Random } from '@mae-tasks/core-mae/task';
import sharp from 'sharp';
import emojiOfUnicode from 'unicode-emoji-json/data-by-emoji.json' with { type: 'json' };

const SIDE = 128;
const COUNTS = { train: 2000, val: 300 };
/** Part of the emoji that only the held-out scenes show. */
const HELD_OUT = 0.15;
const MOST_OBJECTS = 4;
const SMALLEST_AREA = 40;

interface Emoji {
  readonly file: string;
  readonly group: string;
}

interface Layer {
  readonly left: number;
  readonly top: number;
  readonly side: number;
  /** RGBA, straight alpha. */
  readonly pixels: Uint8Array;
  readonly category: number;
}

/**
 * A data set that anyone can make: rendered emoji (npm's `@lobehub/fluent-emoji-3d`) pasted on soft backgrounds,
 * with their alpha as masks and Unicode's groups as classes. Training and held-out scenes share no emoji. Written once.
 *
 * @returns its folder, in COCO's layout, relative to the repository
 */
export async function makeEmojiScenes(): Promise<string> {
  const folder = 'runs/experiments/emoji-scenes';
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  if (existsSync(join(root, folder))) return folder;
  const unfinished = join(root, `${folder}.unfinished`);
  rmSync(unfinished, { recursive: true, force: true });
  const random = createRandom(0);
  const emoji = listEmoji();
  const groups = [...new Set(emoji.map(({ group }) => group))].sort();
  const order = random.fork('split').permutation(emoji.length);
  const numHeldOut = Math.round(HELD_OUT * emoji.length);
  for (const split of ['train', 'val'] as const) {
    const numbers = split === 'val' ? order.subarray(0, numHeldOut) : order.subarray(numHeldOut);
    const scenes = Array.from({ length: COUNTS[split] }, (_, index) => index);
    const images: object[] = [];
    const annotations: object[] = [];
    mkdirSync(join(unfinished, 'images', split), { recursive: true });
    for (const index of scenes) {
      const stream = random.fork(split, index);
      const layers = await drawLayers(
        stream,
        [...numbers].map((number) => emoji[number]!),
        groups,
      );
      const { pixels, owners } = paint(stream, layers);
      const fileName = `${String(index).padStart(5, '0')}.png`;
      const picture = { data: pixels, width: SIDE, height: SIDE, channels: 3 };
      writeFileSync(join(unfinished, 'images', split, fileName), await encodePng(picture));
      images.push({ id: index + 1, file_name: fileName, width: SIDE, height: SIDE });
      layers.forEach(({ category }, layer) => {
        const mask = Uint8Array.from(owners, (owner) => Number(owner === layer));
        const rle = encodeRle(mask, SIDE, SIDE);
        const area = rleArea(rle);
        if (area < SMALLEST_AREA) return;
        const segmentation = { size: [SIDE, SIDE], counts: rleToString(rle) };
        const common = { id: annotations.length + 1, image_id: index + 1, category_id: category + 1, iscrowd: 0 };
        annotations.push({ ...common, segmentation, area, bbox: rleToBox(rle) });
      });
    }
    const categories = groups.map((name, index) => ({ id: index + 1, name }));
    mkdirSync(join(unfinished, 'annotations'), { recursive: true });
    const document = JSON.stringify({ images, annotations, categories });
    writeFileSync(join(unfinished, 'annotations', `instances_${split}.json`), document);
  }
  renameSync(unfinished, join(root, folder));
  return folder;
}

/** Emoji whose group is known, without variants of skin, in the order of their files. */
function listEmoji(): Emoji[] {
  const groups = new Map<string, string>();
  for (const [text, { group }] of Object.entries(emojiOfUnicode as Record<string, { readonly group: string }>)) {
    groups.set([...text].map((point) => point.codePointAt(0)!.toString(16).padStart(4, '0')).join('-'), group);
  }
  const require = createRequire(import.meta.url);
  const assets = join(dirname(require.resolve('@lobehub/fluent-emoji-3d/package.json')), 'assets');
  return readdirSync(assets)
    .sort()
    .flatMap((name) => {
      const group = groups.get(name.replace(/^u?(.*)\.webp$/u, '$1'));
      return group === undefined ? [] : [{ file: join(assets, name), group }];
    });
}

async function drawLayers(random: Random, emoji: readonly Emoji[], groups: readonly string[]): Promise<Layer[]> {
  const byGroup = groups.map((group) => emoji.filter((each) => each.group === group));
  const layers: Layer[] = [];
  const count = 1 + random.integer(MOST_OBJECTS);
  while (layers.length < count) {
    // Groups, not emoji, are equally likely: a third of all emoji are people.
    const category = random.integer(groups.length);
    const members = byGroup[category]!;
    const { file } = members[random.integer(members.length)]!;
    const side = Math.round(SIDE * (0.25 + 0.35 * random.uniform()));
    const place = (): number => Math.round((SIDE - side / 2) * random.uniform() - side / 4);
    const [left, top] = [place(), place()];
    const pixels = new Uint8Array(await sharp(file).resize(side, side).ensureAlpha().raw().toBuffer());
    layers.push({ left, top, side, pixels, category });
  }
  return layers;
}

/** The layers one over another on a background, and which of them each pixel shows (-1: none). */
function paint(random: Random, layers: readonly Layer[]): { pixels: Uint8Array; owners: Int32Array } {
  const pixels = new Uint8Array(3 * SIDE * SIDE);
  const corners = Array.from({ length: 12 }, () => 255 * random.uniform());
  const noise = 8 * random.uniform();
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const [u, v] = [x / SIDE, y / SIDE];
      for (let c = 0; c < 3; c++) {
        const [a, b, d, e] = [0, 3, 6, 9].map((corner) => corners[corner + c]!) as [number, number, number, number];
        const smooth = (1 - v) * ((1 - u) * a + u * b) + v * ((1 - u) * d + u * e);
        pixels[3 * (y * SIDE + x) + c] = Math.max(0, Math.min(255, smooth + noise * random.normal()));
      }
    }
  }
  const owners = new Int32Array(SIDE * SIDE).fill(-1);
  layers.forEach(({ left, top, side, pixels: source }, layer) => {
    for (let row = Math.max(0, -top); row < Math.min(side, SIDE - top); row++) {
      for (let column = Math.max(0, -left); column < Math.min(side, SIDE - left); column++) {
        const from = 4 * (row * side + column);
        const at = (top + row) * SIDE + left + column;
        const alpha = source[from + 3]! / 255;
        for (let c = 0; c < 3; c++) {
          pixels[3 * at + c] = Math.round(alpha * source[from + c]! + (1 - alpha) * pixels[3 * at + c]!);
        }
        if (alpha >= 0.5) owners[at] = layer;
      }
    }
  });
  return { pixels, owners };
}

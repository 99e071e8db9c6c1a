import { describe, expect, it } from 'vitest';
import type { Sample } from '#core/contracts/dataset.js';
import type { Random } from '#core/contracts/random.js';
import type { Geometry, GeometryTransform, TargetHandler } from '#core/contracts/transform.js';
import { applyGeometry, mapX, mapY, outputSize } from '#core/data/images/resampling/geometry.js';
import { applyTransform, composePipeline, createPipeline } from '#core/data/transforms/pipeline.js';
import { createTransform } from '#core/data/transforms/registry.js';
import {
  centerCrop,
  horizontalFlip,
  normalize,
  randomResizedCrop,
  resizeShorterSide,
  resizeTo,
} from '#core/data/transforms/picture-transforms.js';
import { createRandom } from '#core/base/random.js';

function sampleOf(width: number, height: number, channels = 3): Sample {
  const pixels = Uint8Array.from({ length: width * height * channels }, (_, at) => (at * 7) % 256);
  return { id: 'sample', pixels, width, height, channels, originalWidth: width, originalHeight: height, target: 3 };
}

function plan(transform: GeometryTransform, width: number, height: number, random: Random = createRandom(0)): Geometry {
  return transform.plan({ width, height, target: undefined }, random)!;
}

describe('randomResizedCrop', () => {
  it('stays inside the picture, within the limits of area and shape', () => {
    const transform = randomResizedCrop({ size: [48, 96], scale: [0.3, 0.6] });
    const areas: number[] = [];
    for (let seed = 0; seed < 500; seed++) {
      const { box, width, height } = plan(transform, 200, 160, createRandom(seed));
      const [x0, y0, x1, y1] = box;
      expect([width, height]).toEqual([96, 48]);
      expect(box.every(Number.isInteger)).toBe(true);
      expect(x0 >= 0 && y0 >= 0 && x1 <= 200 && y1 <= 160).toBe(true);
      const shape = (x1 - x0) / (y1 - y0);
      expect(shape).toBeGreaterThan(0.73);
      expect(shape).toBeLessThan(1.37);
      areas.push(((x1 - x0) * (y1 - y0)) / (200 * 160));
    }
    expect(Math.min(...areas)).toBeGreaterThan(0.29);
    expect(Math.max(...areas)).toBeLessThan(0.61);
    const mean = areas.reduce((sum, area) => sum + area, 0) / areas.length;
    expect(mean).toBeGreaterThan(0.42);
    expect(mean).toBeLessThan(0.48);
  });

  it('falls back to the largest allowed box in the middle, as torchvision does', () => {
    const transform = randomResizedCrop({ size: 32, scale: [1, 1] });
    // torchvision: w = round(100 · 4/3) = 133, left = (1000 − 133) // 2
    expect(plan(transform, 1000, 100).box).toEqual([433, 0, 566, 100]);
    // torchvision: h = round(90 / (3/4)) = 120
    expect(plan(transform, 90, 700).box).toEqual([0, 290, 90, 410]);
  });

  it.each([
    [1, 1],
    [1, 900],
    [900, 1],
  ])('copes with a picture of %i × %i', (width, height) => {
    // Each pixel's value is its place along the picture, in units of its length.
    const pixels = Float32Array.from({ length: width * height }, (_, index) => index / (width * height));
    const sample = { ...sampleOf(width, height, 1), pixels: Uint8Array.from(pixels, (value) => 255 * value) };
    const transform = randomResizedCrop({ size: 8 });
    const [x0, y0, x1, y1] = plan(transform, width, height, createRandom(1)).box;
    const result = applyTransform(transform, sample, createRandom(1));
    expect([result.width, result.height, result.pixels.length]).toEqual([8, 8, 64]);
    // The crop is the box of the plan: its middle, the same all across the picture.
    const [start, end] = width > height ? [x0, x1] : [y0, y1];
    const middle = (start + end - 1) / 2 / (width * height);
    const mean = (result.pixels as Uint8Array).reduce((sum, value) => sum + value, 0) / 64;
    expect(Math.abs(mean - 255 * middle)).toBeLessThan(1.5);
    for (let row = 0; row < 8; row++) {
      for (let column = 0; column < 8; column++) {
        const along = width > height ? column : row;
        const same = width > height ? along : 8 * along;
        expect(result.pixels[8 * row + column]).toBe(result.pixels[same]);
      }
    }
  });
});

describe('evaluation geometry', () => {
  it.each([
    // torchvision.transforms.Resize(256): sizes as [width, height] → [width, height]
    [
      [500, 375],
      [341, 256],
    ],
    [
      [375, 500],
      [256, 341],
    ],
    [
      [300, 300],
      [256, 256],
    ],
    [
      [100, 333],
      [256, 852],
    ],
  ] as const)('resizeShorterSide of %j gives %j', ([width, height], expected) => {
    const geometry = plan(resizeShorterSide({ size: 256 }), width, height);
    expect([geometry.width, geometry.height]).toEqual(expected);
  });

  it.each([
    // crop_left = int(round((width − 224) / 2)), Python's rounding to even
    [
      [341, 256],
      [58, 16],
    ],
    [
      [225, 227],
      [0, 2],
    ],
    [
      [229, 231],
      [2, 4],
    ],
  ] as const)('centerCrop of %j begins at %j', ([width, height], [left, top]) => {
    const { box } = plan(centerCrop({ size: 224 }), width, height);
    expect(box).toEqual([left, top, left + 224, top + 224]);
  });

  it('centerCrop gives a smaller picture black margins', () => {
    const sample = sampleOf(3, 2, 1);
    const { pixels, width, height } = applyTransform(centerCrop({ size: 6 }), sample, createRandom(0));
    expect([width, height]).toEqual([6, 6]);
    // torchvision pads 1 left and 2 right, 2 above and below.
    const [a, b, c, d, e, f] = sample.pixels;
    const rows = [
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      a,
      b,
      c,
      0,
      0,
      0,
      d,
      e,
      f,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
    ];
    expect([...pixels]).toEqual(rows);
  });

  it('resizeTo does not keep the shape', () => {
    expect(plan(resizeTo({ size: [10, 20] }), 300, 100)).toEqual({ box: [0, 0, 300, 100], width: 20, height: 10 });
  });
});

describe('horizontalFlip', () => {
  it('mirrors always, never or half of the time', () => {
    const sample = sampleOf(5, 4);
    const mirrored = applyTransform(horizontalFlip({ probability: 1 }), sample, createRandom(0));
    expect(mirrored.pixels.subarray(0, 3)).toEqual(sample.pixels.subarray(12, 15));
    expect(applyTransform(horizontalFlip({ probability: 0 }), sample, createRandom(0))).toBe(sample);
    const count = Array.from({ length: 400 }, (_, seed) =>
      horizontalFlip().plan({ width: 5, height: 4, target: 0 }, createRandom(seed)),
    ).filter((geometry) => geometry !== undefined).length;
    expect(count).toBeGreaterThan(160);
    expect(count).toBeLessThan(240);
  });

  it('twice is the identity, and never writes into its input', () => {
    const sample = sampleOf(6, 3);
    const before = sample.pixels.slice();
    const flip = horizontalFlip({ probability: 1 });
    const twice = applyTransform(flip, applyTransform(flip, sample, createRandom(0)), createRandom(0));
    expect(twice.pixels).toEqual(before);
    expect(sample.pixels).toEqual(before);
  });
});

describe('normalize', () => {
  it('uses any constants, one for each channel', () => {
    const sample = { ...sampleOf(1, 1, 2), pixels: Uint8Array.of(0, 255) };
    const { pixels } = applyTransform(normalize({ mean: [0.5, 0.25], std: [0.5, 0.25] }), sample, createRandom(0));
    expect([...pixels]).toEqual([-1, 3]);
  });

  it('refuses the wrong number of channels and pixels that are normalised already', () => {
    expect(() => applyTransform(normalize(), sampleOf(2, 2, 1), createRandom(0))).toThrow(/3 values, the picture 1/u);
    const once = applyTransform(normalize(), sampleOf(2, 2), createRandom(0));
    expect(() => applyTransform(normalize(), once, createRandom(0))).toThrow(/floating-point already/u);
    expect(() => applyTransform(horizontalFlip({ probability: 1 }), once, createRandom(0))).toThrow(
      /`normalize` last/u,
    );
  });
});

describe('geometry', () => {
  it('maps points as it moves pixels', () => {
    const geometry: Geometry = {
      box: [2, 1, 10, 9],
      width: 16,
      height: 8,
      flip: true,
      canvas: { width: 30, height: 20, left: 5, top: 7, fill: [9] },
    };
    expect(outputSize(geometry)).toEqual({ width: 30, height: 20 });
    // One white block of the source, away from the box's edges, whose filter margins are below half.
    const data = new Uint8Array(12 * 12);
    for (let y = 3; y < 7; y++) data.fill(255, y * 12 + 4, y * 12 + 8);
    const image = applyGeometry({ data, width: 12, height: 12, channels: 1 }, geometry, 'bilinear');
    const white: Array<[number, number]> = [];
    for (const [at, value] of image.data.entries()) {
      if (value > 127) white.push([at % 30, Math.floor(at / 30)]);
    }
    const columns = white.map(([x]) => x);
    const rows = white.map(([, y]) => y);
    // Mirrored: the block's right edge becomes its left.
    expect([Math.min(...columns), Math.max(...columns) + 1]).toEqual([mapX(geometry, 8), mapX(geometry, 4)]);
    expect([Math.min(...rows), Math.max(...rows) + 1]).toEqual([mapY(geometry, 3), mapY(geometry, 7)]);
    expect(image.data[0]).toBe(9);
  });

  it('cuts off what lies outside the canvas', () => {
    const image = { data: Uint8Array.of(1, 2, 3, 4), width: 2, height: 2, channels: 1 };
    const box = [0, 0, 2, 2] as const;
    const laid = (left: number, top: number): number[] => [
      ...applyGeometry(image, { box, width: 2, height: 2, canvas: { width: 2, height: 2, left, top } }, 'bicubic').data,
    ];
    expect(laid(1, 0)).toEqual([0, 1, 0, 3]);
    expect(laid(-1, -1)).toEqual([4, 0, 0, 0]);
    expect(laid(0, 5)).toEqual([0, 0, 0, 0]);
    expect(laid(-2, 0)).toEqual([0, 0, 0, 0]);
  });
});

describe('pipeline', () => {
  const image = {
    kind: 'pixels',
    data: sampleOf(40, 30).pixels as Uint8Array,
    width: 40,
    height: 30,
    channels: 3,
  } as const;
  const item = { id: 'made', image, target: 5 };

  it('lets a target follow every change of the frame', async () => {
    const handler: TargetHandler<number, number[]> = {
      load: (target, { width, height }) => [target, width, height],
      apply: (target, { box, flip }, { width }) => [...target, width, box[0], flip === true ? 1 : 0],
    };
    const crop: GeometryTransform = { plan: () => ({ box: [4, 2, 24, 22], width: 10, height: 10 }) };
    const transforms = [crop, horizontalFlip({ probability: 1 }), normalize()];
    const { sample } = await composePipeline(transforms, {}, handler)(item, createRandom(0));
    expect(sample.target).toEqual([5, 40, 30, 40, 4, 0, 10, 0, 1]);
    expect([sample.originalWidth, sample.originalHeight, sample.width]).toEqual([40, 30, 10]);
    expect(sample.pixels).toBeInstanceOf(Float32Array);
  });

  it('decoding only a box changes nothing', async () => {
    const transform = randomResizedCrop({ size: 16 });
    const { sample } = await composePipeline([transform])(item, createRandom(3));
    const whole = { ...sampleOf(40, 30), target: 5, id: 'made' };
    expect(sample).toEqual(applyTransform(transform, whole, createRandom(3).fork('transform', 0)));
  });

  it('a flip that is done while resizing gives the same as one of its own', async () => {
    const transforms = [randomResizedCrop({ size: 16 }), horizontalFlip({ probability: 1 })];
    const { sample } = await composePipeline(transforms)(item, createRandom(4));
    const apart = await composePipeline([transforms[0]!, (unchanged) => unchanged, transforms[1]!])(
      item,
      createRandom(4),
    );
    expect(sample).toEqual(apart.sample);
    const twice = await composePipeline([...transforms, transforms[1]!])(item, createRandom(4));
    expect(twice.sample).toEqual((await composePipeline(transforms.slice(0, 1))(item, createRandom(4))).sample);
  });

  it('draws the same numbers for a transform whatever the others draw', async () => {
    const wasteful = (sample: Sample, random: Random): Sample => {
      for (let draw = 0; draw < 9; draw++) random.uniform();
      return sample;
    };
    const idle = (sample: Sample): Sample => sample;
    const crop = randomResizedCrop({ size: 8 });
    const first = await composePipeline([wasteful, crop])(item, createRandom(1));
    const second = await composePipeline([idle, crop])(item, createRandom(1));
    expect(first).toEqual(second);
  });

  it('is built from plain data, with a module of a plugin', async () => {
    const module = new URL('./plugin-transform.mjs', import.meta.url).href;
    const pipeline = await createPipeline({
      decode: { channels: 1 },
      transforms: [
        { name: 'resizeTo', options: { size: 4 } },
        { name: 'invert', module, options: { from: 200 } },
      ],
    });
    const white = { kind: 'pixels', data: new Uint8Array(9).fill(150), width: 3, height: 3, channels: 1 } as const;
    const { sample } = await pipeline({ id: 'white', image: white }, createRandom(0));
    expect([...sample.pixels]).toEqual(new Array(16).fill(50));
  });

  it.each([
    [{ name: 'rotate' }, 'CONFIG_INVALID', /no transform `rotate` — use one of randomResizedCrop/u],
    [{ name: 'toString' }, 'CONFIG_INVALID', /no transform `toString`/u],
    [{ name: 'randomResizedCrop' }, 'CONFIG_INVALID', /`size`/u],
    [{ name: 'randomResizedCrop', options: { size: 0 } }, 'CONFIG_INVALID', /`size`/u],
    [{ name: 'randomResizedCrop', options: { size: 8, scale: [1, 0.5] } }, 'CONFIG_INVALID', /`scale`/u],
    [{ name: 'horizontalFlip', options: { chance: 1 } }, 'CONFIG_INVALID', /chance/u],
    [{ name: 'normalize', options: { mean: [0], std: [0] } }, 'CONFIG_INVALID', /`std.0` \(=0\) is not valid/u],
    [{ name: 'invert', module: 'data:text/javascript,0' }, 'PLUGIN_INVALID', /not a file: URL/u],
    [{ name: 'invert', module: new URL('./missing.mjs', import.meta.url).href }, 'PLUGIN_INVALID', /does not load/u],
    [
      { name: 'revert', module: new URL('./plugin-transform.mjs', import.meta.url).href },
      'PLUGIN_INVALID',
      /exports no function `revert`/u,
    ],
  ])('refuses %j', async (spec, code, message) => {
    await expect(createTransform(spec)).rejects.toMatchObject({ code });
    await expect(createTransform(spec)).rejects.toThrow(message);
  });
});

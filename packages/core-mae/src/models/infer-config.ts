import { type Shape, sizeOf } from '../contracts/tensor.js';
import { MaeError } from '../base/errors.js';
import type { MaeConfig } from './mae-config.js';
import { presets } from './presets.js';

/** What files beside weights say of a model; sizes that the weights show as well are compared with them. */
export interface DescribedDimensions {
  /** The file that says so, for messages. */
  readonly path: string;
  readonly numHeads?: number | undefined;
  readonly decoderNumHeads?: number | undefined;
  readonly layerNormEps?: number | undefined;
  /** `[height, width]` in pixels. */
  readonly imageSize?: readonly [number, number] | undefined;
  readonly patchSize?: number | undefined;
  readonly inChannels?: number | undefined;
  readonly embedDim?: number | undefined;
  readonly depth?: number | undefined;
  /** Width of the hidden layer of the MLPs. */
  readonly hiddenDim?: number | undefined;
  readonly decoderEmbedDim?: number | undefined;
  readonly decoderDepth?: number | undefined;
}

/** A model's dimensions, and which of them nothing tells. */
export interface InferredConfig {
  readonly config: MaeConfig;
  /** Dimensions that were guessed by what is usual. */
  readonly guessed: ReadonlyArray<'numHeads' | 'decoderNumHeads'>;
}

/**
 * The dimensions of a masked autoencoder (or of its encoder alone) from the shapes of its weights, and from what lies
 * beside them. Heads leave no trace in shapes: where nothing says how many there are, they are those of the preset with the
 * same widths, or 64 values a head in the encoder and 32 in the decoder, as every published MAE but `huge` has. A
 * detector's tables of relative positions tell the heads, and the size of the pictures that it was trained on.
 *
 * @throws MaeError `CHECKPOINT_MISMATCH` where the weights are not those of a ViT with positions of a square picture, where
 * blocks are missing between others, or where what lies beside them contradicts them
 */
export function inferConfig(
  shapes: ReadonlyMap<string, Shape>,
  where: string,
  description?: DescribedDimensions,
): InferredConfig {
  const shapeOf = (name: string, rank: number): Shape => {
    const shape = shapes.get(name);
    if (shape?.length === rank && sizeOf(shape) > 0) return shape;
    throw mismatch(
      shape === undefined ? `there is no tensor \`${name}\`${present(shapes)}` : shaped(name, shape),
      where,
      'give a checkpoint of a masked autoencoder or of its encoder',
    );
  };
  const [embedDim, inChannels, patchSize, patchWidth] = shapeOf('patch_embed.proj.weight', 4) as Four;
  if (patchSize !== patchWidth) {
    throw mismatch(
      shaped('patch_embed.proj.weight', shapes.get('patch_embed.proj.weight')!),
      where,
      'patches must be square',
    );
  }
  const numPatches = shapeOf('pos_embed', 3)[1]! - 1;
  const [hidden, mlpWidth] = shapeOf('blocks.0.mlp.fc1.weight', 2) as [number, number];
  if (shapes.get('pos_embed')![2] !== embedDim || mlpWidth !== embedDim) {
    throw mismatch(
      `\`patch_embed.proj.weight\`, \`pos_embed\` and \`blocks.0.mlp.fc1.weight\` are of different widths`,
      where,
      'give a whole checkpoint of one model',
    );
  }
  const depth = countBlocks(shapes, 'blocks.', where);
  const decoderEmbedDim = shapes.has('decoder_embed.weight') ? shapeOf('decoder_embed.weight', 2)[0] : undefined;
  const decoderDepth = decoderEmbedDim === undefined ? undefined : countBlocks(shapes, 'decoder_blocks.', where);
  if (description !== undefined) {
    requireSame(description, where, {
      patchSize,
      inChannels,
      embedDim,
      depth,
      hiddenDim: hidden,
      ...(decoderEmbedDim === undefined ? {} : { decoderEmbedDim, decoderDepth }),
    });
  }
  requireValues(shapes, where, [
    { depth, width: embedDim, hidden },
    { depth: decoderDepth ?? 0, width: decoderEmbedDim ?? 0, hidden: 0 },
  ]);
  const relative = relativePositions(shapes, depth - 1);
  const [height, width] = relative?.grid ?? positionGrid(numPatches, patchSize, where, description);
  const known = Object.values(presets).find((preset) => preset.embedDim === embedDim) ?? presets.base;
  const usualHeads = known.embedDim === embedDim ? known.numHeads : Math.max(1, Math.round(embedDim / 64));
  const toldHeads = relative === undefined ? description?.numHeads : embedDim / relative.headDim;
  const decoderWidth = decoderEmbedDim ?? known.decoderEmbedDim;
  const toldDecoderHeads = decoderEmbedDim === undefined ? undefined : description?.decoderNumHeads;
  return {
    config: {
      imageSize: [height * patchSize, width * patchSize],
      patchSize,
      inChannels,
      embedDim,
      depth,
      numHeads: toldHeads ?? usualHeads,
      mlpRatio: hidden / embedDim,
      ...(description?.layerNormEps === undefined ? {} : { layerNormEps: description.layerNormEps }),
      decoderEmbedDim: decoderWidth,
      decoderDepth: decoderDepth ?? known.decoderDepth,
      decoderNumHeads: toldDecoderHeads ?? Math.max(1, Math.round(decoderWidth / 32)),
    },
    guessed: [
      ...(toldHeads === undefined ? (['numHeads'] as const) : []),
      ...(decoderEmbedDim !== undefined && toldDecoderHeads === undefined ? (['decoderNumHeads'] as const) : []),
    ],
  };
}

/** The dimensions alone of {@link inferConfig}. @throws MaeError `CHECKPOINT_MISMATCH` */
export function inferMaeConfig(
  shapes: ReadonlyMap<string, Shape>,
  where: string,
  description?: DescribedDimensions,
): MaeConfig {
  return inferConfig(shapes, where, description).config;
}

type Four = [number, number, number, number];

/** The grid of a table of positions: what the size of its pictures says, or a square. */
function positionGrid(
  numPatches: number,
  patchSize: number,
  where: string,
  description: DescribedDimensions | undefined,
): readonly [number, number] {
  const told = description?.imageSize?.map((side) => side / patchSize) as [number, number] | undefined;
  if (told !== undefined && told[0] * told[1] === numPatches && told.every(Number.isInteger)) return told;
  const side = Math.sqrt(numPatches);
  if (told !== undefined) {
    throw mismatch(
      `\`pos_embed\` has ${numPatches} positions, but ${description!.path} says pictures of ${description!.imageSize!.join('×')} pixels, which have ${told[0] * told[1]} patches of ${patchSize}`,
      where,
      REPAIR,
    );
  }
  if (Number.isInteger(side)) return [side, side];
  throw mismatch(
    `\`pos_embed\` has ${numPatches} positions, which is not a square grid`,
    where,
    'set `model.imageSize` to the size that the checkpoint was made with',
  );
}

const REPAIR = 'put the weights together with their own config.json, or remove it';

const DESCRIBED = [
  'patchSize',
  'inChannels',
  'embedDim',
  'depth',
  'hiddenDim',
  'decoderEmbedDim',
  'decoderDepth',
] as const;
const WORDS: Readonly<Record<(typeof DESCRIBED)[number], string>> = {
  patchSize: 'patches of %',
  inChannels: '% channels',
  embedDim: 'a width of %',
  depth: '% blocks',
  hiddenDim: 'MLPs of width %',
  decoderEmbedDim: 'a decoder of width %',
  decoderDepth: '% blocks in the decoder',
};

/** A file beside the weights that says otherwise belongs to other weights, or these are not all. */
function requireSame(
  description: DescribedDimensions,
  where: string,
  stored: Partial<Record<(typeof DESCRIBED)[number], number | undefined>>,
): void {
  for (const key of DESCRIBED) {
    const [told, found] = [description[key], stored[key]];
    if (told === undefined || found === undefined || told === found) continue;
    const words = (value: number): string => WORDS[key].replace('%', String(value));
    throw mismatch(
      `the weights have ${words(found)}, but ${description.path} says ${words(told)}: they belong to another model, or are a part of it`,
      where,
      REPAIR,
    );
  }
}

/** Sizes that names promise and values do not keep would allocate a model that no file of this size holds. */
function requireValues(
  shapes: ReadonlyMap<string, Shape>,
  where: string,
  stacks: ReadonlyArray<{ readonly depth: number; readonly width: number; readonly hidden: number }>,
): void {
  let stored = 0;
  for (const shape of shapes.values()) stored += sizeOf(shape);
  const promised = stacks.reduce((sum, { depth, width, hidden }) => sum + depth * width * (4 * width + 2 * hidden), 0);
  if (promised <= 2 * stored + 1_000_000) return;
  throw mismatch(
    `its names are those of ${stacks[0]!.depth} blocks of width ${stacks[0]!.width}, with some ${promised} values, and it holds ${stored}`,
    where,
    'give a whole checkpoint of one model',
  );
}

/**
 * What the tables of relative positions of a block with global attention tell, `[2 · side − 1, head's width]` each. The
 * last block's is global in every ViTDet.
 */
function relativePositions(
  shapes: ReadonlyMap<string, Shape>,
  block: number,
): { readonly grid: readonly [number, number]; readonly headDim: number } | undefined {
  const tables = ['h', 'w'].map((axis) => shapes.get(`blocks.${block}.attn.rel_pos_${axis}`));
  const [rows, columns] = tables;
  if (rows?.length !== 2 || columns?.length !== 2) return undefined;
  return { grid: [(rows[0]! + 1) / 2, (columns[0]! + 1) / 2], headDim: rows[1]! };
}

/** Blocks are counted from 0 without a gap: a part of a checkpoint is not a shallower model. */
function countBlocks(shapes: ReadonlyMap<string, Shape>, prefix: string, where: string): number {
  const indices = new Set<number>();
  for (const name of shapes.keys()) {
    const index = name.startsWith(prefix) ? /^\d+(?=\.)/.exec(name.slice(prefix.length))?.[0] : undefined;
    if (index !== undefined) indices.add(Number(index));
  }
  let count = 0;
  while (indices.has(count)) count++;
  if (count === indices.size) return count;
  let next = Infinity;
  for (const index of indices) if (index > count && index < next) next = index;
  throw mismatch(
    `block \`${prefix}${count}\` is missing, though there is \`${prefix}${next}\``,
    where,
    'give the whole checkpoint: all of its shards in one folder',
  );
}

/** The first names that there are, for a message about one that is not. */
function present(shapes: ReadonlyMap<string, Shape>): string {
  const names = [...shapes.keys()].slice(0, 5);
  return names.length === 0 ? '' : ` (it has ${names.join(', ')}${shapes.size > names.length ? ', …' : ''})`;
}

function shaped(name: string, shape: Shape): string {
  return `\`${name}\` has shape [${shape.join(', ')}]`;
}

function mismatch(what: string, where: string, fix: string): MaeError {
  return new MaeError('CHECKPOINT_MISMATCH', { what, where, fix });
}

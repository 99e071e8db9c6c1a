import type { DataMeasures, FittedSettings, RecipeContext } from '@mae-tasks/core-mae/task';

/** Sides of the pictures that a small machine trains on, and what they are multiples of. */
const SMALLEST_SIDE = 160;
const LARGEST_SIDE = 320;
const SIDE_UNIT = 32;
/** Side of the pictures where nothing is known of the data. */
const USUAL_SIDE = 224;
/** Pixels that small objects should have left when the picture is scaled. */
const WANTED_OBJECT_SIDE = 20;
/** Points of the finest level that should lie across a small object. */
const POINTS_ACROSS = 2.5;
/** Blocks of an encoder that starts from random weights: more learn no better from a few thousand steps. */
const BLOCKS = 4;

/** The one-stage detector for few pictures and a small machine: size of the pictures and levels by the objects' sizes. */
export function fitOneStage({ fixed, vit, pretrained, data }: RecipeContext): FittedSettings {
  const patchSize = fixed.patchSize ?? vit.patchSize;
  const side = fixed.imageSize === undefined ? sideFor(data, patchSize) : Math.max(...fixed.imageSize);
  const objectSide = scaledObjectSide(data, side);
  const depth = fixed.depth ?? BLOCKS;
  const finest = objectSide !== undefined && objectSide < POINTS_ACROSS * 8 ? 4 : 8;
  const strides = stridesFrom(finest, patchSize, fixed.imageSize ?? [side]);
  return {
    settings: {
      model: {
        ...(fixed.imageSize === undefined ? { imageSize: side } : {}),
        ...(fixed.depth === undefined ? { depth } : {}),
      },
      optimizer: { layerDecay: pretrained !== undefined ? 0.8 : 1 },
      detect: { oneStage: { strides } },
    },
    because: [
      pretrained !== undefined ? 'from the checkpoint' : `${depth} blocks from random weights`,
      `pictures of ${side} px`,
      ...(objectSide === undefined
        ? []
        : [`objects of ${Math.round(objectSide)} px and more: a point every ${strides[0]} px`]),
    ].join(', '),
  };
}

/** Up to three levels that the patches and the pictures allow, the first no coarser than wanted where that can be. */
function stridesFrom(wanted: number, patchSize: number, sides: readonly number[]): number[] {
  const possible = [1 / 4, 1 / 2, 1, 2, 4]
    .map((factor) => factor * patchSize)
    .filter((stride) => Number.isInteger(stride) && sides.every((side) => side % stride === 0));
  const first = possible.findLastIndex((stride) => stride <= wanted);
  return possible.slice(Math.max(0, first)).slice(0, 3);
}

/** Large enough for small objects, no larger than the pictures are, and neither more nor less than pays. */
function sideFor(data: DataMeasures | undefined, patchSize: number): number {
  const unit = SIDE_UNIT % patchSize === 0 ? SIDE_UNIT : 2 * patchSize;
  const longest = longestSide(data);
  if (longest === undefined) return unit * Math.ceil(USUAL_SIDE / unit);
  const wanted = data?.objectSide === undefined ? USUAL_SIDE : (WANTED_OBJECT_SIDE * longest) / data.objectSide;
  const side = Math.min(LARGEST_SIDE, Math.max(SMALLEST_SIDE, Math.min(wanted, longest)));
  return unit * Math.ceil(side / unit);
}

/** Pixels of small objects' sides in pictures that are scaled to this side. */
function scaledObjectSide(data: DataMeasures | undefined, side: number): number | undefined {
  const longest = longestSide(data);
  if (data?.objectSide === undefined || longest === undefined) return undefined;
  return (data.objectSide * side) / longest;
}

function longestSide(data: DataMeasures | undefined): number | undefined {
  return data?.width === undefined || data.height === undefined ? undefined : Math.max(data.width, data.height);
}

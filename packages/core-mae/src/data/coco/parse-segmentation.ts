import { describeValue } from '../../base/describe-value.js';
import { messageOf } from '../../base/errors.js';
import { GrowingFloat64 } from '../masks/growing.js';
import type { JsonReader } from './json-reader.js';
import { rleFromBytes, rleToBytes } from '../masks/rle-string.js';
import { rleFromCounts } from '../masks/rle.js';
import type { SegmentationBuilder } from '../masks/segmentation.js';

/** A fault of a record whose id may not have been read yet. */
export interface RecordFault {
  readonly severity: 'error' | 'warning';
  readonly code: string;
  readonly problem: string;
  readonly action: string;
}

export type NoteFault = (fault: RecordFault) => void;

/** Beyond this the rasteriser refuses a coordinate; no picture is that large. */
const MAX_COORDINATE = 4e8;
const MIN_PART_NUMBERS = 6;

const scratchSize = new GrowingFloat64(8);

/**
 * Reads the value of a `segmentation` key into the builder's present entry: a list of polygon parts, compressed or
 * uncompressed runs, or nothing. What cannot be used is left out and noted.
 */
export function readSegmentation(reader: JsonReader, builder: SegmentationBuilder, note: NoteFault): void {
  const kind = reader.kind();
  if (kind === 'array') readPolygons(reader, builder, note);
  else if (kind === 'object') readRuns(reader, builder, note);
  else if (kind === 'literal' && reader.readLiteral() === null) return;
  else {
    if (kind !== 'literal') reader.skipValue();
    note({
      severity: 'error',
      code: 'segmentation-of-unknown-form',
      problem: `its segmentation is a ${kind}`,
      action: 'write polygons [[x, y, …]], or runs {"size": [h, w], "counts": …}',
    });
  }
}

function readPolygons(reader: JsonReader, builder: SegmentationBuilder, note: NoteFault): void {
  const { coordinates } = builder;
  const start = coordinates.length;
  const numPartsBefore = builder.numParts;
  let numElements = 0;
  let isFlat = false;
  reader.readArray(() => {
    numElements++;
    if (reader.kind() === 'array' && !isFlat) {
      const partStart = coordinates.length;
      reader.readNumbers(coordinates);
      endPartIfValid(builder, partStart, numElements, note);
    } else if (numElements === 1 || isFlat) {
      isFlat = true;
      coordinates.push(reader.readNumberOrNaN());
    } else {
      coordinates.push(Number.NaN);
      reader.skipValue();
      endPartIfValid(builder, coordinates.length - 1, numElements, note);
    }
  });
  if (isFlat) {
    note({
      severity: 'warning',
      code: 'flat-polygon',
      problem: 'its segmentation is one flat list of numbers instead of a list of parts',
      action: 'taken as one part',
    });
    endPartIfValid(builder, start, 1, note);
  } else if (numElements === 0 || builder.numParts === numPartsBefore) {
    note({
      severity: 'warning',
      code: 'empty-segmentation',
      problem: numElements === 0 ? 'its segmentation is an empty list' : 'no part of its segmentation can be used',
      action: 'only its box is used',
    });
  }
}

function endPartIfValid(builder: SegmentationBuilder, start: number, part: number, note: NoteFault): void {
  const { coordinates } = builder;
  const numNumbers = coordinates.length - start;
  for (let i = start; i < coordinates.length; i++) {
    const value = coordinates.data[i]!;
    // Written so that NaN fails too.
    if (!(Math.abs(value) <= MAX_COORDINATE)) {
      note({
        severity: 'error',
        code: 'coordinate-not-finite',
        problem: `polygon part ${part} has a coordinate that is no finite number of pixels (=${describeValue(value)})`,
        action: 'correct the coordinate; NaN and Infinity are no JSON either',
      });
      coordinates.length = start;
      return;
    }
  }
  if (numNumbers % 2 !== 0 || numNumbers < MIN_PART_NUMBERS) {
    note({
      severity: 'warning',
      code: 'polygon-part-too-short',
      problem: `polygon part ${part} has ${numNumbers} numbers, not at least three x, y pairs`,
      action: 'the part is left out',
    });
    coordinates.length = start;
    return;
  }
  builder.endPart();
}

function readRuns(reader: JsonReader, builder: SegmentationBuilder, note: NoteFault): void {
  const { runBytes } = builder;
  const start = runBytes.length;
  let uncompressed: GrowingFloat64 | undefined;
  let hasCounts = false;
  scratchSize.length = 0;
  reader.readObject((key) => {
    const kind = reader.kind();
    if (key === 'size' && kind === 'array') {
      scratchSize.length = 0;
      reader.readNumbers(scratchSize);
    } else if (key === 'counts' && kind === 'string') {
      runBytes.length = start;
      reader.readStringBytes(runBytes);
      hasCounts = true;
    } else if (key === 'counts' && kind === 'array') {
      uncompressed = new GrowingFloat64(64);
      reader.readNumbers(uncompressed);
      hasCounts = true;
    } else {
      reader.skipValue();
    }
  });
  try {
    const height = scratchSize.data[0]!;
    const width = scratchSize.data[1]!;
    if (!hasCounts || scratchSize.length !== 2) {
      throw new Error('The RLE mask is broken: it needs "counts" and "size" as [height, width]');
    }
    if (uncompressed !== undefined) {
      const rle = rleFromCounts(uncompressed.finish(), height, width);
      runBytes.length = start;
      runBytes.append(rleToBytes(rle));
    } else {
      rleFromBytes(runBytes.data, start, runBytes.length, height, width);
    }
    builder.setRunSize(height, width);
  } catch (error) {
    runBytes.length = start;
    note({
      severity: 'error',
      code: 'broken-rle',
      problem: `its mask cannot be read: ${messageOf(error)}`,
      action: 'write the mask again',
    });
  }
}

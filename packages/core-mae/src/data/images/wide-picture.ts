import { MaeError } from '../../base/errors.js';
import { readSamplesByLibvips, type StoredSamplesOptions } from './libvips.js';
import { selectSamples } from './pixel-samples.js';
import { type PictureHeader, reasonOf, unreadable } from './picture-header.js';
import type { Image } from './picture.js';
import type { TiffHeader } from './tiff-header.js';
import {
  type ChosenRange,
  chooseRange,
  extentOf,
  rangeUnknown,
  scaleValues,
  type StoredValues,
  type ValueExtent,
  type ValueRange,
  type WideValues,
} from './value-range.js';

/** What the values of a picture are whose samples are not 0–255, and how they become so. */
export interface PictureValues {
  readonly stored: StoredValues;
  /** Of its colours. */
  readonly extent: ValueExtent;
  /** Undefined where nothing tells. */
  readonly chosen: ChosenRange | undefined;
}

/** A picture of more than 8 bits a sample, or of signed or floating-point ones; decoded once, on demand. */
export interface WidePicture {
  values(): Promise<PictureValues>;
  /** The whole picture, 0–255. @throws MaeError `IMAGE_INVALID`, also where nothing tells the range of its values */
  read(): Promise<Image>;
}

export interface WidePictureOptions {
  readonly path: string;
  readonly orient: boolean;
  /** Channels that are wanted. */
  readonly channels: number;
  readonly valueRange: ValueRange | undefined;
}

/** Undefined for a picture whose samples are 0–255. */
export function openWidePicture(
  bytes: Uint8Array,
  header: PictureHeader,
  options: WidePictureOptions,
): WidePicture | undefined {
  const { values: stored, samples } = header;
  if (stored === undefined) return undefined;
  const { path, valueRange, channels: wanted } = options;
  const read = async () => {
    const whole = await readValues(bytes, header, stored, options);
    const selected = selectSamples(whole.values, whole.channels, samples, wanted);
    const colors = selected.hasAlpha ? withoutLast(selected.data, selected.channels) : selected.data;
    return { ...whole, selected, colors, chosen: chooseRange(stored, valueRange, () => colors) };
  };
  let known: ReturnType<typeof read> | undefined;
  const once = (): ReturnType<typeof read> => (known ??= read());
  return {
    async values() {
      const { colors, chosen } = await once();
      return { stored, extent: extentOf(colors), chosen };
    },
    async read() {
      const { selected, colors, width, height, chosen } = await once();
      if (chosen === undefined) throw rangeUnknown(stored, extentOf(colors), path);
      const data = scaleValues(selected.data, stored, chosen.range, selected);
      return { data, width, height, channels: selected.channels };
    },
  };
}

/** Whether the decoder's own way to 0–255, which keeps the high byte, is the right one. */
export function isWholeRange({ kind, bits, described, significantBits }: StoredValues, setting: unknown): boolean {
  const isDescribed = described !== undefined || significantBits !== undefined;
  return kind === 'unsigned' && bits === 16 && setting === undefined && !isDescribed;
}

interface ReadValues {
  readonly values: WideValues;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

async function readValues(
  bytes: Uint8Array,
  { tiff, space: stated = 'grey16' }: PictureHeader,
  stored: StoredValues,
  { path, orient }: WidePictureOptions,
): Promise<ReadValues> {
  // libvips would cut off what is below 0.
  const isSigned16 = stored.kind === 'signed' && stored.bits === 16 && tiff !== undefined;
  const file = isSigned16 ? declaredUnsigned(bytes, tiff) : bytes;
  // As plain grey, all samples but the first would be left out.
  const space = stated === 'b-w' && (tiff?.samplesPerPixel ?? 1) > 1 ? 'srgb' : stated;
  const options: StoredSamplesOptions = isSigned16
    ? { orient, space: tiff.photometric === 2 ? 'rgb16' : 'grey16', depth: 'ushort' }
    : { orient, space, depth: depthOf(stored) };
  try {
    const { bytes: samples, ...size } = await readSamplesByLibvips(file, options);
    // libvips turns values whose 0 is white around, if they have no sign.
    if (stored.whiteIsZero && (isSigned16 || stored.kind === 'unsigned')) invert(samples);
    return { values: valuesIn(samples, stored), ...size };
  } catch (cause) {
    if (cause instanceof MaeError) throw cause;
    throw unreadable(path, reasonOf(cause), cause);
  }
}

/** The file with its signed numbers declared to have no sign: the bits are the same. */
function declaredUnsigned(bytes: Uint8Array, { sampleFormatAt, littleEndian }: TiffHeader): Uint8Array {
  const file = new Uint8Array(bytes);
  const view = new DataView(file.buffer);
  for (const at of sampleFormatAt) view.setUint16(at, 1, littleEndian);
  return file;
}

function depthOf({ kind, bits }: StoredValues): StoredSamplesOptions['depth'] {
  if (kind === 'float') return 'float';
  if (bits === 32) return kind === 'signed' ? 'int' : 'uint';
  return bits === 8 ? 'char' : 'ushort';
}

function valuesIn(samples: ArrayBuffer, { kind, bits }: StoredValues): WideValues {
  if (kind === 'float') return new Float32Array(samples);
  if (bits === 8) return new Int8Array(samples);
  if (bits === 16) return kind === 'signed' ? new Int16Array(samples) : new Uint16Array(samples);
  return kind === 'signed' ? new Int32Array(samples) : new Uint32Array(samples);
}

function invert(samples: ArrayBuffer): void {
  const bytes = new Uint8Array(samples);
  for (let at = 0; at < bytes.length; at++) bytes[at] = ~bytes[at]!;
}

function withoutLast(data: WideValues, channels: number): WideValues {
  let to = 0;
  const colors = data.slice(0, (data.length / channels) * (channels - 1));
  for (let at = 0; at < data.length; at++) if (at % channels !== channels - 1) colors[to++] = data[at]!;
  return colors;
}

import { largest } from '../../base/long-lists.js';

/** What the chunks before the pixels of a PNG file say. ISO/IEC 15948. */
export interface PngHeader {
  readonly width: number;
  readonly height: number;
  readonly bitDepth: number;
  /** Whether the last sample of a pixel is alpha. */
  readonly hasAlpha: boolean;
  /** The most significant bits of a colour before they were scaled to the depth, where the file says so (sBIT). */
  readonly significantBits: number | undefined;
  /** Frames of an animated PNG; 1 of any other. */
  readonly frames: number;
}

/** Undefined where the file does not begin with its header; never throws. */
export function readPngHeader(bytes: Uint8Array): PngHeader | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < 33 || buffer.toString('latin1', 12, 16) !== 'IHDR') return undefined;
  let significantBits: number | undefined;
  let frames = 1;
  for (let at = 33; at + 12 <= buffer.length;) {
    const length = buffer.readUInt32BE(at);
    const type = buffer.toString('latin1', at + 4, at + 8);
    const end = at + 12 + length;
    if (type === 'IDAT' || end > buffer.length) break;
    const data = buffer.subarray(at + 8, at + 8 + length);
    if (type === 'sBIT') significantBits = largest([0, ...data.subarray(0, 3)]);
    if (type === 'acTL' && length >= 8) frames = Math.max(1, data.readUInt32BE(0));
    at = end;
  }
  const colorType = buffer[25]!;
  return {
    width: buffer.readUInt32BE(16),
    height: buffer.readUInt32BE(20),
    bitDepth: buffer[24]!,
    hasAlpha: colorType === 4 || colorType === 6,
    significantBits: significantBits === 0 ? undefined : significantBits,
    frames,
  };
}

import { isStartOfFrame, jpegSegmentAt, START_OF_SCAN } from './jpeg-segments.js';

/** What a JPEG's markers say before any pixel is decoded. */
export interface JpegHeader {
  /** As stored, before EXIF orientation. */
  readonly width: number;
  readonly height: number;
  /** Components of a pixel: 1 for grey, 3 for colour, 4 for CMYK. */
  readonly components: number;
  /** EXIF orientation 1–8; 1 where the file has none. */
  readonly orientation: number;
  /** Whether an end-of-image marker follows the first scan: a file cut short has none. */
  readonly complete: boolean;
}

const START_OF_IMAGE = 0xffd8;
const APP1 = 0xe1;
const END_OF_IMAGE = new Uint8Array([0xff, 0xd9]);

export function isJpeg(bytes: Uint8Array): boolean {
  return bytes.length > 3 && ((bytes[0]! << 8) | bytes[1]!) === START_OF_IMAGE && bytes[2] === 0xff;
}

/**
 * The header of a JPEG file, or undefined where its markers do not lead to a frame and a scan (the decoder then says
 * what is wrong with it). ITU T.81, annex B.
 */
export function readJpegHeader(bytes: Uint8Array): JpegHeader | undefined {
  let orientation = 1;
  let frame: Pick<JpegHeader, 'width' | 'height' | 'components'> | undefined;
  for (let segment = jpegSegmentAt(bytes, 2); segment !== undefined; segment = jpegSegmentAt(bytes, segment.end)) {
    const { marker, start, end } = segment;
    if (isStartOfFrame(marker)) {
      if (end - start < 6) return undefined;
      frame = {
        height: (bytes[start + 1]! << 8) | bytes[start + 2]!,
        width: (bytes[start + 3]! << 8) | bytes[start + 4]!,
        components: bytes[start + 5]!,
      };
    } else if (marker === APP1) {
      orientation = readExifOrientation(bytes.subarray(start, end)) ?? orientation;
    } else if (marker === START_OF_SCAN) {
      // Height 0 means that it follows the first scan: left to the decoder.
      if (frame === undefined || frame.width === 0 || frame.height === 0) return undefined;
      return {
        ...frame,
        orientation,
        complete: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).lastIndexOf(END_OF_IMAGE) >= end,
      };
    }
  }
  return undefined;
}

/** Tag 0x0112 of the first directory of an EXIF block (TIFF 6.0), or undefined. */
function readExifOrientation(segment: Uint8Array): number | undefined {
  const isExif = segment.length >= 14 && String.fromCharCode(...segment.subarray(0, 6)) === 'Exif\0\0';
  if (!isExif) return undefined;
  const tiff = segment.subarray(6);
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const byteOrder = view.getUint16(0);
  if (byteOrder !== 0x4949 && byteOrder !== 0x4d4d) return undefined;
  const littleEndian = byteOrder === 0x4949;
  const directory = view.getUint32(4, littleEndian);
  if (directory + 2 > tiff.length) return undefined;
  const numEntries = view.getUint16(directory, littleEndian);
  for (let entry = 0; entry < numEntries; entry++) {
    const at = directory + 2 + entry * 12;
    if (at + 12 > tiff.length) return undefined;
    if (view.getUint16(at, littleEndian) !== 0x0112) continue;
    const value = view.getUint16(at + 8, littleEndian);
    return value >= 1 && value <= 8 ? value : undefined;
  }
  return undefined;
}

/** What a JPEG's markers say before any pixel is decoded. */
export interface JpegHeader {
  /** As stored, before EXIF orientation. */
  readonly width: number;
  readonly height: number;
  /** EXIF orientation 1–8; 1 where the file has none. */
  readonly orientation: number;
  /** Whether an end-of-image marker follows the first scan: a file cut short has none. */
  readonly complete: boolean;
}

const START_OF_IMAGE = 0xffd8;
const APP1 = 0xe1;
const START_OF_SCAN = 0xda;
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
  let size: { width: number; height: number } | undefined;
  let at = 2;
  while (at + 4 <= bytes.length) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1]!;
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (isStandalone(marker)) {
      at += 2;
      continue;
    }
    const length = (bytes[at + 2]! << 8) | bytes[at + 3]!;
    const end = at + 2 + length;
    if (length < 2 || end > bytes.length) return undefined;
    if (isStartOfFrame(marker)) {
      if (length < 8) return undefined;
      size = {
        height: (bytes[at + 5]! << 8) | bytes[at + 6]!,
        width: (bytes[at + 7]! << 8) | bytes[at + 8]!,
      };
    } else if (marker === APP1) {
      orientation = readExifOrientation(bytes.subarray(at + 4, end)) ?? orientation;
    } else if (marker === START_OF_SCAN) {
      // Height 0 means that it follows the first scan: left to the decoder.
      if (size === undefined || size.width === 0 || size.height === 0) return undefined;
      return {
        ...size,
        orientation,
        complete: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).lastIndexOf(END_OF_IMAGE) >= end,
      };
    }
    at = end;
  }
  return undefined;
}

/** TEM and the restart markers carry no length. */
function isStandalone(marker: number): boolean {
  return marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);
}

/** SOF0–SOF15 without DHT (C4), JPG (C8) and DAC (CC). */
function isStartOfFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
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

/** A marker and what follows it, between the start of a JPEG file and its first scan's data. ITU T.81, annex B. */
export interface JpegSegment {
  /** The marker's second byte. */
  readonly marker: number;
  /** Where the segment's parameters start, and where they end. */
  readonly start: number;
  readonly end: number;
}

export const START_OF_SCAN = 0xda;

/** The segment at or after a position; undefined where there is no marker or the segment passes the file's end. */
export function jpegSegmentAt(bytes: Uint8Array, position: number): JpegSegment | undefined {
  let at = position;
  while (at + 4 <= bytes.length) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1]!;
    if (marker === 0xff) {
      at += 1;
    } else if (isStandalone(marker)) {
      at += 2;
    } else {
      const length = (bytes[at + 2]! << 8) | bytes[at + 3]!;
      const end = at + 2 + length;
      return length < 2 || end > bytes.length ? undefined : { marker, start: at + 4, end };
    }
  }
  return undefined;
}

/** SOF0–SOF15 without DHT (C4), JPG (C8) and DAC (CC). */
export function isStartOfFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** TEM and the restart markers carry no length. */
function isStandalone(marker: number): boolean {
  return marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);
}

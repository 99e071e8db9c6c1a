import crc32c from 'crc-32/crc32c.js';

/** The CRC-32C as TFRecord files store it: rotated and offset, so that a CRC over data that holds CRCs stays sound. */
export function maskedCrc32c(bytes: Uint8Array): number {
  const crc = crc32c.buf(bytes) >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

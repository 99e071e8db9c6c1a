import type { ByteSource } from '#core/data/coco/byte-source.js';

/** The bytes of a text or an array; `chunkSize` limits how many come at once. */
export function memorySource(content: string | Uint8Array, chunkSize = Infinity): ByteSource {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  let position = 0;
  return {
    size: bytes.length,
    read(into, offset) {
      const length = Math.min(bytes.length - position, into.length - offset, chunkSize);
      into.set(bytes.subarray(position, position + length), offset);
      position += length;
      return length;
    },
  };
}

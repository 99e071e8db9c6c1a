import { MaeError } from '../../base/errors.js';
import { maskedCrc32c } from './crc32c.js';

/** A measurement as TensorBoard stores it. */
export type SummaryValue =
  { readonly tag: string; readonly scalar: number } | { readonly tag: string; readonly png: Uint8Array };

/** One entry of an event file. */
export interface TensorboardEvent {
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly step?: number;
  readonly content:
    | { readonly kind: 'version' }
    /** Tells TensorBoard to forget what it has read of this step and later ones. */
    | { readonly kind: 'restart' }
    | { readonly kind: 'summary'; readonly values: readonly SummaryValue[] };
}

/** An event as Protocol Buffers bytes (tensorflow/core/util/event.proto and framework/summary.proto). */
export function encodeEvent({ wallTime, step, content }: TensorboardEvent): Buffer {
  const fields = [doubleField(1, wallTime)];
  if (step !== undefined) fields.push(integerField(2, step));
  switch (content.kind) {
    case 'version':
      fields.push(bytesField(3, Buffer.from('brain.Event:2')));
      break;
    case 'restart':
      fields.push(bytesField(7, integerField(1, 1))); // SessionLog.status = START
      break;
    case 'summary':
      fields.push(bytesField(5, Buffer.concat(content.values.map((value) => bytesField(1, encodeValue(value))))));
      break;
  }
  return Buffer.concat(fields);
}

function encodeValue(value: SummaryValue): Buffer {
  const tag = bytesField(1, Buffer.from(value.tag));
  if ('scalar' in value) return Buffer.concat([tag, floatField(2, value.scalar)]);
  const { width, height } = pngSize(value.png, value.tag);
  const image = [integerField(1, height), integerField(2, width), integerField(3, 3), bytesField(4, value.png)];
  return Buffer.concat([tag, bytesField(4, Buffer.concat(image))]);
}

const pngSignature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** Width and height from a PNG file's header. */
function pngSize(png: Uint8Array, where: string): { width: number; height: number } {
  const bytes = Buffer.from(png.buffer, png.byteOffset, png.byteLength);
  if (bytes.length < 24 || !bytes.subarray(0, 8).equals(pngSignature)) {
    throw new MaeError('IMAGE_INVALID', { what: 'a logged picture is not a PNG file', where });
  }
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

/** A record of a TFRecord file: length, its CRC, the data, its CRC (all little-endian). */
export function frameRecord(data: Uint8Array): Buffer {
  const framed = Buffer.alloc(data.length + 16);
  framed.writeBigUInt64LE(BigInt(data.length), 0);
  framed.writeUInt32LE(maskedCrc32c(framed.subarray(0, 8)), 8);
  framed.set(data, 12);
  framed.writeUInt32LE(maskedCrc32c(data), 12 + data.length);
  return framed;
}

/** An unsigned integer in groups of seven bits, lowest first. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt(value);
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

function fieldKey(field: number, wireType: number): Buffer {
  return varint(field * 8 + wireType);
}

function integerField(field: number, value: number): Buffer {
  return Buffer.concat([fieldKey(field, 0), varint(value)]);
}

function doubleField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([fieldKey(field, 1), bytes]);
}

function floatField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([fieldKey(field, 5), bytes]);
}

function bytesField(field: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([fieldKey(field, 2), varint(bytes.length), bytes]);
}

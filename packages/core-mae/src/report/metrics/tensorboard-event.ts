import { MaeError } from '../../base/errors.js';
import { MessageWriter } from '../../base/protobuf-writer.js';
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
export function encodeEvent({ wallTime, step, content }: TensorboardEvent): Uint8Array {
  return MessageWriter.encode((event) => {
    event.double(1, wallTime);
    if (step !== undefined) event.integer(2, step);
    switch (content.kind) {
      case 'version':
        event.text(3, 'brain.Event:2');
        break;
      case 'restart':
        event.message(7, (sessionLog) => sessionLog.integer(1, 1)); // SessionLog.status = START
        break;
      case 'summary':
        event.message(5, (summary) => {
          for (const value of content.values) summary.message(1, (message) => writeValue(message, value));
        });
        break;
    }
  });
}

function writeValue(message: MessageWriter, value: SummaryValue): void {
  message.text(1, value.tag);
  if ('scalar' in value) {
    message.float(2, value.scalar);
    return;
  }
  const { width, height } = pngSize(value.png, value.tag);
  message.message(4, (image) => image.integer(1, height).integer(2, width).integer(3, 3).bytes(4, value.png));
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

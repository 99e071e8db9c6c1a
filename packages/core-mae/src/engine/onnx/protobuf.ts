/** Writes the wire format of Protocol Buffers: only what an ONNX model needs. Methods return the writer itself. */
export interface MessageWriter {
  /** A varint field; negative numbers take ten bytes, as in the format. */
  integer(field: number, value: number): MessageWriter;
  float(field: number, value: number): MessageWriter;
  bytes(field: number, value: Uint8Array): MessageWriter;
  text(field: number, value: string): MessageWriter;
  message(field: number, value: MessageWriter): MessageWriter;
  /** Length in bytes so far. */
  readonly size: number;
  /** The pieces in order; large values are not copied until `toBytes`. */
  readonly pieces: readonly Uint8Array[];
}

const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FIXED_32 = 5;
const encoder = new TextEncoder();

export function createMessage(): MessageWriter {
  const pieces: Uint8Array[] = [];
  let size = 0;
  const push = (piece: Uint8Array): void => {
    pieces.push(piece);
    size += piece.length;
  };
  const tag = (field: number, wireType: number): void => push(varint(field * 8 + wireType));
  const writer: MessageWriter = {
    integer(field, value) {
      tag(field, VARINT);
      push(varint(value));
      return writer;
    },
    float(field, value) {
      tag(field, FIXED_32);
      push(new Uint8Array(Float32Array.of(value).buffer));
      return writer;
    },
    bytes(field, value) {
      tag(field, LENGTH_DELIMITED);
      push(varint(value.length));
      push(value);
      return writer;
    },
    text: (field, value) => writer.bytes(field, encoder.encode(value)),
    message(field, value) {
      tag(field, LENGTH_DELIMITED);
      push(varint(value.size));
      value.pieces.forEach(push);
      return writer;
    },
    get size() {
      return size;
    },
    pieces,
  };
  return writer;
}

export function toBytes({ size, pieces }: MessageWriter): Uint8Array {
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const piece of pieces) {
    bytes.set(piece, offset);
    offset += piece.length;
  }
  return bytes;
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

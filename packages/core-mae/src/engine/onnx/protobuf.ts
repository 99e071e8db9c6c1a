const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FIXED_32 = 5;
/** Below this length values are gathered into one piece: a file of many small messages then has few pieces. */
const GATHERED_BYTES = 4096;
const encoder = new TextEncoder();

/**
 * Writes a message in the wire format of Protocol Buffers: only what an ONNX model needs. Methods return the writer.
 * (A class, not closures: one model has tens of thousands of messages.)
 */
export class MessageWriter {
  private readonly finished: Uint8Array[] = [];
  private gathered: number[] = [];
  private length = 0;

  /** Length in bytes so far. */
  get size(): number {
    return this.length;
  }

  /** What was written, in order; long values are not copied. */
  get pieces(): readonly Uint8Array[] {
    this.flush();
    return this.finished;
  }

  /** A varint field; negative numbers take ten bytes, as in the format. */
  integer(field: number, value: number): this {
    this.varint(field * 8 + VARINT);
    this.varint(value);
    return this;
  }

  float(field: number, value: number): this {
    this.varint(field * 8 + FIXED_32);
    this.append(new Uint8Array(Float32Array.of(value).buffer));
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.varint(field * 8 + LENGTH_DELIMITED);
    this.varint(value.length);
    this.append(value);
    return this;
  }

  text(field: number, value: string): this {
    return this.bytes(field, encoder.encode(value));
  }

  message(field: number, value: MessageWriter): this {
    this.varint(field * 8 + LENGTH_DELIMITED);
    this.varint(value.size);
    for (const piece of value.pieces) this.append(piece);
    return this;
  }

  private append(piece: Uint8Array): void {
    this.length += piece.length;
    if (piece.length > GATHERED_BYTES) {
      this.flush();
      this.finished.push(piece);
    } else {
      for (let i = 0; i < piece.length; i++) this.gathered.push(piece[i]!);
    }
  }

  private flush(): void {
    if (this.gathered.length > 0) this.finished.push(Uint8Array.from(this.gathered));
    this.gathered = [];
  }

  private varint(value: number): void {
    const before = this.gathered.length;
    if (value >= 0 && value < 2 ** 31) {
      let rest = value;
      for (; rest > 127; rest >>>= 7) this.gathered.push((rest & 127) | 128);
      this.gathered.push(rest);
    } else {
      let rest = BigInt.asUintN(64, BigInt(value));
      for (; rest > 127n; rest >>= 7n) this.gathered.push(Number(rest & 127n) | 128);
      this.gathered.push(Number(rest));
    }
    this.length += this.gathered.length - before;
  }
}

export function createMessage(): MessageWriter {
  return new MessageWriter();
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

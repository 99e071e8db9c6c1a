import protobuf from 'protobufjs/minimal.js';

const [VARINT, FIXED_64, LENGTH_DELIMITED, FIXED_32] = [0, 1, 2, 5];

/**
 * Writes the fields of a Protocol Buffers message by their numbers, as the formats that are written here (ONNX models,
 * TensorBoard's events) have no generated code. Methods return the writer.
 */
export class MessageWriter {
  private constructor(private readonly writer: protobuf.Writer) {}

  /** The bytes of a message whose fields `write` writes. */
  static encode(write: (message: MessageWriter) => void): Uint8Array {
    const writer = protobuf.Writer.create();
    write(new MessageWriter(writer));
    return writer.finish();
  }

  /** A varint field; negative numbers take ten bytes, as in the format. */
  integer(field: number, value: number): this {
    this.tag(field, VARINT).int64(value);
    return this;
  }

  float(field: number, value: number): this {
    this.tag(field, FIXED_32).float(value);
    return this;
  }

  double(field: number, value: number): this {
    this.tag(field, FIXED_64).double(value);
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.tag(field, LENGTH_DELIMITED).bytes(value);
    return this;
  }

  text(field: number, value: string): this {
    this.tag(field, LENGTH_DELIMITED).string(value);
    return this;
  }

  /** A message within this one. */
  message(field: number, write: (message: MessageWriter) => void): this {
    this.tag(field, LENGTH_DELIMITED).fork();
    write(this);
    this.writer.ldelim();
    return this;
  }

  private tag(field: number, wireType: number): protobuf.Writer {
    return this.writer.uint32(field * 8 + wireType);
  }
}

import { maskedCrc32c } from '#core/report/metrics/crc32c.js';

export type ProtobufFields = Map<number, Array<bigint | Buffer>>;

/** The records of a TFRecord file, every CRC checked. */
export function readRecords(bytes: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(offset));
    if (bytes.readUInt32LE(offset + 8) !== maskedCrc32c(bytes.subarray(offset, offset + 8)))
      throw new Error('length CRC');
    const data = bytes.subarray(offset + 12, offset + 12 + length);
    if (bytes.readUInt32LE(offset + 12 + length) !== maskedCrc32c(data)) throw new Error('data CRC');
    records.push(data);
    offset += 16 + length;
  }
  return records;
}

/** A message's fields by number; fixed-width and length-delimited ones as bytes. */
export function readFields(message: Buffer): ProtobufFields {
  const fields: ProtobufFields = new Map();
  let offset = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message.readUInt8(offset++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Buffer => message.subarray(offset, (offset += length));
  while (offset < message.length) {
    const key = Number(varint());
    const wireType = key & 7;
    const value = wireType === 0 ? varint() : take(wireType === 1 ? 8 : wireType === 5 ? 4 : Number(varint()));
    fields.set(key >> 3, [...(fields.get(key >> 3) ?? []), value]);
  }
  return fields;
}

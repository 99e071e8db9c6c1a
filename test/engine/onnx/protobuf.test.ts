import { describe, expect, it } from 'vitest';
import { createMessage, toBytes } from '#core/engine/onnx/protobuf.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('the Protocol Buffers writer', () => {
  // The first two examples are those of the format's own documentation.
  it('writes integers as varints, negative ones in ten bytes', () => {
    expect(hex(toBytes(createMessage().integer(1, 150)))).toBe('089601');
    expect(hex(toBytes(createMessage().integer(1, 0)))).toBe('0800');
    expect(hex(toBytes(createMessage().integer(1, -1)))).toBe('08ffffffffffffffffff01');
    expect(hex(toBytes(createMessage().integer(1, 2 ** 40)))).toBe('08808080808020');
    expect(hex(toBytes(createMessage().integer(20, 2)))).toBe('a00102');
  });

  it('writes text, floats and messages within messages', () => {
    expect(hex(toBytes(createMessage().text(2, 'testing')))).toBe('120774657374696e67');
    expect(hex(toBytes(createMessage().float(2, 1)))).toBe('150000803f');
    expect(hex(toBytes(createMessage().message(3, createMessage().integer(1, 150))))).toBe('1a03089601');
  });

  it('keeps long values in order between short ones', () => {
    const long = Uint8Array.from({ length: 10_000 }, (_, index) => index);
    const inner = createMessage().integer(1, 1).bytes(9, long).integer(1, 2);
    const bytes = toBytes(createMessage().integer(1, 3).message(5, inner).integer(1, 4));
    expect(bytes.length).toBe(2 + 1 + 2 + inner.size + 2);
    expect(hex(bytes.subarray(0, 7))).toBe('08032a974e0801');
    expect(bytes.subarray(10, 10 + long.length)).toEqual(long);
    expect(hex(bytes.subarray(-4))).toBe('08020804');
  });
});

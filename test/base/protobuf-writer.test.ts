import { describe, expect, it } from 'vitest';
import { MessageWriter } from '#core/base/protobuf-writer.js';

const hex = (write: (message: MessageWriter) => void): string =>
  Buffer.from(MessageWriter.encode(write)).toString('hex');

describe('the Protocol Buffers writer', () => {
  // The first two examples are those of the format's own documentation.
  it('writes integers as varints, negative ones in ten bytes', () => {
    expect(hex((message) => message.integer(1, 150))).toBe('089601');
    expect(hex((message) => message.integer(1, 0))).toBe('0800');
    expect(hex((message) => message.integer(1, -1))).toBe('08ffffffffffffffffff01');
    expect(hex((message) => message.integer(1, 2 ** 40))).toBe('08808080808020');
    expect(hex((message) => message.integer(20, 2))).toBe('a00102');
  });

  it('writes text, floats and messages within messages', () => {
    expect(hex((message) => message.text(2, 'testing'))).toBe('120774657374696e67');
    expect(hex((message) => message.text(2, 'é'.repeat(100)))).toBe(`12c801${'c3a9'.repeat(100)}`);
    expect(hex((message) => message.float(2, 1))).toBe('150000803f');
    expect(hex((message) => message.double(1, 1))).toBe('09000000000000f03f');
    expect(hex((message) => message.message(3, (inner) => inner.integer(1, 150)))).toBe('1a03089601');
  });

  it('keeps long values in order between short ones', () => {
    const long = Uint8Array.from({ length: 10_000 }, (_, index) => index);
    const bytes = MessageWriter.encode((message) =>
      message
        .integer(1, 3)
        .message(5, (inner) => inner.integer(1, 1).bytes(9, long).integer(1, 2))
        .integer(1, 4),
    );
    expect(bytes.length).toBe(2 + 3 + (2 + 3 + long.length + 2) + 2);
    expect(Buffer.from(bytes.subarray(0, 7)).toString('hex')).toBe('08032a974e0801');
    expect(new Uint8Array(bytes.subarray(10, 10 + long.length))).toEqual(long);
    expect(Buffer.from(bytes.subarray(-4)).toString('hex')).toBe('08020804');
  });
});

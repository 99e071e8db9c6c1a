import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { checkSettings } from '#core/base/check-settings.js';
import { describeValue } from '#core/base/describe-value.js';
import { messageOf } from '#core/base/errors.js';

const holdsItself: Record<string, unknown> = { a: 1 };
holdsItself.self = holdsItself;

describe('a value in a message', () => {
  it.each([
    [undefined, 'nothing'],
    [null, 'null'],
    [Number.NaN, 'not a number'],
    [Infinity, 'Infinity'],
    [0.3, '0.3'],
    ['half', '"half"'],
    [true, 'true'],
    [[1, 2], '[1,2]'],
    [{}, '{}'],
    [{ a: 'b' }, '{"a":"b"}'],
    [[Number.NaN], 'a list of 1 value'],
    [Array.from({ length: 300 }, (_, index) => index), 'a list of 300 values'],
    [holdsItself, 'a map of 2 keys'],
    [12n, '12'],
  ])('%s', (value, text) => {
    expect(describeValue(value)).toBe(text);
  });

  it('is never long', () => {
    for (const value of ['x'.repeat(1e6), { x: 'y'.repeat(1e6) }, [['z'.repeat(1e6)]]]) {
      expect(describeValue(value).length).toBeLessThan(100);
    }
  });
});

const schema = z.strictObject({
  epochs: z.int().positive(),
  rate: z.number().min(0).lt(1).default(0),
  name: z.string().min(1).default('x'),
  mode: z.enum(['full', 'frozen']).default('full'),
  parts: z.union([z.literal('auto'), z.int()]).default('auto'),
  range: z
    .tuple([z.number(), z.number()])
    .refine(([low, high]) => low <= high, 'the first may not be above the second')
    .default([0, 1]),
  map: z.record(z.string(), z.boolean()).default({}),
});

describe('what a schema finds', () => {
  it.each([
    [undefined, /what was given is missing.*give a map of settings/],
    [{}, /`epochs` is missing.*give a whole number|give a number/],
    [{ epochs: 'many' }, /`epochs` \(="many"\) is not valid.*give a number/],
    [{ epochs: 1.5 }, /give a whole number/],
    [{ epochs: 0 }, /give a number more than 0/],
    [{ epochs: 1, rate: 1 }, /give a number less than 1/],
    [{ epochs: 1, rate: -1 }, /give a number of at least 0/],
    [{ epochs: 1, name: '' }, /give a text that is not empty/],
    [{ epochs: 1, mode: 'half' }, /give one of full, frozen/],
    [{ epochs: 1, parts: 'all' }, /give auto, or a number/],
    [{ epochs: 1, range: [2, 1] }, /\(=\[2,1\]\) is not valid.*the first may not be above the second/],
    [{ epochs: 1, map: { a: 1 } }, /`map\.a` \(=1\).*true or false/],
    [{ epochs: 1, map: holdsItself }, /`map\.a` \(=1\)/],
    [{ epochs: Number.NaN }, /`epochs` \(=not a number\)/],
    [{ epochs: holdsItself }, /`epochs` \(=a map of 2 keys\)/],
    [{ epochs: 1, crop: 1 }, /`crop` is not a setting/],
  ])('%# is said in words', (value, message) => {
    let text = '';
    try {
      checkSettings(schema, value, 'f.yaml');
    } catch (error) {
      text = messageOf(error);
    }
    expect(text).toMatch(message);
    expect(text).not.toMatch(/undefined|NaN|nvalid input|nvalid option|Too |expected|received/);
  });

  it('is said in words as a cause', () => {
    const { error } = schema.safeParse({ epochs: 'many' });
    expect(messageOf(error)).toBe('`epochs` should be a number');
  });
});

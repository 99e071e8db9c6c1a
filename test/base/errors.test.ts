import { describe, expect, it } from 'vitest';
import { MaeError, messageOf } from '#core/base/errors.js';
import { fromTransferred, toTransferred } from '#core/base/transferred-error.js';

const hostile = 'cat\u001b[2J\u0007\r\nerror: \u202edog';
const shown = 'cat\\x1b[2J\\x07\\r\\nerror: \\u202edog';

describe('an error with names from files', () => {
  const error = new MaeError('DATA_INVALID', {
    what: `${hostile} is no class`,
    where: hostile,
    fix: `rename ${hostile}`,
    details: [hostile, 'second'],
  });

  it('is one line that no terminal obeys, and its details', () => {
    expect(error.message).toBe(`${shown} is no class — ${shown} — rename ${shown}\n${shown}\nsecond`);
    expect(error.where).toBe(hostile);
  });

  it('is the same from another thread, and inside another', () => {
    const other = fromTransferred(structuredClone(toTransferred(error)));
    expect(other).toBeInstanceOf(MaeError);
    expect(other.message).toBe(error.message);
    expect(other).toMatchObject({ what: error.what, where: hostile, details: error.details });
    const outer = new MaeError('DATA_INVALID', { what: `passed over (${messageOf(error)})` });
    expect(outer.message.split('\n')).toHaveLength(1);
  });

  it('takes one line from others', () => {
    expect(messageOf(new Error('bad map\n  at line 3\r\n\n      ^'))).toBe('bad map at line 3 ^');
  });
});

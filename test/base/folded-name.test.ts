import { describe, expect, it } from 'vitest';
import { distinctNames, foldedName } from '#core/base/folded-name.js';

describe('names where case is ignored', () => {
  it('are one in any case and form', () => {
    expect(foldedName('Caf\u00c9.JPG')).toBe(foldedName('cafe\u0301.jpg'));
    expect(foldedName('a')).not.toBe(foldedName('b'));
  });

  it('are kept apart', () => {
    const distinct = distinctNames();
    const names = ['x/a.png', 'x/A.png', 'X/a.PNG', 'a.png', 'b', 'B', 'x/.hidden', 'x/.Hidden'];
    expect(names.map((name) => distinct(name))).toEqual([
      'x/a.png',
      'x/A 2.png',
      'X/a 3.PNG',
      'a.png',
      'b',
      'B 2',
      'x/.hidden',
      'x/.Hidden 2',
    ]);
  });
});

import { expect, it } from 'vitest';
import { csvText } from '#core/base/csv.js';

it('quotes what needs it, leaves numbers as they are, and lets no text pass for a formula', () => {
  const rows = [
    ['a,b', 'say "ä"', -1.5],
    ['=cmd()', '@x\ny', Number.NaN],
    ['+1', '-photo.jpg', 0],
  ];
  expect(csvText(['picture', 'class', 'score'], rows)).toBe(
    'picture,class,score\n"a,b","say ""ä""",-1.5\n\'=cmd(),"\'@x\ny",NaN\n\'+1,\'-photo.jpg,0\n',
  );
});

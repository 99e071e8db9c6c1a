import { expect, it } from 'vitest';
import { createValueSurvey } from '#core/data/tools/examine-values.js';
import type { PictureValues } from '#core/data/images/wide-picture.js';

const stored = { kind: 'unsigned', bits: 16, whiteIsZero: false } as const;

function picture(highest: number, by: 'type' | 'setting' | 'file' = 'type', high = 65535): PictureValues {
  return { stored, extent: { lowest: 0, highest }, chosen: { range: [0, high], by } };
}

function survey(pictures: readonly PictureValues[], looked = pictures.length): string[] {
  const faults: string[] = [];
  const all = createValueSurvey();
  for (const each of pictures) all.add(each);
  all.report((severity, code, subject) => faults.push(`${severity} ${code} ${subject}`), looked);
  return faults;
}

it('is an error where most would be nearly black, and a warning where few are or all are dark', () => {
  expect(survey([picture(3000), picture(2000), picture(65000)])).toEqual(['error values-nearly-black 2 pictures']);
  expect(survey([picture(3000)], 20)).toEqual(['warning values-nearly-black 1 picture']);
  expect(survey([picture(16383), picture(9000)])).toEqual(['warning values-dark 2 pictures']);
  expect(survey([picture(60000), picture(9000), picture(0)])).toEqual([]);
});

it('says where the range that is set holds nothing, and where files say different ones', () => {
  const outside: PictureValues = { ...picture(3000), chosen: { range: [5000, 9000], by: 'setting' } };
  expect(survey([outside])).toEqual(['error values-outside-range 1 picture']);
  expect(survey([picture(3000, 'setting', 4095)])).toEqual([]);
  expect(survey([picture(3000, 'file', 4095), picture(3000, 'file', 3000)])).toEqual([
    'warning values-of-several-ranges 2 pictures',
  ]);
});

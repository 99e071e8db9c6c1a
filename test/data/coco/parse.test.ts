import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  annotationMask,
  annotationPolygons,
  annotationRle,
  annotationsOfImage,
  type CocoAnnotations,
} from '#core/data/coco/annotations.js';
import { createFaultLog } from '#core/data/coco/faults.js';
import { JsonReader } from '#core/data/coco/json-reader.js';
import { loadCoco, parseCoco } from '#core/data/coco/parse.js';
import { rleToString } from '#core/data/masks/rle-string.js';
import { encodeRle, rleArea } from '#core/data/masks/rle.js';
import { MaeError } from '#core/base/errors.js';
import { createRandom } from '#core/base/random.js';
import { memorySource } from './memory-source.js';

const folder = mkdtempSync(join(tmpdir(), 'mae-parse-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const square = [1, 1, 5, 1, 5, 5, 1, 5];
const mask = encodeRle(new Uint8Array(80).fill(1, 33, 47), 8, 10);
const image = { id: 7, file_name: 'a.png', width: 10, height: 8 };
const category = { id: 3, name: 'cat' };
const annotation = { id: 1, image_id: 7, category_id: 3, bbox: [1, 1, 4, 4], area: 16, iscrowd: 0 };
const whole = (fields: object): string =>
  JSON.stringify({ images: [image], categories: [category], annotations: [annotation], ...fields });

interface Parsed {
  annotations: CocoAnnotations;
  codes: string[];
  lines: string[];
  errors: number;
}
function parse(text: string, chunkSize?: number): Parsed {
  const log = createFaultLog();
  const annotations = parseCoco(memorySource(text, chunkSize), 'f.json', log.report);
  return { annotations, codes: [...log.counts.keys()], lines: log.lines(), errors: log.numErrors() };
}

describe('a COCO file', () => {
  const text = whole({
    info: { note: 'ü "x" \\', nested: [[{}], null, true, 1e-3] },
    images: [image, { id: 2, file_name: 'größe/ü\\\\.png', width: 4, height: 4, license: 1 }],
    categories: [{ id: 90, name: 'last', supercategory: 'thing' }, category],
    annotations: [
      { ...annotation, id: 11, segmentation: [square, [6, 2, 9, 2, 9, 6]] },
      { ...annotation, id: 12, iscrowd: 1, segmentation: { size: [8, 10], counts: [...mask.counts] } },
      { ...annotation, id: 13, segmentation: { counts: rleToString(mask), size: [8, 10] }, keypoints: [1, 2, 2] },
      { ...annotation, id: 14, image_id: 2, category_id: 90 },
    ],
  });

  it.each([Infinity, 1000, 7, 1])('reads the same in pieces of %d bytes', (chunkSize) => {
    const { annotations, codes } = parse(text, chunkSize);
    expect(codes).toEqual([]);
    expect(annotations.images.fileNames).toEqual(['a.png', 'größe/ü\\\\.png']);
    expect(annotations.categories.map(({ id }) => id)).toEqual([3, 90]);
    expect(annotations.categoryIndexOf.get(90)).toBe(1);
    expect([...annotations.ids]).toEqual([11, 12, 13, 14]);
    expect([...annotationsOfImage(annotations, 0)]).toEqual([0, 1, 2]);
    expect([...annotationsOfImage(annotations, 1)]).toEqual([3]);
    expect([...annotations.crowds]).toEqual([0, 1, 0, 0]);
    expect(annotationPolygons(annotations, 0).map((part) => [...part])).toEqual([square, [6, 2, 9, 2, 9, 6]]);
    expect(annotationRle(annotations, 1)).toEqual(mask);
    expect(annotationRle(annotations, 2)).toEqual(mask);
    expect(annotationMask(annotations, 2).reduce((sum, value) => sum + value, 0)).toBe(14);
    expect(rleArea(annotationRle(annotations, 3))).toBe(0);
  });

  it('loads from disk, its lists in any order', () => {
    const { images, categories, annotations: list } = JSON.parse(text) as Record<string, unknown>;
    const path = join(folder, 'reordered.json');
    writeFileSync(path, `\ufeff${JSON.stringify({ annotations: list, categories, images }, null, 1)}\n`);
    const { annotations, warnings } = loadCoco(path);
    expect(warnings).toEqual([]);
    expect(annotations.size).toBe(4);
  });

  it('survives every cut as an error that names the file', () => {
    for (let length = 0; length < text.length; length += 3) {
      expect(() => parse(text.slice(0, length))).toThrow(/f\.json, byte \d+/);
    }
  });
});

describe('faults of a COCO file', () => {
  const one = (fields: object): string => whole({ annotations: [{ ...annotation, ...fields }] });
  const without = (key: string): string =>
    whole({ annotations: [Object.fromEntries(Object.entries(annotation).filter(([name]) => name !== key))] });
  const nan = (text: string): string => text.replace('"NaN"', 'NaN');

  it.each<[string, string, string, RegExp]>([
    ['a duplicate annotation id', whole({ annotations: [annotation, annotation] }), 'error', /annotation 1: is listed/],
    ['a duplicate image id', whole({ images: [image, image] }), 'error', /image 7: is listed more/],
    ['a duplicate category id', whole({ categories: [category, category] }), 'error', /category 3: is listed more/],
    ['an orphan', one({ image_id: 8 }), 'warning', /annotation 1: belongs to image 8/],
    ['an unknown category', one({ category_id: 8 }), 'warning', /annotation 1: has category 8/],
    ['a number as text', one({ image_id: '7' }), 'warning', /image ids as text, such as "7" — taken as the numbers/],
    ['an image_id that is no id', one({ image_id: [7] }), 'error', /annotation 1: has an array as image_id/],
    ['a missing image_id', without('image_id'), 'error', /annotation 1: has no image_id/],
    [
      'two lists of annotations',
      whole({}).replace(/\}\s*$/, ', "annotations": []}'),
      'error',
      /has "annotations" twice/,
    ],
    ['a missing id', without('id'), 'error', /annotation number 1 of the list: has nothing as id/],
    ['a missing iscrowd', without('iscrowd'), 'warning', /has no iscrowd — taken as 0/],
    ['a missing area', without('area'), 'warning', /has no area — computed/],
    ['a missing box', without('bbox'), 'error', /neither a box nor a mask/],
    ['a box of three numbers', one({ bbox: [1, 2, 3] }), 'error', /bbox has 3 numbers/],
    ['NaN in a box', nan(one({ bbox: [1, 'NaN', 3, 4] })), 'error', /no finite number.*NaN/],
    ['a box without area', one({ bbox: [1, 1, 4, 0] }), 'warning', /4 × 0 pixels/],
    ['a box outside', one({ bbox: [8, 1, 9, 4] }), 'warning', /passes the edge/],
    ['a short part', one({ segmentation: [square, [1, 2, 3, 4]] }), 'warning', /part 2 has 4 numbers/],
    ['an odd part', one({ segmentation: [[...square, 1]] }), 'warning', /part 1 has 9 numbers/],
    ['a flat polygon', one({ segmentation: square }), 'warning', /one flat list/],
    ['NaN in a polygon', nan(one({ segmentation: [[1, 2, 'NaN', 3, 4, 5]] })), 'error', /coordinate.*NaN/],
    ['null in a polygon', one({ segmentation: [[1, 2, null, 3, 4, 5]] }), 'error', /coordinate/],
    ['1e999 in a polygon', one({ segmentation: [square] }).replace('[[1,', '[[1e999,'), 'error', /Infinity/],
    ['a text as segmentation', one({ segmentation: 'x' }), 'error', /segmentation is a string/],
    ['an empty segmentation', one({ segmentation: [] }), 'warning', /empty list/],
    ['short runs', one({ segmentation: { size: [8, 10], counts: [3, 4] } }), 'error', /sum to 7/],
    ['long runs', one({ segmentation: { size: [8, 10], counts: [3, 99] } }), 'error', /sum to 102/],
    ['negative runs', one({ segmentation: { size: [8, 10], counts: [83, -3] } }), 'error', /count 1 is -3/],
    ['runs without size', one({ segmentation: { counts: 'x' } }), 'error', /"size"/],
    ['runs of another size', one({ segmentation: { size: [10, 8], counts: [80] } }), 'error', /8 × 10.*10 × 8/],
    ['a hostile size', one({ segmentation: { size: [1e9, 1e9], counts: [1e18] } }), 'error', /exceeds/],
    ['a foreign letter', one({ segmentation: { size: [8, 10], counts: 'ü' } }), 'error', /character code/],
    ['a negative width', whole({ images: [{ ...image, width: -4 }] }), 'error', /size -4 × 8/],
    ['a category without name', whole({ categories: [{ id: 3 }] }), 'warning', /called "category 3"/],
    ['two categories of one name', whole({ categories: [category, { id: 4, name: 'cat' }] }), 'warning', /name of/],
    ['no categories', JSON.stringify({ images: [], annotations: [] }), 'error', /has no "categories"/],
  ])('%s is reported', (_, text, severity, message) => {
    const { lines, errors } = parse(text);
    expect(lines.some((line) => message.test(line) && line.startsWith('f.json, '))).toBe(true);
    expect(errors > 0).toBe(severity === 'error');
    const path = join(folder, 'one.json');
    writeFileSync(path, text);
    if (severity === 'error') expect(() => loadCoco(path)).toThrow(MaeError);
    else expect(loadCoco(path).warnings.join()).toMatch(message);
  });

  it('computes what is missing', () => {
    const sparse = { id: 1, image_id: 7, category_id: 3, iscrowd: 0, segmentation: [square] };
    const { annotations } = parse(whole({ annotations: [sparse] }));
    expect([...annotations.boxes]).toEqual([1, 1, 4, 4]);
    expect(annotations.areas[0]).toBe(16);
  });

  it.each<[string, string, RegExp]>([
    ['a results file', '[]', /detection results/],
    ['an empty file', '', /ends where a value/],
    ['NaN elsewhere', '{"info": NaN}', /NaN and Infinity are no JSON.*byte \d+.*allow_nan/],
    ['a trailing comma', '{"images": [],}', /"}" where a key/],
    ['a leading zero', '{"a": 01}', /"01" is no number/],
    ['single quotes', "{'a': 1}", /where a key/],
    ['bytes after the end', '{} {}', /end of the file/],
    ['a bad escape', '{"a": "\\x"}', /unknown escape/],
    ['a raw line break', '{"a": "\n"}', /control character 10/],
    ['deep nesting', '{"a":'.repeat(100_000), /nested more than 128/],
    ['deep arrays', `{"a":${'['.repeat(100_000)}`, /nested more than 128/],
    ['a number in place of a record', '{"images": [3]}', /Entry 0 of the image list/],
  ])('%s is refused', (_, text, message) => {
    expect(() => parse(text)).toThrow(message);
  });

  it('refuses bytes that are not UTF-8, a folder and a missing file', () => {
    const bytes = Buffer.concat([Buffer.from('{"info": "'), Buffer.from([0xff]), Buffer.from('"}')]);
    expect(() => parseCoco(memorySource(bytes), 'f', () => undefined)).toThrow(/UTF-8/);
    expect(() => loadCoco(folder)).toThrow(/is a folder/);
    expect(() => loadCoco(join(folder, 'none.json'))).toThrow(/cannot be opened.*none\.json/);
  });
});

describe('values of any kind in any place', () => {
  it('end in annotations or in a MaeError, never in another error', () => {
    const random = createRandom(21);
    const values = [
      null,
      true,
      0,
      -1,
      1.5,
      1e300,
      'x',
      '',
      [],
      [[]],
      {},
      [1, 2],
      [[1, 2, 3]],
      { size: [1], counts: 'a' },
    ];
    const runs = { size: [8, 10], counts: [33, 14, 33] };
    const document = {
      images: [image, { ...image, id: 8 }],
      categories: [category],
      annotations: [
        { ...annotation, segmentation: [square] },
        { ...annotation, id: 2, segmentation: runs },
      ],
    };
    type Mutable = Record<string | number, unknown>;
    let accepted = 0;
    for (let trial = 0; trial < 4000; trial++) {
      let at = structuredClone(document) as unknown as Mutable;
      const root = at;
      for (let depth = random.integer(6); ; depth--) {
        const keys = Object.keys(at);
        const key = keys[random.integer(keys.length)];
        if (key === undefined) break;
        const next = at[key];
        if (depth <= 0 || typeof next !== 'object' || next === null) {
          at[key] = values[random.integer(values.length)];
          break;
        }
        at = next as Mutable;
      }
      try {
        const { annotations } = parse(JSON.stringify(root));
        for (let index = 0; index < annotations.size; index++) {
          if (annotations.imageIndexes[index]! >= 0) annotationMask(annotations, index);
        }
        accepted++;
      } catch (error) {
        expect(error).toBeInstanceOf(MaeError);
      }
    }
    expect(accepted).toBeGreaterThan(1000);
  });
});

describe('the JSON reader', () => {
  function readAny(reader: JsonReader): unknown {
    switch (reader.kind()) {
      case 'number':
        return reader.readNumber();
      case 'string':
        return reader.readString();
      case 'literal':
        return reader.readLiteral();
      case 'array': {
        const list: unknown[] = [];
        reader.readArray(() => list.push(readAny(reader)));
        return list;
      }
      case 'object': {
        const entries: Array<[string, unknown]> = [];
        reader.readObject((key) => entries.push([key, readAny(reader)]));
        return Object.fromEntries(entries);
      }
    }
  }
  const read = (text: string, chunkSize?: number): unknown => {
    const reader = new JsonReader(memorySource(text, chunkSize), 'f');
    const value = readAny(reader);
    reader.finish();
    return value;
  };

  it.each([
    '[0, -0, 1.5, -2.25e3, 1E+2, 473.07, 123456789012345, 1234567890123456789, 0.1, 1e-7, 5e-324]',
    '[0.30000000000000004, 9007199254740993, 1.7976931348623157e308, 123456.789012345678]',
    '{"a": {"b": [true, false, null]}, "": "\\u00e9\\ud83d\\ude00\\n\\/", "__proto__": 1}',
    ' \t\r\n"plain" ',
    '"größe 😀"',
  ])('agrees with JSON.parse on %s', (text) => {
    for (const size of [1, 2, 5, 1000]) expect(read(text, size)).toEqual(JSON.parse(text));
  });

  it('agrees with JSON.parse on thousands of damaged texts', () => {
    const random = createRandom(11);
    const base = '{"a":[1,-2.5e1,"x\\u0041",{"b":null,"c":[]}],"d":true,"e":"ü"}';
    const alphabet = '{}[]",:\\ 0123456789.eE+-truefalsn\u0000\nü';
    for (let trial = 0; trial < 20_000; trial++) {
      let text = base;
      for (let edit = random.integer(3); edit >= 0; edit--) {
        const at = random.integer(text.length);
        text = text.slice(0, at) + alphabet[random.integer(alphabet.length)]! + text.slice(at + random.integer(3));
      }
      let expected: unknown;
      try {
        expected = JSON.parse(text);
      } catch {
        expect(() => read(text, 1 + random.integer(9))).toThrow(MaeError);
        continue;
      }
      expect(read(text, 1 + random.integer(9))).toEqual(expected);
    }
  });

  it('gives raw values back as written', () => {
    const reader = new JsonReader(memorySource('[ {"a" : [1, "]"]} , 2.50]', 3), 'f');
    const raws: string[] = [];
    reader.readArray(() => raws.push(Buffer.from(reader.readRaw()).toString()));
    expect(raws).toEqual(['{"a" : [1, "]"]}', '2.50']);
  });
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { annotationPolygons } from '#core/data/coco/annotations.js';
import { checkData } from '#core/data/tools/check-data.js';

import { cocoDataset } from '#core/data/readers/coco-instances.js';
import { convertPascalVoc } from '#core/data/tools/convert/pascal-voc.js';
import { parseXmlElements } from '#core/data/tools/convert/xml-elements.js';
import { convertYolo } from '#core/data/tools/convert/yolo.js';

const folder = mkdtempSync(join(tmpdir(), 'mae-convert-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
function put(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}
let picture: Buffer;
beforeAll(async () => {
  picture = await sharp({ create: { width: 40, height: 20, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
});

describe('YOLO', () => {
  it('becomes a COCO data set in place', async () => {
    put('yolo/data.yaml', 'train: images/train\nnames:\n  0: cat\n  1: dog\n');
    put('yolo/images/train/a.png', picture);
    put('yolo/labels/train/a.txt', '1 0.5 0.5 0.5 0.4\n0 0.1 0.1 0.6 0.1 0.6 0.9\n');
    put('yolo/images/val/b.png', picture);
    put('yolo/images/val/broken.png', 'x');
    const path = join(folder, 'yolo');
    const result = await convertYolo(path);
    expect(result).toMatchObject({ images: 2, annotations: 2, classNames: ['cat', 'dog'] });
    expect(result.warnings.join()).toMatch(/broken\.png: left out/);
    const { annotations, classNames } = cocoDataset(path, { split: 'train' });
    expect(classNames).toEqual(['cat', 'dog']);
    expect([...annotations.boxes.subarray(0, 4)]).toEqual([10, 6, 20, 8]);
    expect([...annotationPolygons(annotations, 1)[0]!]).toEqual([4, 2, 24, 2, 24, 18]);
    expect(annotations.areas[1]).toBe(160);
    expect((await checkData(path, { format: 'coco' })).reports[0]!.counts).toEqual({ 'picture-not-listed': 1 });
  });

  it.each([
    ['2 0.5 0.5 0.1 0.1', /line 1 has class 2.*a\.txt/],
    ['0 0.5 0.5 0.1', /line 1 is no class with/],
    ['\n0 20 10 30 5', /line 2 has values beyond.*pixels/],
  ])('%j is refused by file and line', async (line, message) => {
    put('bad/classes.txt', 'cat\ndog\n');
    put('bad/images/a.png', picture);
    put('bad/labels/a.txt', line);
    await expect(convertYolo(join(folder, 'bad'))).rejects.toThrow(message);
  });

  it('refuses folders of another kind', async () => {
    await expect(convertYolo(join(folder, 'none'))).rejects.toThrow(/no such folder/);
    put('nameless/images/a.png', picture);
    await expect(convertYolo(join(folder, 'nameless'))).rejects.toThrow(/names of the classes/);
    put('names/classes.txt', 'cat');
    await expect(convertYolo(join(folder, 'names'))).rejects.toThrow(/labels/);
  });
});

const voc = (object: string, fileName = 'a.png'): string => `<?xml version="1.0"?>
<annotation><!-- made by hand --><filename>${fileName}</filename>
<size><width>40</width><height>20</height><depth>3</depth></size>${object}</annotation>`;
const object = (name: string, difficult = 0): string =>
  `<object><name>${name}</name><difficult>${difficult}</difficult><bndbox><xmin>1</xmin><ymin>3</ymin>` +
  `<xmax>10</xmax><ymax>20</ymax></bndbox><part><name>head</name></part></object>`;

describe('Pascal VOC', () => {
  it('becomes a COCO data set in place', async () => {
    put('voc/JPEGImages/a.png', picture);
    put('voc/JPEGImages/b.png', picture);
    put('voc/Annotations/a.xml', voc(object('dog &amp; co') + object('cat', 1)));
    put('voc/Annotations/b.xml', voc('', 'b.png'));
    put('voc/ImageSets/Main/train.txt', 'a\nmissing\n');
    put('voc/ImageSets/Main/val.txt', 'b  1\n');
    const path = join(folder, 'voc');
    const result = await convertPascalVoc(path);
    expect(result).toMatchObject({ images: 2, annotations: 2, classNames: ['cat', 'dog & co'] });
    expect(result.warnings.join()).toMatch(/missing has no usable annotation/);
    const { annotations } = cocoDataset(path, { images: 'JPEGImages' });
    expect([...annotations.boxes.subarray(0, 4)]).toEqual([0, 2, 10, 18]);
    expect([...annotations.categoryIndexes]).toEqual([1, 0]);
    expect([...annotations.crowds]).toEqual([0, 1]);
    const kept = await convertPascalVoc(path, { difficult: 'drop', out: join(folder, 'other') });
    expect(kept.annotations).toBe(1);
  });

  it.each([
    ['<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', /document type/],
    ['<a><b></a></b>', /<\/a> closes <b>/],
    ['<a>', /<a> is not closed/],
    ['no xml', /not exactly one root/],
    ['<a/><b/>', /not exactly one root/],
    ['<a> 1 < 2 </a>', /begins no element/],
    ['<a>'.repeat(1000), /nested more than/],
  ])('refuses %s', (text, message) => {
    expect(() => parseXmlElements(text, 'f.xml')).toThrow(message);
  });

  it('refuses paths out of the folder, and boxes that are no numbers', async () => {
    put('evil/Annotations/a.xml', voc('', '../../secret.png'));
    await expect(convertPascalVoc(join(folder, 'evil'))).rejects.toMatchObject({ code: 'PATH_ESCAPES' });
    put('odd/JPEGImages/a.png', picture);
    put('odd/Annotations/a.xml', voc(object('cat').replace('<xmin>1<', '<xmin>one<')));
    await expect(convertPascalVoc(join(folder, 'odd'))).rejects.toThrow(/xmin \(=one\) in bndbox.*a\.xml/);
    await expect(convertPascalVoc(join(folder, 'none'))).rejects.toThrow(/no such folder/);
    await expect(convertPascalVoc(join(folder, 'nameless'))).rejects.toThrow(/no folder Annotations/);
  });

  it('parses long text without stalling', () => {
    const text = `<a>${'&amp;<b>x</b>'.repeat(50_000)}</a>`;
    expect(parseXmlElements(text, 'f.xml').children).toHaveLength(50_000);
    expect(() => parseXmlElements(`<a>${'<!--'.repeat(20_000)}`, 'f.xml')).toThrow();
  });
});

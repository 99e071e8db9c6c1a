import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convertPascalVoc, type PascalVocOptions } from '#core/data/tools/convert/pascal-voc.js';
import { convertYolo } from '#core/data/tools/convert/yolo.js';
import { parseXmlElements } from '#core/data/tools/convert/xml-elements.js';

const folder = mkdtempSync(join(tmpdir(), 'mae-faults-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
/** 40 × 20. */
let picture: Buffer;
beforeAll(async () => {
  picture = await sharp({ create: { width: 40, height: 20, channels: 3, background: 'teal' } })
    .jpeg()
    .toBuffer();
});

let numFolders = 0;
/** A data set of these files; pictures are those with a picture's ending. */
function write(files: Readonly<Record<string, string | Uint8Array>>): string {
  const root = join(folder, String(numFolders++));
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), /\.jpe?g$/iu.test(file) ? picture : content);
  }
  return root;
}

interface Written {
  readonly categories: ReadonlyArray<{ readonly id: number; readonly name: string }>;
  readonly images: ReadonlyArray<{ readonly id: number; readonly file_name: string }>;
  readonly annotations: ReadonlyArray<{
    readonly image_id: number;
    readonly category_id: number;
    readonly bbox: readonly number[];
    readonly iscrowd: number;
    readonly segmentation?: unknown;
  }>;
}

function readWritten([file]: readonly string[]): Written {
  return JSON.parse(readFileSync(file!, 'utf8')) as Written;
}

/** The boxes by picture. */
function boxesOf({ images, annotations }: Written): Record<string, ReadonlyArray<readonly number[]>> {
  return Object.fromEntries(
    images.map(({ id, file_name }) => [
      file_name,
      annotations.filter(({ image_id }) => image_id === id).map(({ bbox }) => bbox),
    ]),
  );
}

async function yolo(dataYaml: string, labels: string | Uint8Array) {
  const root = write({ 'data.yaml': dataYaml, 'images/a.jpg': '', 'labels/a.txt': labels });
  const { files, warnings } = await convertYolo(root);
  return { ...readWritten(files), warnings: warnings.join('\n') };
}

const box = '0 0.5 0.5 0.5 0.4';
const BOX = [10, 6, 20, 8];

describe("YOLO's names", () => {
  it.each([
    ['a list of numbers', 'names: [1, 2.50, 007]', { 1: '1', 2: '2.50', 3: '007' }],
    ['a map of numbers in quotes', 'names:\n  "0": "1"\n  "1": 2', { 1: '1', 2: '2' }],
    [
      'words that YAML takes for others',
      'names: [yes, true, ~x, 1e3, 0x1F]',
      {
        1: 'yes',
        2: 'true',
        3: '~x',
        4: '1e3',
        5: '0x1F',
      },
    ],
    ['a map with a gap', 'names: {0: cat, 2: dog}', { 1: 'cat', 3: 'dog' }],
    ['an alias', 'all: &all [cat, dog]\nnames: *all', { 1: 'cat', 2: 'dog' }],
  ])('%s', async (_, names, expected) => {
    const { categories } = await yolo(names, box);
    expect(Object.fromEntries(categories.map(({ id, name }) => [id, name]))).toEqual(expected);
  });

  it('says which classes have no name, and refuses labels of them', async () => {
    expect((await yolo('names: {0: cat, 2: dog}', box)).warnings).toMatch(/1 classes have no name.*\(1\)/);
    await expect(yolo('names: {0: cat, 2: dog}', `${box}\n1 0.5 0.5 0.1 0.1`)).rejects.toThrow(
      /line 2 has class 1, but no class of that number has a name.*a\.txt/,
    );
  });

  it('keeps two classes of one name, and says so', async () => {
    expect((await yolo('names: [cat, cat]', box)).warnings).toMatch(/classes 0 and 1 are both called cat/);
  });

  it.each([
    ['names: 80', /`names` \(=80\) is no list of names.*data\.yaml, line 1/],
    ['nc: 3\nnames: [cat, dog]', /`nc` \(=3\) contradicts `names`, which has 2.*line 1/],
    ['nc: 2', /no names of classes/],
    ['names:', /`names` \(=nothing\) is no list/],
    ['names:\n  - cat\n  -\n', /class 1 has no name.*line/],
    ['names:\n  - cat\n  - {id: 1}\n', /name of class 1 is no text.*line 3/],
    ['names:\n  zero: cat\n', /class \(=zero\) is no whole number.*line 2/],
    ['names:\n  0: cat\n  0: dog\n', /class 0 is named twice.*line 3/],
    ['names: [cat]\nnames: [dog]', /`names` twice.*line 2/],
    ['names: [cat\nx: [', /cannot be read.*line \d/],
    ['- cat', /no map of settings/],
    ['names: [cat]\nkpt_shape: 17', /kpt_shape.*line 2/],
    ['names: pets.names', /no file of that name/],
  ])('%j is refused by file and line', async (yaml, message) => {
    const thrown: unknown = await yolo(yaml, box).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ name: 'MaeError', code: 'DATA_INVALID' });
    expect((thrown as Error).message).toMatch(message);
    expect((thrown as Error).message).not.toMatch(/undefined|\[object|NaN|\n/);
  });

  it('refuses lists in lists without end in a sentence', async () => {
    await expect(yolo(`names: ${'['.repeat(20_000)}`, box)).rejects.toThrow(/cannot be read.*data\.yaml, line/);
  });

  it('refuses more names than any reader takes, at once', async () => {
    const many = Array.from({ length: 300_000 }, (_, index) => `class ${index}`);
    await expect(yolo(`names:\n${many.map((name) => `  - ${name}\n`).join('')}`, box)).rejects.toThrow(
      /some 30000\d names of classes, and at most 20000/,
    );
    const root = write({ 'classes.txt': many.join('\n'), 'a.jpg': '', 'a.txt': box });
    await expect(convertYolo(root)).rejects.toThrow(/some 300000 names/);
  });

  it('refuses lists that contradict each other, and empty lines between names', async () => {
    const two = { 'a/classes.txt': 'cat', 'a/a.jpg': '', 'a/a.txt': box, 'b/classes.txt': 'dog', 'b/b.jpg': '' };
    await expect(convertYolo(write(two))).rejects.toThrow(/other classes than/);
    await expect(convertYolo(write({ 'classes.txt': 'cat\n\ndog\n', 'a.jpg': '', 'a.txt': box }))).rejects.toThrow(
      /class 1 has no name.*classes\.txt, line 2/,
    );
  });
});

describe("YOLO's labels", () => {
  const pose = `${box} 0.4 0.4 2 0.6 0.6 0 0.5 0.5 1`;

  it('with keypoints become boxes, with a word', async () => {
    const { annotations, warnings } = await yolo('names: [cat]\nkpt_shape: [3, 3]', `${pose}\n${box}1\n`);
    expect(annotations.map(({ bbox }) => bbox)).toHaveLength(2);
    expect(annotations[0]).toMatchObject({ bbox: BOX });
    expect(annotations[0]).not.toHaveProperty('segmentation');
    expect(warnings).toMatch(/keypoints of 1 objects are left out/);
  });

  it('with keypoints that nobody speaks of are no outlines', async () => {
    await expect(yolo('names: [cat]', pose)).rejects.toThrow(/13 numbers are no pairs.*kpt_shape/);
    await expect(yolo('names: [cat]', `${pose} 0.5 0.5 1`)).rejects.toThrow(
      /values beyond the picture \(2\).*kpt_shape/,
    );
    const flat = (shift: number): string => `0 0.5 0.5 0.4 0.4 0.4 0.${4 + shift} 0.6 0.6 0.5 0.5\n`;
    await expect(yolo('names: [cat]', flat(0) + flat(1))).rejects.toThrow(/box with points inside it.*kpt_shape/);
  });

  it('with a confidence are taken for labels, with a word', async () => {
    const { annotations, warnings } = await yolo('names: [cat]', `${box} 0.93`);
    expect(annotations[0]).toMatchObject({ bbox: BOX });
    expect(warnings).toMatch(/1 label lines end with a confidence/);
  });

  it('of turned boxes become outlines of four corners', async () => {
    const { annotations, warnings } = await yolo('names: [cat]', '0 0.5 0.1 0.9 0.5 0.5 0.9 0.1 0.5');
    expect(annotations[0]).toMatchObject({ bbox: [4, 2, 32, 16], segmentation: [[20, 2, 36, 10, 20, 18, 4, 10]] });
    expect(warnings).toMatch(/turned boxes/);
  });

  it('at the edge are cut there; what says the same, or has no area, is left out', async () => {
    const lines = ['0 0.9 0.5 0.4 0.4', box, ` ${box}  `, '0 0.5 0.5 0 0.4', '0 1.000001 0.5 0.2 0.2'];
    const { annotations, warnings } = await yolo('names: [cat]', lines.join('\r\n'));
    expect(annotations.map(({ bbox }) => bbox.map((side) => Number(side.toFixed(3))))).toEqual([
      [28, 6, 12, 8],
      BOX,
      [36, 8, 4, 4],
    ]);
    expect(warnings).toMatch(/a\.txt, line 1: the box passes the edge/);
    expect(warnings).toMatch(/a\.txt, line 3: says the same/);
    expect(warnings).toMatch(/a\.txt, line 4: the object has no area/);
  });

  it('are read whatever they were saved as', async () => {
    const utf16 = new Uint8Array([0xff, 0xfe, ...new Uint8Array(Buffer.from(box, 'utf16le'))]);
    expect((await yolo('names: [cat]', utf16)).annotations).toHaveLength(1);
    expect((await yolo('names: [cat]', `\ufeff${box}`)).annotations).toHaveLength(1);
    await expect(yolo('names: [cat]', new Uint8Array([0x30, 0x0a, 0xff, 0x20]))).rejects.toThrow(
      /no text in utf-8.*a\.txt, line 2/,
    );
  });

  it.each([
    ['0 1.02 0.5 0.1 0.1', /line 1 has values beyond the picture \(1\.02\)/],
    ['0 0.5 -0.2 0.1 0.1', /line 1 has values beyond the picture \(-0\.2\)/],
    ['0 0.5 0.5 -0.1 0.1', /line 1 has values beyond the picture \(-0\.1\)/],
    ['0 0.1 0.1 0.5 0.5 0.1 0.5 0.3', /line 1 is no class.*7 numbers are no pairs/],
    ['0 0.5 0.5 0.1 0.1 3', /line 1 is no class/],
    [`${box}\n1 0.5 0.5 0.1 0.1`, /line 2 has class 1, but there are 1 classes \(0 to 0\)/],
    ['-1 0.5 0.5 0.1 0.1', /line 1 has class -1/],
    ['0.5 0.5 0.5 0.1 0.1', /line 1 has class 0\.5/],
    ['cat 0.5 0.5 0.1 0.1', /cat is no number/],
    ['0 0,5 0,5 0,1 0,1', /0,5 is no number/],
    ['0 nan 0.5 0.1 0.1', /nan is no number/],
    ['0 0x1 0.5 0.1 0.1', /0x1 is no number/],
    ['0 1e999 0.5 0.1 0.1', /values beyond/],
  ])('%j is refused by file and line', async (labels, message) => {
    const thrown = (await yolo('names: [cat]', labels).catch((error: unknown) => error)) as Error;
    expect(thrown).toMatchObject({ code: 'DATA_INVALID' });
    expect(thrown.message).toMatch(message);
    expect(thrown.message).toMatch(/labels\/a\.txt/);
  });

  it('belong to the picture that is called as they are, where case tells two apart', async () => {
    const files = { 'classes.txt': 'cat', 'a.jpg': '', 'A.JPG': '', 'a.txt': box, 'B.JPG': '', 'b.TXT': box };
    const { files: written } = await convertYolo(write(files));
    expect(boxesOf(readWritten(written))).toEqual({ 'A.JPG': [], 'B.JPG': [BOX], 'a.jpg': [BOX] });
  });

  it('without a picture are named, and pictures of no split', async () => {
    const root = write({
      'classes.txt': 'cat',
      'images/train/a.jpg': '',
      'labels/train/a.txt': box,
      'labels/train/lost.txt': box,
      'images/b.jpg': '',
    });
    const { warnings } = await convertYolo(root);
    expect(warnings.join('\n')).toMatch(/1 label files have no picture.*lost\.txt/);
    expect(warnings.join('\n')).toMatch(/1 pictures lie in no folder of a split.*images\/b\.jpg/);
  });

  it('of pictures in two splits stay in one', async () => {
    const files = { 'images/train/a.jpg': '', 'labels/train/a.txt': box, 'images/train/b.jpg': '' };
    const lists = { 'train.txt': 'images/train/a.jpg\nimages/train/b.jpg\n', 'val.txt': 'images/train/b.jpg\n' };
    const yaml = { 'data.yaml': 'names: [cat]\ntrain: train.txt\nval: val.txt\n' };
    const { files: written, warnings } = await convertYolo(write({ ...files, ...lists, ...yaml }));
    expect(warnings.join()).toMatch(/1 pictures are in train and in val.*kept in val alone/);
    expect(Object.keys(boxesOf(readWritten(written)))).toEqual(['images/train/a.jpg']);
  });

  it('lead out of the folder by no path', async () => {
    const root = write({ 'in/images/train/a.jpg': '', 'in/labels/train/a.txt': box, 'secret/images/b.jpg': '' });
    writeFileSync(join(root, 'in/data.yaml'), 'names: [cat]\ntrain: images/train\nval: ../secret/images\n');
    const { files, warnings } = await convertYolo(join(root, 'in'));
    expect(files).toHaveLength(1);
    expect(warnings.join()).toMatch(/data\.yaml, line 3: \.\.\/secret\/images is not in/);
  });
});

const xml = (
  fileName: string | undefined,
  boxes: ReadonlyArray<readonly unknown[]> = [[1, 3, 10, 20]],
  extra = '',
): string =>
  `<annotation>\n${fileName === undefined ? '' : `<filename>${fileName}</filename>\n`}` +
  '<size><width>40</width><height>20</height><depth>3</depth></size>\n' +
  boxes
    .map(
      ([x0, y0, x1, y1]) =>
        `<object><name>cat</name>${extra}<bndbox><xmin>${String(x0)}</xmin><ymin>${String(y0)}</ymin>` +
        `<xmax>${String(x1)}</xmax><ymax>${String(y1)}</ymax></bndbox></object>\n`,
    )
    .join('') +
  '</annotation>';
const VOC_BOX = [0, 2, 10, 18];

async function voc(files: Readonly<Record<string, string | Uint8Array>>, options?: PascalVocOptions) {
  const { files: written, warnings } = await convertPascalVoc(write(files), options);
  return { ...readWritten(written), boxes: boxesOf(readWritten(written)), warnings: warnings.join('\n') };
}

describe("Pascal VOC's pictures", () => {
  it.each([
    ['an old name', 'IMG_4411.jpg'],
    ['no ending', 'a'],
    ['another ending', 'a.png'],
    ['another case', 'A.JPG'],
    ['a path of another machine', 'C:\\Users\\me\\a.jpg'],
    ['an absolute path', '/home/me/old.jpg'],
    ['an address', 'https://example.org/img/a.jpg?x=1'],
    ['a folder', './JPEGImages/a.jpg'],
    ['nothing', ''],
  ])('are found by %s', async (_, fileName) => {
    const { boxes, warnings } = await voc({ 'Annotations/a.xml': xml(fileName), 'JPEGImages/a.jpg': '' });
    expect([boxes, warnings]).toEqual([{ 'JPEGImages/a.jpg': [VOC_BOX] }, '']);
  });

  it('are each their own where two files name one', async () => {
    const { boxes, warnings } = await voc({
      'Annotations/0.xml': xml('0.jpg'),
      'Annotations/1.xml': xml('0.jpg', [[11, 3, 20, 20]]),
      'Annotations/2.xml': xml('0.jpg'),
      'JPEGImages/0.jpg': '',
      'JPEGImages/1.jpg': '',
    });
    expect(boxes).toEqual({ 'JPEGImages/0.jpg': [VOC_BOX], 'JPEGImages/1.jpg': [[10, 2, 10, 18]] });
    expect(warnings).toMatch(
      /1\.xml, line 2: names the picture JPEGImages\/0\.jpg, and so does .*0\.xml; .* go to JPEGImages\/1\.jpg/,
    );
    expect(warnings).toMatch(/2\.xml, line 2: names the picture .*left out, there is no picture of its own name/);
  });

  it('give way in a row', async () => {
    const { boxes } = await voc({
      'Annotations/a.xml': xml('b.jpg', [[1, 3, 10, 20]]),
      'Annotations/b.xml': xml('c.jpg', [[2, 3, 10, 20]]),
      'Annotations/c.xml': xml('gone.jpg', [[3, 3, 10, 20]]),
      'JPEGImages/a.jpg': '',
      'JPEGImages/b.jpg': '',
      'JPEGImages/c.jpg': '',
    });
    expect(Object.values(boxes).map(([each]) => each![0])).toEqual([0, 1, 2]);
  });

  it('that are missing, without XML or in no list are counted', async () => {
    const { warnings } = await voc({
      'Annotations/a.xml': xml('a.jpg'),
      'Annotations/b.xml': xml('b.jpg'),
      'Annotations/c.xml': xml('c.jpg'),
      'JPEGImages/a.jpg': '',
      'JPEGImages/c.jpg': '',
      'JPEGImages/d.jpg': '',
      'ImageSets/Main/train.txt': 'a\nb\n',
    });
    expect(warnings).toMatch(/b\.xml, line 2: left out, there is no picture b\.jpg/);
    expect(warnings).toMatch(/1 pictures have no XML file.*d\.jpg/);
    expect(warnings).toMatch(/train\.txt, line 2: b has no usable annotation/);
    expect(warnings).toMatch(/1 XML files are in no list.*c\.xml/);
  });

  it('that may be either of two are an error', async () => {
    const two = { 'Annotations/a.xml': xml('old.bmp'), 'JPEGImages/a.jpg': '', 'JPEGImages/a.jpeg': '' };
    await expect(voc(two)).rejects.toThrow(/may be about any of the pictures.*a\.xml, line 2/);
  });

  it('listed for training and for validation are held out', async () => {
    const { boxes, warnings } = await voc({
      'Annotations/a.xml': xml('a.jpg'),
      'Annotations/b.xml': xml('b.jpg'),
      'JPEGImages/a.jpg': '',
      'JPEGImages/b.jpg': '',
      'ImageSets/Main/train.txt': 'a\nb\n',
      'ImageSets/Main/val.txt': 'b\n',
    });
    expect(Object.keys(boxes)).toEqual(['JPEGImages/a.jpg']);
    expect(warnings).toMatch(/b\.xml: is listed for train and for val; kept in val alone/);
  });
});

describe("Pascal VOC's boxes", () => {
  const one = (boxes: ReadonlyArray<readonly unknown[]>, extra?: string, options?: PascalVocOptions) =>
    voc({ 'Annotations/a.xml': xml('a.jpg', boxes, extra), 'JPEGImages/a.jpg': '' }, options);

  it.each([
    ['counted from 1', [[1, 1, 40, 20]], [[0, 0, 40, 20]], ''],
    ['fractions', [[1.5, 3.25, 10.5, 20]], [[0.5, 2.25, 10, 17.75]], ''],
    ['counted from 0', [[0, 0, 40, 20]], [[0, 0, 40, 20]], 'counted from 0'],
    ['reversed', [[10, 20, 1, 3]], [VOC_BOX], 'are reversed'],
    ['past the edge', [[31, 3, 60, 20]], [[30, 2, 10, 18]], 'passes the edge'],
    [
      'outside',
      [
        [1, 3, 10, 20],
        [50, 3, 60, 20],
      ],
      [VOC_BOX],
      'lies outside the picture',
    ],
    [
      'without area',
      [
        [0, 3, 10, 20],
        [5, 5, 5, 9],
      ],
      [[0, 3, 10, 17]],
      'has no area',
    ],
  ] as const)('%s', async (_, boxes, expected, warning) => {
    const { boxes: found, warnings } = await one(boxes);
    expect(found['JPEGImages/a.jpg']).toEqual(expected);
    expect(warnings).toContain(warning);
    if (warning === '') expect(warnings).toBe('');
    else expect(warnings).toMatch(/a\.xml, line \d/);
  });

  it('are counted from what is said', async () => {
    const { boxes } = await one([[1, 1, 40, 20]], '', { firstPixel: 0 });
    expect(boxes['JPEGImages/a.jpg']).toEqual([[1, 1, 39, 19]]);
  });

  it('marked difficult are crowds, however it is written', async () => {
    for (const text of ['1', ' 1 ', 'true']) {
      const { annotations } = await one([[1, 3, 10, 20]], `<difficult>${text}</difficult><truncated>1</truncated>`);
      expect(annotations[0]).toMatchObject({ iscrowd: 1 });
    }
    expect((await one([[1, 3, 10, 20]], '<difficult>0</difficult>')).annotations[0]).toMatchObject({ iscrowd: 0 });
  });

  it.each([
    [xml('a.jpg', [['one', 3, 10, 20]]), /xmin \(=one\) in bndbox is no number.*line 4/],
    [xml('a.jpg', [['', 3, 10, 20]]), /xmin \(=\) in bndbox is no number/],
    [xml('a.jpg', [['0x1', 3, 10, 20]]), /xmin \(=0x1\)/],
    [xml('a.jpg').replace('<xmin>1</xmin>', ''), /bndbox has no xmin.*line 4/],
    [xml('a.jpg').replace('<name>cat</name>', ''), /an object has no name.*line 4/],
    [xml('a.jpg').replaceAll('bndbox', 'robndbox'), /turned box \(robndbox\).*line 4/],
    ['<annotation>\n<filename>a.jpg</filename>\n<object>\n</annotation>', /<\/annotation> closes <object>.*line 4/],
    ['<annotation>\n<object><name>cats & dogs</name></object></annotation>', /"&" begins no known entity.*line 2/],
    ['<!DOCTYPE annotation>\n<annotation/>', /document type/],
  ])('%j is refused by file and line', async (text, message) => {
    const thrown: unknown = await voc({ 'Annotations/a.xml': text, 'JPEGImages/a.jpg': '' }).catch(
      (error: unknown) => error,
    );
    expect(thrown).toMatchObject({ name: 'MaeError', code: 'DATA_INVALID' });
    expect((thrown as Error).message).toMatch(message);
    expect((thrown as Error).message).toMatch(/a\.xml, line \d+/);
  });
});

describe("Pascal VOC's XML", () => {
  const names = async (content: string | Uint8Array): Promise<readonly string[]> =>
    (await voc({ 'Annotations/a.xml': content, 'JPEGImages/a.jpg': '' })).categories.map(({ name }) => name);
  const named = (name: string): string => xml('a.jpg').replace('cat', name);

  it('is read whatever it was saved as', async () => {
    const utf16 = Buffer.from(`<?xml version="1.0" encoding="utf-16"?>${named('Bär')}`, 'utf16le');
    expect(await names(new Uint8Array([0xff, 0xfe, ...utf16]))).toEqual(['Bär']);
    expect(await names(new Uint8Array([0xfe, 0xff, ...Buffer.from(utf16).swap16()]))).toEqual(['Bär']);
    expect(await names(new Uint8Array(utf16))).toEqual(['Bär']);
    const latin = `<?xml version="1.0" encoding="ISO-8859-1"?>${named('Bär')}`;
    expect(await names(new Uint8Array(Buffer.from(latin, 'latin1')))).toEqual(['Bär']);
    expect(await names(`\ufeff<?xml version="1.0" encoding="utf-8"?>${named('Bär')}`)).toEqual(['Bär']);
    expect(await names(`<?xml version="1.0" encoding="utf-16"?>${named('Bär')}`)).toEqual(['Bär']);
    expect(await names(`\n\n<?xml version="1.0"?>${named('熊')}`)).toEqual(['熊']);
  });

  it('is refused in a sentence where its encoding is unknown or wrong', async () => {
    await expect(names('<?xml version="1.0" encoding="klingon"?><annotation/>')).rejects.toThrow(
      /encoding \(=klingon\)/,
    );
    const wrong = new Uint8Array(Buffer.from(`<annotation>\n<filename>Bär.jpg</filename></annotation>`, 'latin1'));
    await expect(names(wrong)).rejects.toThrow(/no text in utf-8.*a\.xml, line 2/);
  });

  it('has entities, sections and attributes', async () => {
    expect(await names(named('a &amp; b &#x41;&#66; &lt;&quot;&apos;'))).toEqual(['a & b AB <"\'']);
    expect(await names(named('<![CDATA[a <b> & c]]>'))).toEqual(['a <b> & c']);
    expect(await names(xml('a.jpg').replace('<name>', '<name lang="a>b" x=\'<!-- \'>'.replace('<!-- ', '')))).toEqual([
      'cat',
    ]);
  });

  it('of another kind is left out, and of no kind refused', async () => {
    const { warnings } = await voc({
      'Annotations/a.xml': xml('a.jpg'),
      'cvat.xml': '<annotations/>',
      'JPEGImages/a.jpg': '',
    });
    expect(warnings).toMatch(/cvat\.xml, line 1: left out, it is <annotations>/);
    await expect(voc({ 'cvat.xml': '<annotations/>', 'a.jpg': '' })).rejects.toThrow(/no folder Annotations/);
  });

  it('takes time by its length alone', () => {
    const count = 40_000;
    for (const text of [
      `<a>${'&amp;<b>x</b>'.repeat(count)}</a>`,
      `<a>${'<!--'.repeat(count)}`,
      `<a>${'<![CDATA['.repeat(count)}`,
      `<a ${'x '.repeat(count)}`,
      `<a>${'&'.repeat(count)}`,
      `<a ${'"'.repeat(count)}`,
      '<a>'.repeat(count),
      `<a>${'</b>'.repeat(count)}`,
    ]) {
      try {
        parseXmlElements(text, 'f.xml');
      } catch (error) {
        expect(error).toMatchObject({ code: 'DATA_INVALID' });
      }
    }
  }, 5000);
});

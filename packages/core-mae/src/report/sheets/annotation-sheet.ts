import { basename } from 'node:path';
import sharp from 'sharp';
import type { Dataset } from '../../contracts/dataset.js';
import type { Random } from '../../contracts/random.js';
import { classColor } from '../../data/images/class-colors.js';
import { decodeRle } from '../../data/masks/rle.js';
import { decodeMask, type InstanceAnnotations, isInstances } from '../../data/targets/instance-target.js';
import type { LabelMap } from '../../data/targets/label-map.js';
import { loadSemanticTarget, type SemanticSource } from '../../data/targets/semantic-target.js';
import { decodeImage, type DecodeOptions } from '../../data/images/image.js';
import type { Image } from '../../data/images/picture.js';
import { legendRows, overlay, type ShownClasses } from './label-overlay.js';
import { pictureSheetPng, type SheetPicture } from './picture-sheet.js';
import { fitText, outlineText, textWidth } from '../charts/svg-text.js';

export interface AnnotationSheetOptions {
  /** Pictures on the sheet. Default 12. */
  readonly count?: number;
  /** Default 4. */
  readonly columns?: number;
  /** Chooses the pictures; without it, the first with objects are shown. */
  readonly random?: Random;
  /** Longer side of a picture on the sheet, in pixels. Default 320. */
  readonly side?: number;
  /** Whether names of classes are written. Default true; without, crowded pictures stay visible. */
  readonly labels?: boolean;
  /** How pictures are read. */
  readonly decode?: DecodeOptions;
}

/** An object to be drawn, however it was found. */
export interface DrawnObject {
  /** `[x, y, width, height]` in absolute pixels. */
  readonly box: readonly [number, number, number, number];
  readonly classIndex: number;
  /** Written above the box; nothing where it is empty. */
  readonly label: string;
  /** Row-major `[H, W]`, 0 and 1. */
  readonly mask?: Uint8Array;
  /** Drawn with a broken line. Default false. */
  readonly crowd?: boolean;
}

/**
 * A sheet of pictures with what they are labelled with, as a PNG file: classes below them, boxes, masks and class names
 * on them, or the colours of their pixels' classes with a legend.
 *
 * @throws MaeError of a picture or its annotation that cannot be read, naming it
 */
export async function annotationSheetPng(data: Dataset, options: AnnotationSheetOptions = {}): Promise<Buffer> {
  const { count = 12, columns = 4, random, side = 320, labels = true, decode } = options;
  const pictures: SheetPicture[] = [];
  const maps: LabelMap[] = [];
  const shown = shownClasses(data);
  for (const index of choosePictures(data, count, random)) {
    const { id, image, target } = data.item(index);
    const picture = await decodeImage(image, decode);
    if (isInstances(target)) {
      const objects = objectsOf(target, picture, data.classNames ?? []);
      const drawn = objects.map((object) => (labels ? object : { ...object, label: '' }));
      pictures.push({ ...(await drawObjects(picture, drawn, side)), caption: id });
    } else if (typeof target === 'object' && target !== null) {
      const map = loadSemanticTarget(target as SemanticSource, { ...picture, id });
      maps.push(map);
      pictures.push({ ...overlay({ ...picture, pixels: picture.data }, map.labels, shown), caption: id });
    } else {
      const name = typeof target === 'number' && labels ? data.classNames?.[target] : undefined;
      pictures.push({ ...picture, caption: name === undefined ? id : `${name}: ${basename(id)}` });
    }
  }
  const rows = Array.from({ length: Math.ceil(pictures.length / columns) }, (_, row) => ({
    pictures: pictures.slice(row * columns, (row + 1) * columns),
  }));
  const legend = legendRows(
    maps.map((map) => map.labels),
    shown,
    columns,
  );
  const sheet = { title: data.name, rows: [...rows, ...legend] };
  return pictureSheetPng(sheet, { minSide: side, maxSide: side, enlarging: 'smooth' });
}

function shownClasses({ classNames }: Dataset): ShownClasses {
  // Classes without names get colours all the same.
  const names = classNames ?? Array.from({ length: 256 }, (_, value) => `value ${value}`);
  return { classNames: names, background: names[0] === 'background' };
}

function choosePictures({ size, labelling }: Dataset, count: number, random: Random | undefined): number[] {
  if (random !== undefined) {
    return [...random.fork('sheet').permutation(size).subarray(0, count)].sort((a, b) => a - b);
  }
  const all = Array.from({ length: size }, (_, index) => index);
  // Index maps are files that would have to be opened.
  if (labelling === undefined || labelling.unit === 'pixel') return all.slice(0, count);
  const labelled = all.filter((index) => labelling.countsOf(index).size > 0);
  return (labelled.length > 0 ? labelled : all).slice(0, count);
}

function objectsOf(
  { ids, boxes, classes, crowds, masks }: InstanceAnnotations,
  { width, height }: Image,
  classNames: readonly string[],
): DrawnObject[] {
  return Array.from(ids, (_, i) => {
    const [x0, y0, x1, y1] = boxes.subarray(4 * i, 4 * i + 4) as unknown as DrawnObject['box'];
    const mask = masks[i];
    return {
      box: [x0, y0, x1 - x0, y1 - y0],
      classIndex: classes[i]!,
      label: classNames[classes[i]!] ?? `class ${classes[i]!}`,
      crowd: crowds[i] === 1,
      ...(mask === undefined ? {} : { mask: decodeRle(decodeMask(mask, height, width)) }),
    };
  });
}

/** Share of the class's colour in a mask. */
const MASK_OPACITY = 0.45;
const LABEL_SIZE = 12;

/** The picture with objects drawn on it, RGB, its longer side of `side` pixels. */
export async function drawObjects(picture: Image, objects: readonly DrawnObject[], side: number): Promise<Image> {
  const tinted = tintMasks(picture, objects);
  const factor = side / Math.max(picture.width, picture.height);
  const width = Math.max(1, Math.round(picture.width * factor));
  const height = Math.max(1, Math.round(picture.height * factor));
  const lines = objects.map((object) => boxSvg(object, factor, width, height));
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><style>` +
    `.mae-inverse{fill:#fff;font-family:sans-serif}</style>${lines.join('')}</svg>`;
  const { data, info } = await sharp(tinted, { raw: { width: picture.width, height: picture.height, channels: 3 } })
    .resize(width, height, { kernel: 'lanczos3', fit: 'fill' })
    .composite([{ input: Buffer.from(svg) }])
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: 3 };
}

function tintMasks({ data, channels, width, height }: Image, objects: readonly DrawnObject[]): Uint8Array {
  const tinted = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) {
    for (let channel = 0; channel < 3; channel++) {
      tinted[3 * i + channel] = data[channels * i + Math.min(channel, channels - 1)]!;
    }
  }
  for (const { mask, classIndex } of objects) {
    if (mask?.length !== width * height) continue;
    const color = classColor(classIndex);
    for (let i = 0; i < mask.length; i++) {
      if (mask[i] === 0) continue;
      for (let channel = 0; channel < 3; channel++) {
        const at = 3 * i + channel;
        tinted[at] = Math.round(tinted[at]! * (1 - MASK_OPACITY) + color[channel]! * MASK_OPACITY);
      }
    }
  }
  return tinted;
}

function boxSvg({ box, classIndex, label, crowd }: DrawnObject, factor: number, width: number, height: number): string {
  const [x, y, w, h] = box.map((side) => side * factor) as [number, number, number, number];
  const color = `rgb(${classColor(classIndex).join(',')})`;
  const outline = `<rect x="${x}" y="${y}" width="${w}" height="${h}" fill="none" stroke="${color}"`;
  const dashes = crowd === true ? ' stroke-dasharray="6 4"' : '';
  if (label === '') return `${outline} stroke-width="1.5"${dashes}/>`;
  const text = fitText(label, LABEL_SIZE, Math.max(24, width - x - 4), true);
  const tagWidth = textWidth(text, LABEL_SIZE, true) + 6;
  const tagX = Math.max(0, Math.min(x, width - tagWidth));
  const tagY = Math.max(0, Math.min(y - LABEL_SIZE - 3, height - LABEL_SIZE - 3));
  return (
    `${outline} stroke-width="2"${dashes}/>` +
    `<rect x="${tagX}" y="${tagY}" width="${tagWidth}" height="${LABEL_SIZE + 3}" fill="${color}"/>` +
    outlineText(text, { x: tagX + 3, y: tagY + LABEL_SIZE - 1, size: LABEL_SIZE, bold: true, tone: 'inverse' })
  );
}

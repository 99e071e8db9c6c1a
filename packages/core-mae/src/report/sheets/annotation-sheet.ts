import sharp from 'sharp';
import type { Random } from '../../contracts/random.js';
import { classColor } from '../../data/images/class-colors.js';
import { annotationsOfImage, annotationRle, type CocoAnnotations } from '../../data/coco/annotations.js';
import { imagePaths } from '../../data/coco/image-paths.js';
import type { CocoDataset } from '../../data/readers/coco-instances.js';
import { decodeRle } from '../../data/masks/rle.js';
import { NO_SEGMENTATION } from '../../data/masks/segmentation.js';
import { decodeImage } from '../../data/images/image.js';
import type { Image } from '../../data/images/picture.js';
import { pictureSheetPng, type SheetPicture } from './picture-sheet.js';
import { fitText, strokeText, textWidth } from '../charts/svg-text.js';

export interface AnnotationSheetOptions {
  /** Pictures on the sheet. Default 12. */
  readonly count?: number;
  /** Default 4. */
  readonly columns?: number;
  /** Chooses the pictures; without it, the first with objects are shown. */
  readonly random?: Random;
  /** Longer side of a picture on the sheet, in pixels. Default 320. */
  readonly side?: number;
}

/** An object to be drawn, however it was found. */
export interface DrawnObject {
  /** `[x, y, width, height]` in absolute pixels. */
  readonly box: readonly [number, number, number, number];
  readonly classIndex: number;
  readonly label: string;
  /** Row-major `[H, W]`, 0 and 1. */
  readonly mask?: Uint8Array;
  /** Drawn with a broken line. Default false. */
  readonly crowd?: boolean;
}

/**
 * A sheet of pictures with their boxes, masks and class names, as a PNG file.
 *
 * @throws MaeError of a picture that cannot be read, naming it
 */
export async function annotationSheetPng(data: CocoDataset, options: AnnotationSheetOptions = {}): Promise<Buffer> {
  const { count = 12, columns = 4, random, side = 320 } = options;
  const { annotations } = data;
  const pathOf = imagePaths(annotations, data.imageFolder);
  const chosen = choosePictures(annotations, count, random);
  const pictures: SheetPicture[] = [];
  for (const image of chosen) {
    const picture = await decodeImage({ kind: 'file', path: pathOf(image) });
    const drawn = await drawObjects(picture, objectsOf(annotations, image), side);
    pictures.push({ ...drawn, caption: annotations.images.fileNames[image]! });
  }
  const rows = Array.from({ length: Math.ceil(pictures.length / columns) }, (_, row) => ({
    pictures: pictures.slice(row * columns, (row + 1) * columns),
  }));
  return pictureSheetPng({ title: data.name, rows }, { minSide: side, maxSide: side });
}

function choosePictures(annotations: CocoAnnotations, count: number, random: Random | undefined): number[] {
  const all = [...annotations.images.fileNames.keys()];
  const withObjects = all.filter((image) => annotationsOfImage(annotations, image).length > 0);
  if (random === undefined) return (withObjects.length > 0 ? withObjects : all).slice(0, count);
  return [...random.fork('sheet').permutation(all.length).subarray(0, count)].sort((a, b) => a - b);
}

function objectsOf(annotations: CocoAnnotations, image: number): DrawnObject[] {
  return Array.from(annotationsOfImage(annotations, image), (entry) => {
    const classIndex = annotations.categoryIndexes[entry]!;
    const hasMask = annotations.segmentations.kinds[entry] !== NO_SEGMENTATION && annotations.images.widths[image]! > 0;
    const [x, y, width, height] = annotations.boxes.subarray(4 * entry, 4 * entry + 4) as unknown as DrawnObject['box'];
    return {
      box: [x, y, width, height],
      classIndex,
      label: annotations.categories[classIndex]!.name,
      crowd: annotations.crowds[entry] === 1,
      ...(hasMask ? { mask: decodeRle(annotationRle(annotations, entry)) } : {}),
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
    `.mae-text-strokes{fill:none;stroke:#fff;stroke-linecap:round;stroke-linejoin:round}</style>${lines.join('')}</svg>`;
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
  const text = fitText(label, LABEL_SIZE, Math.max(24, width - x - 4));
  const tagWidth = textWidth(text, LABEL_SIZE) + 6;
  const tagX = Math.max(0, Math.min(x, width - tagWidth));
  const tagY = Math.max(0, Math.min(y - LABEL_SIZE - 3, height - LABEL_SIZE - 3));
  const dashes = crowd === true ? ' stroke-dasharray="6 4"' : '';
  return (
    `<rect x="${x}" y="${y}" width="${w}" height="${h}" fill="none" stroke="${color}" stroke-width="2"${dashes}/>` +
    `<rect x="${tagX}" y="${tagY}" width="${tagWidth}" height="${LABEL_SIZE + 3}" fill="${color}"/>` +
    strokeText(text, { x: tagX + 3, y: tagY + LABEL_SIZE - 1, size: LABEL_SIZE, bold: true })
  );
}

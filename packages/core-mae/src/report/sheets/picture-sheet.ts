/*
 * report/sheets/: pictures side by side with labels, as PNG: reconstructions and predictions (on this file's sheets),
 * annotations of a data set.
 * Not here: what is drawn onto a picture by a task: its plugin's.
 * Called by: pretraining's drawings, the plugins, and `mae-tasks data show`.
 */

import sharp, { type OverlayOptions } from 'sharp';
import type { Image } from '../../data/images/picture.js';
import { MaeError } from '../../base/errors.js';
import { largest } from '../../base/long-lists.js';
import { svgDocument } from '../charts/svg.js';
import { fitPath, fitText, outlineText, textWidth } from '../charts/svg-text.js';

/** Pixels to show on a sheet: grey, RGB or RGB with alpha. */
export interface SheetPicture extends Image {
  /** A line below the picture. */
  readonly caption?: string;
}

export interface SheetRow {
  /** A line to the left of the row. */
  readonly caption?: string;
  /** From left to right; undefined leaves a place empty. */
  readonly pictures: ReadonlyArray<SheetPicture | undefined>;
}

/** A grid of pictures with captions. */
export interface PictureSheet {
  readonly title?: string;
  /** A line above each column. */
  readonly columns?: readonly string[];
  readonly rows: readonly SheetRow[];
}

export interface SheetStyle {
  /** Pictures whose longer side is smaller are enlarged by a whole factor to about this many pixels. Default 160. */
  readonly minSide?: number;
  /** Pictures whose longer side is larger are shrunk to this many pixels. Default 512. */
  readonly maxSide?: number;
  /** How small pictures are enlarged: `nearest` shows every pixel as it is. Default `nearest`. */
  readonly enlarging?: 'nearest' | 'smooth';
}

interface Placed {
  readonly picture: SheetPicture;
  /** Size on the sheet. */
  readonly width: number;
  readonly height: number;
}

const captionSize = 13;
const captionHeight = 22;
const titleSize = 17;
const titleHeight = 32;
const gap = 8;
const margin = 14;
const maxRowCaption = 180;
/** What the libraries that draw the sheet can take. */
const maxSheetSide = 32_000;

/**
 * The sheet as a PNG file, on white. Every picture is centred in its place; captions too long for their column lose their folders,
 * then end in …
 *
 * @throws MaeError `IMAGE_INVALID` for data that does not fit its size, `IMAGE_TOO_LARGE` for a sheet beyond 32,000
 *   pixels in one direction
 */
export async function pictureSheetPng(sheet: PictureSheet, style: SheetStyle = {}): Promise<Buffer> {
  const { title, columns = [], rows } = sheet;
  const grid = rows.map(({ pictures }) => pictures.map((picture) => picture && place(picture, style)));
  const numColumns = Math.max(1, columns.length, largest(grid.map((row) => row.length)));
  const columnWidths = Array.from({ length: numColumns }, (_, column) =>
    Math.max(48, largest(grid.map((row) => row[column]?.width ?? 0))),
  );
  const rowHeights = grid.map((row) => Math.max(24, largest(row.map((placed) => placed?.height ?? 0))));
  const captionsBelow = rows.map(({ pictures }) => pictures.some((picture) => picture?.caption !== undefined));

  const rowCaptionWidth = Math.min(
    maxRowCaption,
    Math.max(
      0,
      largest(rows.map(({ caption }) => (caption === undefined ? 0 : textWidth(caption, captionSize) + gap))),
    ),
  );
  const left = margin + rowCaptionWidth;
  const inner = columnWidths.reduce((sum, width) => sum + width + gap, -gap);
  const width = Math.ceil(left + inner + margin);

  const texts: string[] = [];
  const write = (text: string, x: number, y: number, room: number, anchor: 'start' | 'middle'): void => {
    texts.push(outlineText(fitPath(text, captionSize, room), { x, y, size: captionSize, anchor }));
  };

  let top = margin;
  if (title !== undefined) {
    const fitted = fitText(title, titleSize, width - 2 * margin, true);
    texts.push(outlineText(fitted, { x: margin, y: top + 17, size: titleSize, bold: true }));
    top += titleHeight;
  }
  if (columns.length > 0) {
    let x = left;
    columnWidths.forEach((columnWidth, column) => {
      write(columns[column] ?? '', x + columnWidth / 2, top + 13, columnWidth + gap - 2, 'middle');
      x += columnWidth + gap;
    });
    top += captionHeight;
  }

  const overlays: Array<Promise<OverlayOptions>> = [];
  grid.forEach((row, rowIndex) => {
    const rowHeight = rowHeights[rowIndex]!;
    const { caption } = rows[rowIndex]!;
    if (caption !== undefined) write(caption, margin, top + rowHeight / 2 + 5, rowCaptionWidth - gap, 'start');
    let x = left;
    columnWidths.forEach((columnWidth, column) => {
      const placed = row[column];
      if (placed !== undefined) {
        const offset = {
          left: Math.round(x + (columnWidth - placed.width) / 2),
          top: Math.round(top + (rowHeight - placed.height) / 2),
        };
        overlays.push(enlarged(placed, style).then((input) => ({ input, ...offset })));
        const below = placed.picture.caption;
        if (below !== undefined)
          write(below, x + columnWidth / 2, top + rowHeight + 16, columnWidth + gap - 2, 'middle');
      }
      x += columnWidth + gap;
    });
    top += rowHeight + gap + (captionsBelow[rowIndex] ? captionHeight - 4 : 0);
  });
  const height = Math.ceil(top - gap + margin);
  if (width > maxSheetSide || height > maxSheetSide) {
    throw new MaeError('IMAGE_TOO_LARGE', {
      what: `a sheet of ${width} × ${height} pixels is beyond ${maxSheetSide}`,
      where: title,
      fix: 'show fewer pictures on one sheet',
    });
  }

  const labels = svgDocument({ width, height, body: texts.join(''), label: title ?? 'pictures', theme: 'light' });
  return sharp(Buffer.from(labels))
    .composite(await Promise.all(overlays))
    .removeAlpha()
    .png({ compressionLevel: 9 })
    .toBuffer();
}

/** The size that the picture has on the sheet. */
function place(picture: SheetPicture, { minSide = 160, maxSide = 512 }: SheetStyle): Placed {
  const { data, width, height, channels } = picture;
  if (![1, 3, 4].includes(channels) || width < 1 || height < 1 || data.length !== width * height * channels) {
    throw new MaeError('IMAGE_INVALID', {
      what: `${data.length} values are no picture of ${width} × ${height} × ${channels}`,
      where: picture.caption,
    });
  }
  const side = Math.max(width, height);
  const factor = side > maxSide ? maxSide / side : Math.max(1, Math.round(minSide / side));
  return {
    picture,
    width: Math.max(1, Math.round(width * factor)),
    height: Math.max(1, Math.round(height * factor)),
  };
}

/** The picture at its size on the sheet, as a PNG file. */
async function enlarged({ picture, width, height }: Placed, { enlarging = 'nearest' }: SheetStyle): Promise<Buffer> {
  const channels = picture.channels === 1 ? 1 : picture.channels === 4 ? 4 : 3;
  const raw = { width: picture.width, height: picture.height, channels } as const;
  const kernel = width < picture.width ? 'lanczos3' : enlarging === 'nearest' ? 'nearest' : 'cubic';
  return sharp(picture.data, { raw })
    .toColourspace('srgb')
    .resize(width, height, { kernel, fit: 'fill' })
    .png({ compressionLevel: 1 })
    .toBuffer();
}

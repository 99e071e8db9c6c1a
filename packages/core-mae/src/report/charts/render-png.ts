import sharp from 'sharp';

/**
 * The SVG drawn as a PNG file, opaque. Draw its labels with `outlineText`: where no font is installed, text elements
 * come out as boxes.
 *
 * @param scale pixels of the picture for one of the SVG; default 2, for screens of high density
 */
export async function renderPng(svg: string, scale = 2): Promise<Buffer> {
  return sharp(Buffer.from(svg), { density: 72 * scale })
    .flatten({ background: '#ffffff' })
    .png({ compressionLevel: 9 })
    .toBuffer();
}

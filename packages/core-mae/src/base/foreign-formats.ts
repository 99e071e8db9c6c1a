/** A format that people have pictures in and that is not read. */
export interface ForeignFormat {
  readonly name: string;
  /** Endings of names, in lower case. */
  readonly suffixes: readonly string[];
  readonly fix: string;
}

const convert = (command: string): string => `convert them to PNG or JPEG, for example by: ${command}`;
const byMagick = (suffix: string): string => convert(`magick mogrify -format png *${suffix}`);

/** By a name of our own for each. */
export const FOREIGN_FORMATS = {
  heic: {
    name: 'HEIC',
    suffixes: ['.heic', '.heif', '.hif'],
    fix: convert('magick mogrify -format jpg *.heic (on macOS: sips -s format jpeg *.heic --out folder)'),
  },
  svg: {
    name: 'SVG',
    suffixes: ['.svg', '.svgz'],
    fix: 'it is a drawing without pixels: render it at the size that you want, for example by: magick a.svg a.png',
  },
  pdf: { name: 'PDF', suffixes: ['.pdf'], fix: 'make a picture of each page, for example by: pdftoppm -png a.pdf a' },
  photoshop: { name: 'Photoshop', suffixes: ['.psd', '.psb'], fix: byMagick('.psd[0]') },
  icon: { name: 'ICO', suffixes: ['.ico', '.cur'], fix: byMagick('.ico') },
  jpegXl: { name: 'JPEG XL', suffixes: ['.jxl'], fix: byMagick('.jxl') },
  jpeg2000: { name: 'JPEG 2000', suffixes: ['.jp2', '.j2k', '.jpx', '.jpf'], fix: byMagick('.jp2') },
  openExr: {
    name: 'OpenEXR',
    suffixes: ['.exr'],
    fix: 'convert them to 32-bit TIFF, for example by: oiiotool a.exr -o a.tif',
  },
  radiance: { name: 'Radiance HDR', suffixes: ['.hdr'], fix: byMagick('.hdr') },
  dicom: {
    name: 'DICOM',
    suffixes: ['.dcm', '.dicom'],
    fix: 'convert them to 16-bit PNG or TIFF, for example by: dcm2pnm +on2 a.dcm a.png, and set `data.valueRange`',
  },
  fits: { name: 'FITS', suffixes: ['.fits', '.fit'], fix: 'convert them to TIFF' },
  numpy: { name: 'NumPy', suffixes: ['.npy', '.npz'], fix: 'write the arrays as PNG or TIFF' },
  netpbm: { name: 'Netpbm', suffixes: ['.pbm', '.pgm', '.ppm', '.pnm', '.pam', '.pfm'], fix: byMagick('.ppm') },
  targa: { name: 'Targa', suffixes: ['.tga'], fix: byMagick('.tga') },
  raw: {
    name: "cameras' raw",
    suffixes: ['.dng', '.cr2', '.cr3', '.nef', '.arw', '.orf', '.raf', '.rw2'],
    fix: 'develop them into JPEG or TIFF, for example by: darktable-cli a.nef a.jpg',
  },
  webPage: {
    name: 'HTML',
    suffixes: ['.html', '.htm'],
    fix: 'it is a web page in the place of a picture: fetch it again',
  },
  video: {
    name: 'video',
    suffixes: ['.mp4', '.mov', '.avi', '.mkv', '.webm'],
    fix: 'take pictures out of it, for example by: ffmpeg -i a.mp4 -vf fps=1 a%05d.jpg',
  },
} as const satisfies Readonly<Record<string, ForeignFormat>>;

/** What a file is by its name, where that is none that is read. */
export function foreignFormatOf(name: string): ForeignFormat | undefined {
  const lower = name.toLowerCase();
  return Object.values<ForeignFormat>(FOREIGN_FORMATS).find(({ suffixes }) =>
    suffixes.some((suffix) => lower.endsWith(suffix)),
  );
}

import type { ReportFault } from '../../contracts/data-fault.js';
import { extentOfPolygons } from '../masks/polygon.js';
import { POLYGONS, polygonsAt } from '../masks/segmentation.js';
import type { CocoAnnotations } from './annotations.js';

/** What is wrong with a file as a whole. */
export interface FileDiagnosis {
  /** Whether boxes are of another form than COCO's, so that nothing need be said of each. */
  readonly boxesAreOdd: boolean;
}

type Box = readonly [number, number, number, number];
/** A box in another form, as COCO's `[x, y, width, height]`. */
type Form = (box: Box) => Box;

const asCorners: Form = ([x0, y0, x1, y1]) => [x0, y0, x1 - x0, y1 - y0];
const asCentres: Form = ([x, y, width, height]) => [x - width / 2, y - height / 2, width, height];
const asRows: Form = ([y, x, height, width]) => [x, y, width, height];
const OTHER_FORMS: ReadonlyArray<readonly [form: Form, name: string]> = [
  [asCorners, 'corners [x0, y0, x1, y1]'],
  [asCentres, 'middles and sizes [x, y, width, height] about the middle'],
  [asRows, 'rows before columns [y, x, height, width]'],
];

const PIXEL_TOLERANCE = 2;
const EDGE_TOLERANCE = 1;
const AREA_TOLERANCE = 0.03;
/** Share of the records that must speak for another form where outlines or areas tell it. */
const CLEAR = 0.8;
/** Share of the boxes that must pass the edge where nothing else tells, and share that must fit in the other form. */
const MANY_OUTSIDE = 0.3;
const NEARLY_ALL = 0.99;
/** Fewer objects may all be crowds by chance. */
const FEW = 3;

/** Looks at what all records of a file have in common, before each is looked at alone. */
export function diagnoseFile(annotations: CocoAnnotations, report: ReportFault): FileDiagnosis {
  const fault = (code: string, problem: string, action: string): void => {
    report({ severity: 'error', code, file: annotations.file, subject: 'the file', problem, action });
  };
  const { size, crowds } = annotations;
  if (size >= FEW && crowds.every((crowd) => crowd === 1)) {
    fault(
      'all-crowds',
      `says iscrowd 1 of all its ${size} annotations: crowds are neither learned nor scored`,
      'write iscrowd 0 for single objects',
    );
  }
  const known = knownBoxes(annotations);
  if (known.length === 0) return { boxesAreOdd: false };
  const shares = known.filter(({ box, extent }) => isShares(box) || (extent !== undefined && isShares(extent)));
  if (shares.length >= CLEAR * known.length) {
    fault(
      'boxes-are-shares',
      `has boxes between 0 and 1 (${shares.length} of ${known.length}): these are shares of the picture's size, not pixels`,
      'multiply x and width by the width of the picture, y and height by its height',
    );
    return { boxesAreOdd: true };
  }
  const odd = otherForm(known);
  if (odd === undefined) return { boxesAreOdd: false };
  fault(
    'boxes-of-another-form',
    `has boxes that are ${odd.name}: ${odd.evidence}; as COCO's [x, y, width, height] ${odd.outside} of ${known.length} pass the edge of their picture`,
    'write [x, y, width, height] in pixels, x and y of the upper left corner',
  );
  return { boxesAreOdd: true };
}

interface KnownBox {
  readonly box: Box;
  readonly area: number;
  /** The outline's own box; undefined where there is no outline. */
  readonly extent: Box | undefined;
  readonly width: number;
  readonly height: number;
}

/** Objects that are looked at, spread over the file. */
const LOOKED_AT = 20_000;

/** Objects with a box, on pictures of known size. */
function knownBoxes({ size, images, imageIndexes, boxes, areas, segmentations }: CocoAnnotations): KnownBox[] {
  const known: KnownBox[] = [];
  const stride = Math.max(1, Math.ceil(size / LOOKED_AT));
  for (let entry = 0; entry < size; entry += stride) {
    const image = imageIndexes[entry]!;
    if (image < 0 || Number.isNaN(boxes[4 * entry]!)) continue;
    const [width, height] = [images.widths[image]!, images.heights[image]!];
    if (width === 0 || height === 0) continue;
    const extent =
      segmentations.kinds[entry] === POLYGONS ? extentOfPolygons(polygonsAt(segmentations, entry)) : undefined;
    const box = [0, 1, 2, 3].map((side) => boxes[4 * entry + side]!) as unknown as Box;
    known.push({ box, area: areas[entry]!, extent, width, height });
  }
  return known;
}

/** Whether all four numbers are shares of a picture that is larger than a pixel, and not all of them are 0 or 1. */
function isShares(box: Box): boolean {
  return box.every((value) => value >= -0.01 && value <= 1.01) && box.some((value) => !Number.isInteger(value));
}

/** The form that the boxes are in, where that is clearly not COCO's. */
function otherForm(known: readonly KnownBox[]) {
  const outside = known.filter((each) => !fits(each.box, each)).length;
  const outlined = known.filter(({ extent }) => extent !== undefined);
  const measured = known.filter(({ area }) => area > 0);
  for (const [form, name] of OTHER_FORMS) {
    const byOutline = outlined.filter(({ box, extent }) => isNear(form(box), extent!) && !isNear(box, extent!)).length;
    if (outlined.length > 0 && byOutline >= CLEAR * outlined.length) {
      return { name, outside, evidence: `they lie around their outlines so (${byOutline} of ${outlined.length})` };
    }
    const fitting = known.filter((each) => fits(form(each.box), each)).length;
    if (fitting < NEARLY_ALL * known.length) continue;
    const byArea = measured.filter(({ box, area }) => hasArea(form(box), area) && !hasArea(box, area)).length;
    if (form === asCorners && measured.length > 0 && byArea >= CLEAR * measured.length) {
      return { name, outside, evidence: `their areas say so (${byArea} of ${measured.length})` };
    }
    // Outlines or areas that agree with COCO's form speak against any other.
    const agreeing = known.filter(({ box, extent }) => extent !== undefined && isNear(box, extent)).length;
    if (form !== asRows && agreeing === 0 && outside >= MANY_OUTSIDE * known.length && outside > 1) {
      return { name, outside, evidence: `all ${known.length} fit into their pictures so` };
    }
  }
  return undefined;
}

function fits([x, y, width, height]: Box, picture: KnownBox): boolean {
  return (
    x >= -EDGE_TOLERANCE &&
    y >= -EDGE_TOLERANCE &&
    width >= 0 &&
    height >= 0 &&
    x + width <= picture.width + EDGE_TOLERANCE &&
    y + height <= picture.height + EDGE_TOLERANCE
  );
}

function isNear(a: Box, b: Box): boolean {
  return a.every((value, side) => Math.abs(value - b[side]!) <= PIXEL_TOLERANCE);
}

function hasArea([, , width, height]: Box, area: number): boolean {
  return Math.abs(width * height - area) <= AREA_TOLERANCE * area;
}

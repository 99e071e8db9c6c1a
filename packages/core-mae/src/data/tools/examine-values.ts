import type { DataFault } from '../../contracts/data-fault.js';
import type { Dataset } from '../../contracts/dataset.js';
import { MaeError } from '../../base/errors.js';
import { type DecodeOptions, openImage } from '../images/image.js';
import { describeValues, fullScaleOf, suggestedRange, type ValueExtent } from '../images/value-range.js';
import type { PictureValues } from '../images/wide-picture.js';

type Fault = (severity: DataFault['severity'], code: string, subject: string, problem: string, action: string) => void;

/** What the values of pictures that are not 0–255 say together. */
export interface ValueSurvey {
  /** Notes a picture's values. */
  add(values: PictureValues): void;
  /** Pictures whose values were noted. */
  count(): number;
  /** Says once for all what is wrong with their range. @param looked pictures of all kinds that were looked at */
  report(fault: Fault, looked: number): void;
}

/** A picture that reaches fewer of 255 levels than this is nearly black, and below the other one it is dark. */
const NEARLY_BLACK = 32;
const DARK = 128;
/** Of all pictures, those that may be nearly black without stopping a training. */
const FEW = 0.1;

export function createValueSurvey(): ValueSurvey {
  const all: PictureValues[] = [];
  return {
    add: (values) => all.push(values),
    count: () => all.length,
    report(fault, looked) {
      const subjectOf = (pictures: readonly PictureValues[]): string =>
        pictures.length === 1 ? '1 picture' : `${pictures.length} pictures`;
      const unknown = all.filter(({ chosen }) => chosen === undefined);
      if (unknown.length > 0) {
        const extent = union(unknown);
        const { stored } = unknown[0]!;
        const reach =
          extent.lowest > extent.highest
            ? 'are no numbers'
            : `reach from ${shown(extent.lowest)} to ${shown(extent.highest)}`;
        fault(
          'error',
          'values-without-range',
          subjectOf(unknown),
          `values are ${describeValues(stored)}, ${reach}, and nothing says which are black and white`,
          `set data.valueRange, such as --set 'data.valueRange=${suggestedRange(stored, extent)}'`,
        );
      }
      reportOfType(all, fault, looked);
      reportOfSetting(all, fault);
      const units = all.filter(({ chosen }) => chosen?.by === 'unit');
      if (units.length > 0) {
        fault(
          'warning',
          'values-of-unit',
          subjectOf(units),
          'values are floating-point numbers from 0 to 1',
          'used as 0 for black and 1 for white; data.valueRange says otherwise',
        );
      }
      const described = all.filter(({ chosen }) => chosen?.by === 'file');
      const ranges = [...new Set(described.map(({ chosen }) => chosen!.range.map(shown).join(' to ')))];
      if (ranges.length > 1) {
        fault(
          'warning',
          'values-of-several-ranges',
          subjectOf(described),
          `the files say different ranges of their values (${ranges.slice(0, 3).join(', ')}${ranges.length > 3 ? ', …' : ''})`,
          'each is used with its own, so that equal values differ in brightness; data.valueRange gives all the same',
        );
      }
    },
  };
}

/** Pictures that are looked at before a use that nothing else looks before. */
const LOOKED_AT = 16;

/**
 * What a check would say of the values of some pictures, spread over the data: a line for each oddity. Pictures that
 * cannot be read are left to those who use them.
 */
export async function valueWarnings(data: Dataset, decode: DecodeOptions): Promise<string[]> {
  const survey = createValueSurvey();
  const looked = Math.min(LOOKED_AT, data.size);
  for (let place = 0; place < looked; place++) {
    try {
      const { values } = await openImage(data.item(Math.floor((place * data.size) / looked)).image, decode);
      if (values !== undefined) survey.add(await values());
    } catch (error) {
      if (!(error instanceof MaeError)) throw error;
    }
  }
  const lines: string[] = [];
  survey.report((_, code, subject, problem) => {
    const action =
      code === 'values-of-unit' ? '' : " — the range of values is the training's; --value-range gives another";
    lines.push(`${subject} of ${looked} looked at: ${problem}${action}`);
  }, looked);
  return lines;
}

/** Pictures that are read by the range of their type, and stay far below it. */
function reportOfType(all: readonly PictureValues[], fault: Fault, looked: number): void {
  const ofType = all.filter(({ chosen, extent }) => isByType(chosen?.by) && extent.highest > 0);
  if (ofType.length === 0) return;
  const [{ stored, chosen }] = ofType as [PictureValues];
  const most = chosen!.range[1];
  const levelOf = ({ extent, chosen: of }: PictureValues): number => (255 * extent.highest) / of!.range[1];
  const black = ofType.filter((picture) => levelOf(picture) < NEARLY_BLACK);
  const isBlack = black.length >= ofType.length / 2;
  const { highest } = union(isBlack ? black : ofType);
  if (!isBlack && (255 * highest) / most >= DARK) return;
  const suggested = stored.kind === 'float' ? shown(highest) : String(fullScaleOf(highest));
  const subject = isBlack ? black : ofType;
  fault(
    isBlack && black.length > FEW * looked ? 'error' : 'warning',
    isBlack ? 'values-nearly-black' : 'values-dark',
    subject.length === 1 ? '1 picture' : `${subject.length} pictures`,
    `values reach ${shown(highest)} of ${most}: pictures would be ${isBlack ? 'nearly black' : 'dark'}`,
    `set data.valueRange=[0,${suggested}] (or [0,${most}] where they are meant so), such as --set 'data.valueRange=[0,${suggested}]'`,
  );
}

function isByType(by: string | undefined): boolean {
  return by === 'type' || by === 'unit';
}

/** Pictures that have next to nothing within the range that is set. */
function reportOfSetting(all: readonly PictureValues[], fault: Fault): void {
  const bySetting = all.filter(({ chosen }) => chosen?.by === 'setting');
  const lost = bySetting.filter(({ extent: { lowest, highest }, chosen }) => {
    const [low, high] = chosen!.range;
    return lowest < highest && (highest <= low || lowest >= high);
  });
  if (lost.length === 0) return;
  const { lowest, highest } = union(lost);
  const [low, high] = lost[0]!.chosen!.range;
  fault(
    lost.length > bySetting.length / 2 ? 'error' : 'warning',
    'values-outside-range',
    lost.length === 1 ? '1 picture' : `${lost.length} pictures`,
    `values from ${shown(lowest)} to ${shown(highest)} lie outside data.valueRange (=[${shown(low)},${shown(high)}]): all black or all white`,
    'check the range, which is in the units of the files',
  );
}

function union(pictures: readonly PictureValues[]): ValueExtent {
  return pictures.reduce<ValueExtent>(
    (whole, { extent }) => ({
      lowest: Math.min(whole.lowest, extent.lowest),
      highest: Math.max(whole.highest, extent.highest),
    }),
    { lowest: Infinity, highest: -Infinity },
  );
}

function shown(value: number): string {
  return String(Number(value.toPrecision(6)));
}

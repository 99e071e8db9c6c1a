import {
  type AnnotatedPicture,
  type CocoEvaluation,
  collectAnnotations,
  collectDetections,
  type Detection,
  evaluateCoco,
  precisionRecallSvg,
} from '@mae-tasks/core-mae/coco';
import {
  checkAnnotatedSize,
  type EvaluationDetails,
  type EvaluationTable,
  type Evaluator,
  isInstances,
  renderPng,
  rleOfRegion,
  outlineText,
} from '@mae-tasks/core-mae/task';
import type { DetectFacts } from '../facts.js';
import type { FoundObjects } from './found-objects.js';

export interface CocoEvaluatorOptions {
  readonly facts: DetectFacts;
  readonly masks: boolean;
  /** Indices of the classes that count. */
  readonly classes: readonly number[];
}

/** The first of COCO's twelve numbers, as metrics are called after `valBox` or `valMask`. */
const METRICS = ['AP', 'AP50', 'AP75'] as const;

interface Scores {
  readonly box: CocoEvaluation;
  readonly mask: CocoEvaluation | undefined;
  /** Boxes, all classes taken for one. */
  readonly agnostic: CocoEvaluation;
}

/**
 * COCO's scores from 0 to 1: `valBoxAP`, `valBoxAP50`, `valBoxAP75`, with masks `valMaskAP` …, and
 * `valBoxAP50Agnostic`, for which all classes are one. Where there is no object nothing is defined: `valBoxAP` is 0 then,
 * and the others are left out. The details have all twelve numbers, those of each class, and curves.
 */
export function createCocoEvaluator({
  facts,
  masks,
  classes,
}: CocoEvaluatorOptions): Evaluator<readonly FoundObjects[]> {
  const pictures: AnnotatedPicture[] = [];
  const detections: Detection[] = [];
  let scores: Scores | undefined;
  const categories = facts.classNames.map((name, index) => ({ id: facts.categoryIds[index]!, name }));

  const score = (): Scores => {
    const annotations = collectAnnotations(pictures, categories, 'the data that is evaluated');
    const found = collectDetections(annotations, detections);
    const categoryIds = classes.map((index) => facts.categoryIds[index]!);
    return {
      box: evaluateCoco(annotations, found, { type: 'bbox', categoryIds }),
      mask: masks ? evaluateCoco(annotations, found, { type: 'segm', categoryIds }) : undefined,
      agnostic: evaluateCoco(annotations, found, { type: 'bbox', categoryIds, classAgnostic: true }),
    };
  };

  return {
    update(found, samples) {
      scores = undefined;
      samples.forEach(({ target, id, originalWidth: width, originalHeight: height }, index) => {
        if (!isInstances(target)) throw new Error(`The sample ${id} has no objects to be compared with.`);
        checkAnnotatedSize(target, { width, height, id });
        pictures.push({ width, height, instances: target });
        for (const { classIndex, score: value, box, mask } of found[index]!) {
          detections.push({
            imageId: target.imageId,
            categoryId: facts.categoryIds[classIndex]!,
            score: value,
            box,
            ...(mask === undefined ? {} : { mask: rleOfRegion(mask, { width, height }) }),
          });
        }
      });
    },
    compute() {
      scores ??= score();
      const { box, mask, agnostic } = scores;
      return {
        valBoxAP: 0,
        ...named('valBox', box),
        ...(mask === undefined ? {} : named('valMask', mask)),
        ...defined('valBoxAP50Agnostic', agnostic.stats[1]!),
      };
    },
    async details(): Promise<EvaluationDetails> {
      scores ??= score();
      const { box, mask } = scores;
      const curves = [
        { name: 'box', evaluation: box },
        ...(mask === undefined ? [] : [{ name: 'mask', evaluation: mask }]),
      ];
      return {
        tables: [summaryTable(scores), classTable(scores)],
        drawings: await Promise.all(
          curves.map(async ({ name, evaluation }) => ({
            name: `precision-recall-${name}`,
            png: await renderPng(precisionRecallSvg(evaluation, { drawText: outlineText, theme: 'light' })),
          })),
        ),
      };
    },
  };
}

function named(prefix: string, { stats }: CocoEvaluation): Record<string, number> {
  return Object.assign({}, ...METRICS.map((name, index) => defined(prefix + name, stats[index]!))) as Record<
    string,
    number
  >;
}

/** COCO's −1 stands for what is not defined. */
function defined(name: string, value: number): Record<string, number> {
  return value < 0 ? {} : { [name]: value };
}

/** The twelve lines. */
function summaryTable({ box, mask, agnostic }: Scores): EvaluationTable {
  const columns = [
    'score',
    'IoU',
    'area',
    'detections',
    'box',
    ...(mask === undefined ? [] : ['mask']),
    'box, one class',
  ];
  const rows = LINES.map(([score, iou, area, limit], index) => [
    score,
    iou,
    area,
    limit,
    ...[box, ...(mask === undefined ? [] : [mask]), agnostic].map(({ stats }) => shown(stats[index]!)),
  ]);
  return { name: 'summary', columns, rows };
}

const RANGE = '0.50:0.95';
const LINES = [
  ['AP', RANGE, 'all', 100],
  ['AP', '0.50', 'all', 100],
  ['AP', '0.75', 'all', 100],
  ['AP', RANGE, 'small', 100],
  ['AP', RANGE, 'medium', 100],
  ['AP', RANGE, 'large', 100],
  ['AR', RANGE, 'all', 1],
  ['AR', RANGE, 'all', 10],
  ['AR', RANGE, 'all', 100],
  ['AR', RANGE, 'small', 100],
  ['AR', RANGE, 'medium', 100],
  ['AR', RANGE, 'large', 100],
] as const;

function classTable({ box, mask }: Scores): EvaluationTable {
  return {
    name: 'classes',
    columns: [
      'class',
      'box AP',
      'box AP50',
      'box AP75',
      'box AR',
      ...(mask === undefined ? [] : ['mask AP', 'mask AP50']),
    ],
    rows: box.perCategory.map(({ name, ap, ap50, ap75, ar }, index) => {
      const masks = mask?.perCategory[index];
      return [name, ...[ap, ap50, ap75, ar, ...(masks === undefined ? [] : [masks.ap, masks.ap50])].map(shown)];
    }),
  };
}

function shown(value: number): string {
  return value < 0 ? '–' : value.toFixed(3);
}

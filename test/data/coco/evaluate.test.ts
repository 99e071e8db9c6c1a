import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { collectDetections } from '#core/data/coco/detections.js';
import { type CocoEvaluation, evaluateCoco } from '#core/data/coco/evaluation/evaluate.js';
import { parseCoco, loadCoco } from '#core/data/coco/parse.js';
import { loadResults, parseResults, writeResults } from '#core/data/coco/results.js';
import { createRandom } from '#core/base/random.js';
import { memorySource } from './memory-source.js';
import { fixturePath } from '../../fixture-path.js';

const readJson = (name: string): unknown => JSON.parse(readFileSync(fixturePath(`coco/${name}`), 'utf8'));

interface Expected {
  stats: number[];
  ap_per_category: Record<string, number>;
  precision_sum: number;
  precision_count: number;
  recall_sum: number;
  precision_iou50_cat0_all_100: number[];
  scores_iou50_cat0_all_100: number[];
  stats_class_agnostic: number[];
}
const expected = readJson('expected_eval.json') as Record<'bbox' | 'segm', Expected>;
const { annotations } = loadCoco(fixturePath('coco/instances.json'));
const folder = mkdtempSync(join(tmpdir(), 'mae-coco-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const sumOfDefined = (values: Float64Array): number =>
  values.reduce((sum, value) => (value > -1 ? sum + value : sum), 0);

describe.each(['bbox', 'segm'] as const)('%s evaluation equals pycocotools', (type) => {
  const { detections, warnings } = loadResults(fixturePath(`coco/detections_${type}.json`), annotations);
  const evaluation = evaluateCoco(annotations, detections, { type });
  const reference = expected[type];

  it('in the twelve numbers', () => {
    expect(warnings).toEqual([]);
    evaluation.stats.forEach((value, i) => {
      expect(Math.abs(value - reference.stats[i]!)).toBeLessThan(1e-9);
    });
    expect(evaluation.stats).toHaveLength(12);
  });

  it('in the categories', () => {
    expect(evaluation.perCategory).toHaveLength(Object.keys(reference.ap_per_category).length);
    for (const { id, ap } of evaluation.perCategory) {
      expect(Math.abs(ap - reference.ap_per_category[id]!)).toBeLessThan(1e-9);
    }
  });

  it('in the curves', () => {
    expect(evaluation.precision).toHaveLength(reference.precision_count);
    expect(Math.abs(sumOfDefined(evaluation.precision) - reference.precision_sum)).toBeLessThan(1e-7);
    expect(Math.abs(sumOfDefined(evaluation.recall) - reference.recall_sum)).toBeLessThan(1e-7);
    const curve = (values: Float64Array): number[] =>
      Array.from({ length: 101 }, (_, r) => values[(((0 * 101 + r) * 7 + 0) * 4 + 0) * 3 + 2]!);
    expect(curve(evaluation.precision)).toEqual(reference.precision_iou50_cat0_all_100);
    expect(curve(evaluation.scores)).toEqual(reference.scores_iou50_cat0_all_100);
  });

  it('without classes', () => {
    const { stats } = evaluateCoco(annotations, detections, { type, classAgnostic: true });
    stats.forEach((value, i) => {
      expect(Math.abs(value - reference.stats_class_agnostic[i]!)).toBeLessThan(1e-9);
    });
  });

  it('whatever the order of pictures, and through a written results file', async () => {
    const shuffled = readJson(`detections_${type}.json`) as Array<{ image_id: number }>;
    const ids = [...new Set(shuffled.map(({ image_id: id }) => id))];
    const rank = createRandom(1).permutation(ids.length);
    // Ties are decided by the order within a picture, which stays.
    shuffled.sort((a, b) => rank[ids.indexOf(a.image_id)]! - rank[ids.indexOf(b.image_id)]!);
    const results = parseResults(memorySource(JSON.stringify(shuffled)), 'shuffled', annotations);
    expect(evaluateCoco(annotations, results.detections, { type }).stats).toEqual(evaluation.stats);
    const path = join(folder, `${type}.json`);
    await writeResults(path, annotations, results.detections);
    const again = loadResults(path, annotations).detections;
    expect([...again.scores]).toEqual([...results.detections.scores]);
    expect(evaluateCoco(annotations, again, { type }).stats.every(Number.isFinite)).toBe(true);
    if (type === 'bbox') expect(evaluateCoco(annotations, again, { type }).stats).toEqual(evaluation.stats);
  });
});

const box = (x: number, y: number, width: number, height: number): [number, number, number, number] => [
  x,
  y,
  width,
  height,
];
function tiny(extra: Array<Record<string, unknown>> = [{}]): ReturnType<typeof parseCoco> {
  const text = JSON.stringify({
    images: [{ id: 5, file_name: 'a.png', width: 100, height: 80 }],
    categories: [
      { id: 9, name: 'far' },
      { id: 2, name: 'near' },
    ],
    annotations: extra.map((fields, i) => ({
      id: i,
      image_id: 5,
      category_id: 2,
      bbox: [10, 10, 20, 20],
      area: 400,
      iscrowd: 0,
      ...fields,
    })),
  });
  return parseCoco(memorySource(text), 'tiny.json', () => undefined);
}
const score = (truths: ReturnType<typeof parseCoco>, list: Parameters<typeof collectDetections>[1]): CocoEvaluation =>
  evaluateCoco(truths, collectDetections(truths, list), { type: 'bbox' });

describe('where other evaluators go wrong', () => {
  it('an annotation with id 0 counts when it is matched', () => {
    const { stats } = score(tiny(), [{ imageId: 5, categoryId: 2, score: 1, box: box(10, 10, 20, 20) }]);
    expect(stats[0]).toBeCloseTo(1, 12);
  });

  it('no detections give zeros, and no ground truth −1', () => {
    const none = score(tiny(), []);
    expect(none.stats.slice(0, 4)).toEqual([0, 0, 0, 0]);
    expect(none.stats[4]).toBe(-1);
    expect(none.perCategory.map(({ ap }) => ap)).toEqual([0, -1]);
    expect(parseResults(memorySource('[]'), 'r', tiny()).detections.size).toBe(0);
  });

  it('a crowd swallows detections and is itself no miss', () => {
    const truths = tiny([{}, { iscrowd: 1, bbox: [40, 40, 50, 30], area: 1500 }]);
    const { stats } = score(truths, [
      { imageId: 5, categoryId: 2, score: 0.9, box: box(42, 42, 10, 10) },
      { imageId: 5, categoryId: 2, score: 0.8, box: box(60, 45, 10, 10) },
      { imageId: 5, categoryId: 2, score: 0.7, box: box(10, 10, 20, 20) },
    ]);
    expect(stats[0]).toBeCloseTo(1, 12);
  });

  it('takes other thresholds, limits, pictures and categories', () => {
    const truths = tiny([{}, { bbox: [50, 50, 20, 20] }]);
    const detections = collectDetections(truths, [
      { imageId: 5, categoryId: 2, score: 0.9, box: box(10, 10, 20, 12) },
      { imageId: 5, categoryId: 2, score: 0.8, box: box(50, 50, 20, 20) },
    ]);
    const evaluate = (options: object): CocoEvaluation =>
      evaluateCoco(truths, detections, { type: 'bbox', ...options });
    expect(evaluate({ iouThresholds: [0.6] }).perCategory[0]!.ap).toBeCloseTo(1, 12);
    expect(evaluate({ iouThresholds: [0.61] }).perCategory[0]!.ap).toBeLessThan(0.6);
    expect(evaluate({ maxDetections: [1] }).stats[8]).toBeLessThan(0.5);
    expect(evaluate({ imageIds: [] }).stats[0]).toBe(-1);
    expect(evaluate({ categoryIds: [9] }).perCategory).toMatchObject([{ id: 9, ap: -1 }]);
    expect(() => evaluate({ iouThresholds: [] })).toThrow(/iouThresholds/);
    expect(() => evaluate({ maxDetections: [100, 10] })).toThrow(/ascending/);
  });

  it.each<[string, string, RegExp]>([
    ['an object', '{"image_id": 5}', /no list/],
    [
      'an unknown picture',
      '[{"image_id": 6, "category_id": 2, "score": 1, "bbox": [1, 2, 3, 4]}]',
      /result 0.*image 6/,
    ],
    ['no score', '[{"image_id": 5, "category_id": 2, "bbox": [1, 2, 3, 4]}]', /Result 0 has no score/],
    [
      'a NaN score',
      '[{"image_id": 5, "category_id": 2, "score": NaN, "bbox": [1, 2, 3, 4]}]',
      /Result 0 has a score that is no finite number/,
    ],
    ['neither box nor mask', '[{"image_id": 5, "category_id": 2, "score": 1}]', /neither/],
    ['a short box', '[{"image_id": 5, "category_id": 2, "score": 1, "bbox": [1, 2, 3]}]', /bbox of 3/],
    [
      'a broken mask',
      '[{"image_id": 5, "category_id": 2, "score": 1, "segmentation": {"size": [80, 100], "counts": "0"}}]',
      /Result 0.*sum to 0/,
    ],
  ])('results with %s are refused by name', (_, text, message) => {
    expect(() => parseResults(memorySource(text), 'r.json', tiny())).toThrow(message);
  });

  it('results of unknown categories are mentioned and not scored', () => {
    const text = '[{"image_id": 5, "category_id": 77, "score": 1, "bbox": [10, 10, 20, 20]}]';
    const { detections, warnings } = parseResults(memorySource(text), 'r.json', tiny());
    expect(warnings.join()).toMatch(/result 0: has category 77/);
    expect(evaluateCoco(tiny(), detections, { type: 'bbox' }).stats[0]).toBe(0);
  });
});

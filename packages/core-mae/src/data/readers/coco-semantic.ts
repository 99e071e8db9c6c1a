import { z } from 'zod';
import type { ReportFault } from '../../contracts/data-fault.js';
import type { DataReader } from '../../contracts/data-reader.js';
import type { Dataset, Labelling } from '../../contracts/dataset.js';
import type { InstanceLabelOptions } from '../targets/instance-labels.js';
import { checkSettings } from '../../base/check-settings.js';
import type { InstancesAsLabels } from '../targets/semantic-target.js';
import type { CocoAnnotations } from '../coco/annotations.js';
import { cocoSplits } from './coco-layout.js';
import { cocoDataset, type CocoDatasetOptions } from './coco-instances.js';

/** Names of the classes that objects' pixels have, by value. */
export function semanticClassNames(annotations: CocoAnnotations, background: 'class' | 'ignore' = 'class'): string[] {
  const names = annotations.categories.map(({ name }) => name);
  return background === 'class' ? ['background', ...names] : names;
}

export interface CocoSemanticOptions extends Omit<CocoDatasetOptions, 'emptyImages'>, InstanceLabelOptions {}

/**
 * A COCO data set of objects as one for semantic segmentation; targets are for the handler `semantic`.
 *
 * @throws MaeError as `cocoDataset`
 */
function cocoSemanticDataset(path: string, options: CocoSemanticOptions = {}): Dataset<InstancesAsLabels> {
  const { background = 'class', ignoreIndex = 255, ...layout } = options;
  const data = cocoDataset(path, layout);
  return {
    name: data.name,
    size: data.size,
    item: (index) => {
      const { target: instances, ...item } = data.item(index);
      return { ...item, target: { instances: instances!, background, ignoreIndex } };
    },
    classNames: semanticClassNames(data.annotations, background),
    ...(data.layout === undefined ? {} : { layout: `${data.layout}; objects as classes of pixels` }),
    ...(data.labelling === undefined ? {} : { labelling: shifted(data.labelling, background === 'class' ? 1 : 0) }),
    ...(data.missing === undefined ? {} : { missing: data.missing }),
    warnings: data.warnings,
  };
}

/** The same objects, their classes counted from `by`. */
function shifted({ unit, countsOf }: Labelling, by: number): Labelling {
  return { unit, countsOf: (index) => new Map([...countsOf(index)].map(([label, count]) => [label + by, count])) };
}

const text = z.string().min(1).exactOptional();
const schema: z.ZodType<CocoSemanticOptions> = z.strictObject({
  split: text,
  annotations: text,
  images: text,
  background: z.enum(['class', 'ignore']).exactOptional(),
  ignoreIndex: z.int().min(1).max(65_535).exactOptional(),
  followLinks: z.boolean().exactOptional(),
  reportFault: z.custom<ReportFault>().exactOptional(),
});

/** `data.format` "coco-semantic"; only by name, since the same files are objects to begin with. */
export const cocoSemanticReader: DataReader = {
  name: 'coco-semantic',
  settings: ['images', 'annotations'],
  recognizes: () => Promise.resolve(false),
  splits: (path) => Promise.resolve(cocoSplits(path)),
  open: async (path, options = {}) =>
    Promise.resolve(cocoSemanticDataset(path, checkSettings(schema, options, 'data reader coco-semantic'))),
};

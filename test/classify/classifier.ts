import type { VitConfig } from '#core/contracts/backbone.js';
import { vitBackbone } from '#core/models/vit.js';
import { type ClassifySettings, classifySettings, classifyTask } from '@mae-tasks/plugin-classify';
import { referenceConfig } from '../models/reference.js';

/** The fine-tuning ViT of `test/fixtures/mae/vit_*`: the tiny MAE's encoder on larger pictures. */
export const referenceVit: VitConfig = { ...referenceConfig, imageSize: [48, 48] };
export const NUM_CLASSES = 7;

/** The classifier as the reference has it. */
export function referenceClassifier(settings: Partial<ClassifySettings> = {}, mode: 'full' | 'linear-probe' = 'full') {
  const classNames = Array.from({ length: NUM_CLASSES }, (_, index) => `class ${index}`);
  return classifyTask.createModel({
    settings: { ...classifySettings.parse({}), ...settings },
    facts: { classNames, counts: classNames.map(() => 1) },
    mode,
    vit: referenceVit,
    backbone: vitBackbone,
    dropPath: 0,
    statistics: { mean: [0, 0, 0], std: [1, 1, 1] },
  });
}

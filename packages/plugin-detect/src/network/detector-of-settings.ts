import { type Backbone, MaeError, type TaskContext, type VitConfig } from '@mae-tasks/core-mae/task';
import { CASCADE_STAGES } from './box-stages.js';
import { type DetectorConfig, detectorConfig, pyramidStrides, spreadGlobalBlocks } from './detector-config.js';
import { type DetectFacts, predictsMasks, requireKnownClasses } from '../facts.js';
import type { DetectSettings } from '../settings.js';

/** What says what a detector looks like. */
export type DescribedDetector = Pick<TaskContext<DetectSettings, DetectFacts>, 'settings' | 'facts' | 'vit'> & {
  readonly backbone: Pick<Backbone, 'name'>;
};

/**
 * The detector that the settings describe.
 *
 * @throws MaeError `CONFIG_INVALID`
 */
export function detectorOfSettings({ settings, facts, vit, backbone }: DescribedDetector): DetectorConfig {
  requirePlainVit(backbone);
  const { anchors, rpn, boxHead } = settings;
  const [height, width] = vit.imageSize;
  return detectorConfig({
    vit,
    numClasses: facts.classNames.length,
    positionGrid: settings.positionGrid ?? [height / vit.patchSize, width / vit.patchSize],
    windowSize: settings.windowSize,
    globalBlocks: settings.globalBlocks ?? spreadGlobalBlocks(vit.depth),
    neck: settings.neck,
    pyramidChannels: settings.pyramidChannels,
    anchors: { sizes: anchors.sizes ?? anchorSizes(vit), aspectRatios: anchors.aspectRatios },
    rpn,
    boxHead,
    cascade: settings.cascade ? CASCADE_STAGES : undefined,
    maskHead: predictsMasks(settings, facts) ? settings.maskHead : undefined,
    test: testSettingsOf(settings, facts),
  });
}

/** @throws MaeError `CONFIG_INVALID` for another backbone */
export function requirePlainVit({ name }: Pick<Backbone, 'name'>): void {
  if (name === 'vit') return;
  throw new MaeError('CONFIG_INVALID', {
    what: `\`model.backbone\` (=${name}) cannot be used for detection`,
    fix: 'its windowed attention is that of the plain ViT: use vit',
  });
}

/** Which detections are kept. @throws MaeError `CONFIG_INVALID` for an unknown class */
export function testSettingsOf(settings: DetectSettings, facts: DetectFacts): DetectorConfig['test'] {
  const { scoreThreshold, nmsThreshold, agnosticNms, detectionsPerImage } = settings;
  return {
    scoreThreshold,
    nmsThreshold,
    agnosticNms,
    detectionsPerImage,
    classes: requireKnownClasses(settings.classes, facts.classNames),
  };
}

/** Eight times the strides (32 to 512 for patches of 16), scaled down where the largest exceeds the picture. */
function anchorSizes(vit: VitConfig): DetectorConfig['anchors']['sizes'] {
  const sizes = pyramidStrides(vit).map((stride) => 8 * stride);
  const factor = Math.min(1, Math.max(...vit.imageSize) / sizes.at(-1)!);
  return sizes.map((size) => size * factor) as unknown as DetectorConfig['anchors']['sizes'];
}

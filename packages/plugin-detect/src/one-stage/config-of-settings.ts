import { MaeError } from '@mae-tasks/core-mae/task';
import { spreadGlobalBlocks } from '../network/detector-config.js';
import { type DescribedDetector, requirePlainVit, testSettingsOf } from '../network/detector-of-settings.js';
import { predictsMasks } from '../facts.js';
import { type OneStageConfig, requireValidOneStage } from './config.js';

/**
 * The one-stage detector that the settings describe. Where windows are no smaller than the picture, attention is over
 * the whole of it: a window would only add empty places.
 *
 * @throws MaeError `CONFIG_INVALID`
 */
export function oneStageOfSettings({ settings, facts, vit, backbone }: DescribedDetector): OneStageConfig {
  requirePlainVit(backbone);
  if (settings.cascade || settings.neck !== 'simple') {
    throw new MaeError('CONFIG_INVALID', {
      what: `\`detect.${settings.cascade ? 'cascade' : 'neck'}\` is of two stages, and \`detect.head\` is one-stage`,
      fix: 'leave one of them away, or set `detect.head=two-stage`',
    });
  }
  const { oneStage, windowSize } = settings;
  const { patchSize, depth } = vit;
  const grid = vit.imageSize.map((side) => side / patchSize) as [number, number];
  const { prototypes } = oneStage;
  const wholeInWindow = Math.max(...grid) <= windowSize;
  const config: OneStageConfig = {
    vit,
    numClasses: facts.classNames.length,
    positionGrid: settings.positionGrid ?? grid,
    windowSize,
    globalBlocks:
      settings.globalBlocks ??
      (wholeInWindow ? Array.from({ length: depth }, (_, index) => index) : spreadGlobalBlocks(depth)),
    strides: oneStage.strides ?? [patchSize / 2, patchSize, 2 * patchSize],
    pyramidChannels: oneStage.channels,
    spatialPrior: oneStage.spatialPrior,
    numConvs: oneStage.numConvs,
    convChannels: oneStage.channels,
    regMax: oneStage.regMax,
    assignment: oneStage.assignment,
    lossWeights: oneStage.lossWeights,
    masks: predictsMasks(settings, facts)
      ? {
          numPrototypes: prototypes.count,
          channels: prototypes.channels,
          pointsPerImage: prototypes.pointsPerImage,
        }
      : undefined,
    test: testSettingsOf(settings, facts),
  };
  requireValidOneStage(config);
  return config;
}

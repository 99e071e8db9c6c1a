import type { Dataset } from '../../contracts/dataset.js';
import type { Engine } from '../../contracts/engine.js';
import type { ParameterTree } from '../../contracts/tensor.js';
import type { MaeConfig } from '../../models/mae-config.js';
import { isEncoderParameter } from '../../models/mae.js';
import { checkSettings } from '../../base/check-settings.js';
import type { z } from 'zod';
import { readingSettings as readingSchema } from '../settings/data-settings.js';
import type { ModelSettingsInput } from '../settings/model-settings.js';
import { assemblePretraining } from './assemble.js';
import { pretrainSettings, type PretrainSettingsInput } from '../settings/pretrain-settings.js';
import { evaluatedParameters, type StepRecord, train, type Training } from '../loop/training.js';

export interface PretrainOptions extends Omit<PretrainSettingsInput, 'model'> {
  readonly engine: Engine;
  /** A preset, a preset's name, or a preset with some dimensions replaced. */
  readonly model?: MaeConfig | ModelSettingsInput;
  readonly data: Dataset | Promise<Dataset>;
  /** How pictures are read; see `readingSettings`. */
  readonly reading?: z.input<typeof readingSchema>;
  /**
   * Into how many equal parts a batch is split, each run by a thread (or a share of the engine's threads) of its own.
   * Default 1. Results are the same up to the order of sums; it pays for small models.
   */
  readonly replicas?: number;
}

/** A pretraining that runs as its steps are asked for. */
export interface PretrainRun extends AsyncIterable<StepRecord> {
  /** All parameters, decoder included, as they are now; the moving average where one is kept. */
  readonly parameters: ParameterTree;
  /** The parameters that transfer to other tasks. */
  readonly encoder: ParameterTree;
}

/**
 * Pretrains a masked autoencoder, one record an optimizer step. Nothing is written: callers log, stop and save.
 *
 * @throws MaeError `CONFIG_INVALID` at once for settings that make no sense
 */
export function pretrain({ engine, data, reading = {}, replicas = 1, ...rest }: PretrainOptions): PretrainRun {
  const settings = checkSettings(pretrainSettings, rest);
  const readingSettings = checkSettings(readingSchema, reading);
  let training: Training | undefined;
  const current = (): ParameterTree => {
    if (training === undefined) throw new Error('A pretraining has no parameters before its first step.');
    return evaluatedParameters(training.state);
  };
  return {
    async *[Symbol.asyncIterator]() {
      const pictures = { train: await data };
      training ??= await assemblePretraining({ ...settings, data: readingSettings }, { engine, pictures });
      const { loop, data: batches } = training;
      try {
        yield* train({ ...training, loop: { ...loop, replicas } });
      } finally {
        await batches.close();
      }
    },
    get parameters() {
      return current();
    },
    get encoder() {
      return new Map([...current()].filter(([name]) => isEncoderParameter(name)));
    },
  };
}

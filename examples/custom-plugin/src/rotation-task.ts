import {
  type BatchedFunction,
  createEncoderBatch,
  encodeOptionsOf,
  encoderBatchSpec,
  evaluationTransforms,
  type Evaluator,
  MaeError,
  type NamedTensors,
  type Sample,
  type Task,
  tf,
  truncatedNormal,
  zeros,
} from '@mae-tasks/core-mae/task';
import { z } from 'zod';

const rotationSettings = z.strictObject({
  /** How many of the quarter turns are told apart, from 2 (upright, quarter turn) to 4. */
  turns: z.int().min(2).max(4).default(4),
});

type RotationSettings = z.output<typeof rotationSettings>;

/** How far a picture was turned counter-clockwise, in quarter turns: pictures are turned as they are batched. */
export const rotationTask: Task<RotationSettings> = {
  name: 'rotation',
  description: 'Tell how far a picture was turned.',
  settings: rotationSettings,
  flags: [
    { name: 'turns', description: 'quarter turns that are told apart (4)', setting: 'turns', placeholder: '2|3|4' },
  ],

  // Nothing of the data needs to be known: any picture will do.
  examine: () => ({}),

  createModel({ settings: { turns }, vit, backbone, dropPath, statistics }) {
    const [height, width] = vit.imageSize;
    if (height !== width) {
      throw new MaeError('CONFIG_INVALID', { what: `\`model.imageSize\` (=${height}×${width}) is not square` });
    }
    const logitsOf = (parameters: NamedTensors, batch: NamedTensors): tf.Tensor2D => {
      const tokens = backbone.encode(parameters, batch.images as tf.Tensor4D, vit, encodeOptionsOf(batch));
      const features = tf.mean(tokens, 0); // [B, D]
      return tf.add(tf.matMul(features, parameters['head.weight']!, false, true), parameters['head.bias']!);
    };
    const transforms = evaluationTransforms(vit.imageSize, statistics);
    const lossPerImage = (logits: tf.Tensor2D, targets: tf.Tensor): tf.Tensor =>
      tf.neg(tf.sum(tf.mul(tf.log(tf.add(tf.softmax(logits), 1e-8)), targets), 1)); // [B]

    const batched = (rate: number): Pick<BatchedFunction, 'batchSpec' | 'collate' | 'transforms'> => ({
      batchSpec: (batchSize) => ({
        ...encoderBatchSpec({ vit, dropPath: rate }, batchSize),
        targets: { shape: [batchSize, turns], dtype: 'float32' },
      }),
      collate(samples, random) {
        const targets = new Float32Array(samples.length * turns);
        const turned = samples.map((sample, index) => {
          const turn = random.fork('turn', index).integer(turns);
          targets[index * turns + turn] = 1;
          return turnSample(sample, turn);
        });
        return {
          ...createEncoderBatch(turned, { vit, dropPath: rate }, random),
          targets: { shape: [samples.length, turns], dtype: 'float32', data: targets },
        };
      },
      transforms,
    });

    return {
      objective: {
        name: 'rotation',
        parameters: {
          ...backbone.parameters(vit),
          'head.weight': { shape: [turns, vit.embedDim], init: truncatedNormal(0.02) },
          'head.bias': { shape: [turns], init: zeros },
        },
        training: {
          ...batched(dropPath),
          fn: (parameters, batch) => ({ loss: tf.mean(lossPerImage(logitsOf(parameters, batch), batch.targets!)) }),
        },
        evaluation: {
          ...batched(0),
          fn: (parameters, batch) => {
            const logits = logitsOf(parameters, batch);
            return { losses: lossPerImage(logits, batch.targets!), logits, targets: batch.targets! };
          },
        },
        createEvaluator: () => createEvaluator(turns),
        primaryMetric: { name: 'valAccuracy', better: 'higher' },
      },
      checkpoint: { allowMissing: ['head.'], allowUnexpected: ['head.', 'norm.', 'fc_norm.'] },
      prediction: {
        // Pictures to be answered for are left as they are.
        forward: {
          fn: (parameters, batch) => ({ logits: logitsOf(parameters, batch) }),
          batchSpec: (batchSize) => encoderBatchSpec({ vit, dropPath: 0 }, batchSize),
          collate: (samples, random) => createEncoderBatch(samples, { vit, dropPath: 0 }, random),
          transforms,
        },
        decode: ({ logits }, samples) =>
          samples.map((_, index) => ({ degrees: 90 * highest(logits!.data as Float32Array, index, turns) })),
        columns: ['degrees'],
        rows: (result) => [[(result as { degrees: number }).degrees]],
      },
    };
  },
};

function createEvaluator(turns: number): Evaluator {
  let [right, loss, count] = [0, 0, 0];
  return {
    update({ logits, targets, losses }, samples) {
      samples.forEach((_, index) => {
        if (highest(logits!.data, index, turns) === highest(targets!.data, index, turns)) right++;
        loss += losses!.data[index]!;
      });
      count += samples.length;
    },
    compute: () => ({ valLoss: loss / count, valAccuracy: (100 * right) / count }),
  };
}

/** The place of the highest value in a row. */
function highest(values: ArrayLike<number>, row: number, length: number): number {
  const all = Array.from({ length }, (_, index) => values[row * length + index]!);
  return all.indexOf(Math.max(...all));
}

/** The sample turned counter-clockwise by quarter turns: `(y, x)` comes from `(x, side − 1 − y)`. */
function turnSample(sample: Sample, turns: number): Sample {
  if (turns === 0) return sample;
  const { width: side, channels } = sample;
  const pixels = new Float32Array(sample.pixels.length);
  for (let to = 0; to < side * side; to++) {
    const from = (to % side) * side + side - 1 - Math.floor(to / side);
    pixels.set(sample.pixels.subarray(from * channels, (from + 1) * channels), to * channels);
  }
  return turnSample({ ...sample, pixels }, turns - 1);
}

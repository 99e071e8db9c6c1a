import {
  type BatchedFunction,
  type Drawing,
  type Outputs,
  pictureSheetPng,
  type Sample,
  type TaskContext,
  type TaskPrediction,
  toSheetPicture,
} from '@mae-tasks/core-mae/task';
import { softmax } from './accuracy.js';
import type { ClassifyFacts } from './facts.js';
import type { ClassifySettings } from './settings.js';

/** The most probable classes of a picture, best first. */
export interface ClassPrediction {
  readonly classes: ReadonlyArray<{ readonly name: string; readonly probability: number }>;
}

type Context = TaskContext<ClassifySettings, ClassifyFacts>;

/** How logits become class names, tables and pictures. */
export function createPrediction(
  forward: BatchedFunction,
  { settings, facts, vit, statistics }: Context,
): TaskPrediction<ClassPrediction, Outputs> {
  const { classNames } = facts;
  const decode = ({ logits: all }: Outputs, samples: readonly Sample[]): ClassPrediction[] => {
    const logits = all!.data as Float32Array;
    return samples.map((_, index) => {
      const row = logits.subarray(index * classNames.length, (index + 1) * classNames.length);
      const classes = Array.from(softmax(row), (probability, label) => ({ name: classNames[label]!, probability }));
      return { classes: classes.sort((a, b) => b.probability - a.probability).slice(0, settings.topK) };
    });
  };
  const draw = async (samples: readonly Sample[], results: readonly ClassPrediction[]): Promise<Drawing[]> => {
    const columns = Math.min(4, samples.length);
    const pictures = samples.map((sample, index) => ({
      ...toSheetPicture(sample.pixels as Float32Array, { config: vit, ...statistics }),
      caption: captionOf(results[index]!, sample.target, classNames),
    }));
    const rows = Array.from({ length: Math.ceil(pictures.length / columns) }, (_, row) => ({
      pictures: pictures.slice(row * columns, (row + 1) * columns),
    }));
    const png = await pictureSheetPng({ title: 'Predictions', rows }, { minSide: 160, enlarging: 'smooth' });
    return [{ name: 'predictions', png }];
  };
  return {
    forward,
    decode,
    columns: ['rank', 'class', 'probability'],
    rows: ({ classes }) => classes.map(({ name, probability }, rank) => [rank + 1, name, roundTo4(probability)]),
    draw,
  };
}

/** `cat 97 %`, and what it is where that is known and differs. */
function captionOf({ classes }: ClassPrediction, target: unknown, classNames: readonly string[]): string {
  const [best] = classes;
  const said = `${best!.name} ${Math.round(100 * best!.probability)} %`;
  const truth = typeof target === 'number' ? classNames[target] : undefined;
  return truth === undefined || truth === best!.name ? said : `${said}, is ${truth}`;
}

function roundTo4(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}

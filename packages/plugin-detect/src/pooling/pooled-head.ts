import {
  type Batch,
  type Engine,
  type HostTensor,
  type ParameterSpecs,
  type ParameterTree,
  type Program,
  type ProgramSpec,
  shapesOf,
  sizeOf,
} from '@mae-tasks/core-mae/task';
import { type FeatureLevel, type PoolOptions, type Regions, roiAlign, roiAlignGradient } from './roi-align.js';

export interface PooledHeadOptions {
  readonly engine: Engine;
  readonly specs: ParameterSpecs;
  /** The program for this many regions; its batch has `pooled` `[size, S, S, C]`. */
  readonly program: (size: number) => Pick<ProgramSpec, 'name' | 'fn' | 'batch'>;
  /** Names of parameters that gradients are wanted for; the head's own are picked out. Absent: none, and no `loss`. */
  readonly gradients?: readonly string[];
  /** Whether gradients by the features are wanted. Default false. */
  readonly backwards?: boolean;
  /** What these are multiplied by. Default 1. */
  readonly backwardsFactor?: number;
}

export interface PooledHeadInputs {
  /** Regions that the program is made for, at least as many as there are. */
  readonly size: number;
  readonly regions: Regions;
  readonly pool: PoolOptions;
  readonly features: readonly FeatureLevel[];
  /** The rest of the program's batch. */
  readonly batch: Batch;
  readonly gradients?: ParameterTree;
  /** Of the features' shapes; what the loss asks of the features is added. */
  readonly cotangents?: readonly FeatureLevel[];
}

/** A head on pooled regions: pools, runs its program of the fitting size, and takes gradients back to the features. */
export interface PooledHead {
  /** The program's outputs; undefined without regions, gradients being zero then. */
  run(parameters: ParameterTree, inputs: PooledHeadInputs): Promise<Readonly<Record<string, HostTensor>> | undefined>;
  dispose(): void;
}

export function createPooledHead({
  engine,
  specs,
  program,
  gradients: wanted = [],
  backwards = false,
  backwardsFactor = 1,
}: PooledHeadOptions): PooledHead {
  const own = wanted.filter((name) => name in specs);
  const compiled = new Map<number, { readonly program: Program; readonly pooled: HostTensor }>();

  const ofSize = async (size: number) => {
    const found = compiled.get(size);
    if (found !== undefined) return found;
    const spec = program(size);
    const { shape, dtype } = spec.batch.pooled!;
    const made = {
      program: await engine.compile({
        ...spec,
        parameters: shapesOf(specs),
        gradients: backwards ? [...own, 'pooled'] : own,
      }),
      pooled: { shape, dtype, data: new Float32Array(sizeOf(shape)) },
    };
    compiled.set(size, made);
    return made;
  };

  return {
    async run(parameters, { size, regions, pool, features, batch, gradients, cotangents }) {
      const count = regions.pictures.length;
      if (count === 0) {
        for (const name of own) gradients!.get(name)!.data.fill(0);
        return undefined;
      }
      const { program, pooled } = await ofSize(size);
      roiAlign(features, regions, pool, pooled.data as Float32Array);
      // Regions of an earlier run, past those of this one, are finite and weigh nothing.
      const outputs = await program.run(parameters, { ...batch, pooled }, gradients);
      if (backwards) {
        const dPooled = outputs['grad.pooled']!.data as Float32Array;
        roiAlignGradient(cotangents!, regions, pool, dPooled, backwardsFactor);
      }
      return outputs;
    },
    dispose() {
      for (const { program } of compiled.values()) program.dispose();
      compiled.clear();
    },
  };
}

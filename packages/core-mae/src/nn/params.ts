/*
 * nn/: layers, one family a file, as functions of named parameters and tensors; this file makes and lists the
 * parameters themselves, `scope` reads them by prefix, `init` is how they begin.
 * Not here: models (`models/`), and state of any kind: a layer keeps nothing and draws no random number.
 * Called by: `models/` and the plugins' networks; `params` also by checkpoints, optimizers and the loop.
 */

import type { ParameterSpecs } from '../contracts/parameters.js';
import type { Random } from '../contracts/random.js';
import { type Parameter, type ParameterTree, type Shape, sizeOf } from '../contracts/tensor.js';

/** Where parameters live; an engine may place them in memory that native code can read. */
export type AllocateParameters = (shapes: Readonly<Record<string, Shape>>) => ParameterTree;

/** Parameters of these shapes, all zeros, each in an array of its own. */
export const allocateOnHeap: AllocateParameters = (shapes) => {
  const tree = new Map<string, Parameter>();
  for (const [name, shape] of Object.entries(shapes)) {
    tree.set(name, { name, shape, data: new Float32Array(sizeOf(shape)) });
  }
  return tree;
};

/**
 * Freshly initialised parameters. Each draws from its own fork of `random`, so adding one never changes another.
 */
export function initializeParameters(
  specs: ParameterSpecs,
  random: Random,
  allocate: AllocateParameters = allocateOnHeap,
): ParameterTree {
  const tree = allocate(shapesOf(specs));
  for (const [name, { shape, init }] of Object.entries(specs)) {
    tree.get(name)!.data.set(init(shape, random.fork('init', name)));
  }
  return tree;
}

export function shapesOf(specs: ParameterSpecs): Record<string, Shape> {
  return Object.fromEntries(Object.entries(specs).map(([name, { shape }]) => [name, shape]));
}

/** Names of the parameters that an optimizer changes. */
export function trainableNames(specs: ParameterSpecs): string[] {
  return Object.entries(specs)
    .filter(([, { trainable }]) => trainable !== false)
    .map(([name]) => name);
}

/** The same specs with every name behind a prefix: `{'weight': …}` → `{'norm.weight': …}`. */
export function prefixed(prefix: string, specs: ParameterSpecs): ParameterSpecs {
  return Object.fromEntries(Object.entries(specs).map(([name, spec]) => [prefix + name, spec]));
}

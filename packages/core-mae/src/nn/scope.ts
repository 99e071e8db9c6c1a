import type { Tensor } from '@tensorflow/tfjs';
import type { NamedTensors } from '../contracts/engine.js';

/** Looks a parameter up by the rest of its name: with prefix `blocks.0.`, `scope('norm1.weight')`. */
export type Scope = <T extends Tensor = Tensor>(name: string) => T;

/** A view of the parameters below a prefix. A name that is not there is a bug in the model and throws at once. */
export function scope(parameters: NamedTensors, prefix = ''): Scope {
  return <T extends Tensor>(name: string): T => {
    const tensor = parameters[prefix + name];
    if (tensor === undefined)
      throw new Error(`The model reads parameter "${prefix + name}", which its specs do not declare.`);
    return tensor as T;
  };
}

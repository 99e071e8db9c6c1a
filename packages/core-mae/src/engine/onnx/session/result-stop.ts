import type * as onnxRuntime from 'onnxruntime-node';
import { messageOf } from '../../../base/errors.js';
import { encodeModel } from '../encode.js';
import { createGraphBuilder } from '../graph.js';

/**
 * The name of an output that keeps the library from copying the others. After a run it copies every output into a new
 * array and returns these, also where it was given an array and has written to it: for a training step that is as much
 * memory as the parameters, and a millisecond for each megabyte. It makes the copies in the order of the outputs and throws at
 * one that is no tensor, so a sequence in the first place stops it. The arrays that it was given are complete by then.
 */
export const RESULT_STOP = 'results_stay';

const STOPPED = 'Non tensor type is temporarily not supported';

/** Whether a run has ended at the output `RESULT_STOP`, after all outputs were written. */
export function isResultStop(error: unknown): boolean {
  return messageOf(error).includes(STOPPED);
}

/**
 * Whether this version of the library stops there, and only when the outputs are written: by a program of one node. Where it
 * does not, programs go without that output.
 */
export async function findResultStop(runtime: typeof onnxRuntime): Promise<boolean> {
  const graph = createGraphBuilder();
  const x = graph.input('x', [1], 'float32');
  const negated = graph.node('Neg', [x], [{ shape: [1], type: 'float32' }])[0]!;
  const model = encodeModel(graph.finish([graph.output('y', negated)]), 'result-stop', { sequenceOutput: RESULT_STOP });
  const written = new Float32Array(1);
  try {
    const session = await runtime.InferenceSession.create(model, { logSeverityLevel: 4 });
    const y = new runtime.Tensor('float32', written, [1]);
    const run = session.run({ x: new runtime.Tensor('float32', Float32Array.of(1), [1]) }, { [RESULT_STOP]: null, y });
    const stopped = await run.then(() => false, isResultStop);
    await session.release();
    return stopped && written[0] === -1;
  } catch {
    return false;
  }
}

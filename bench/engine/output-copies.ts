import { performance } from 'node:perf_hooks';
import { encodeModel } from '../../packages/core-mae/src/engine/onnx/encode.js';
import { createGraphBuilder } from '../../packages/core-mae/src/engine/onnx/graph.js';
import { RESULT_STOP } from '../../packages/core-mae/src/engine/onnx/session/result-stop.js';
import { createSession, loadOnnxRuntime } from '../../packages/core-mae/src/engine/onnx/session/session.js';

/** Float32 values: 256 MB. */
const SIZE = 64_000_000;
const ROUNDS = 9;

/** A program of one node with one output of 256 MB, which stays where it was written or is copied after the run. */
async function program(sequenceOutput?: string) {
  const graph = createGraphBuilder();
  const x = graph.input('x', [SIZE], 'float32');
  const positive = graph.node('Relu', [x], [{ shape: [SIZE], type: 'float32' }])[0]!;
  const model = encodeModel(graph.finish([graph.output('y', positive)]), 'relu', { sequenceOutput });
  const session = await createSession(await loadOnnxRuntime(), model, 'relu', { provider: 'cpu', threads: 1 });
  const tensor = () => ({ shape: [SIZE], dtype: 'float32' as const, data: new Float32Array(SIZE) });
  const [inputs, outputs] = [new Map([['x', tensor()]]), new Map([['y', tensor()]])];
  return async (): Promise<number> => {
    const start = performance.now();
    await session.run(inputs, outputs);
    return performance.now() - start;
  };
}

/** What is saved by keeping onnxruntime-node from copying outputs that it has already written in place. */
export async function run(): Promise<object> {
  const [staying, copied] = [await program(RESULT_STOP), await program()];
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    times[0].push(await staying());
    times[1].push(await copied());
  }
  const [ours, peer] = times.map((all) => all.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)]!) as [number, number];
  return { name: 'output-copies', ratio: ours / peer, staysMs: ours, copiedMs: peer, rounds: ROUNDS };
}

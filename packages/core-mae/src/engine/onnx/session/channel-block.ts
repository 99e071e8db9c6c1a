import type * as onnxRuntime from 'onnxruntime-node';
import { encodeModel } from '../encode.js';
import { createGraphBuilder, NCHWC } from '../graph.js';

/** More than any block has. */
const CHANNELS = 256;

/**
 * How many channels of a picture ONNX Runtime's convolutions on blocks take together on this processor, or undefined
 * where it has no such convolutions. Found by looking at how a picture of two pixels is laid out.
 */
export async function findChannelBlock(runtime: typeof onnxRuntime): Promise<number | undefined> {
  const graph = createGraphBuilder();
  const picture = graph.input('picture', [1, 1, 2, CHANNELS], 'float32');
  const [blocked] = graph.node('ReorderInput', [picture], [{ shape: [1, CHANNELS, 1, 2], type: 'float32' }], {
    attributes: { channels_last: 1 },
    domain: NCHWC,
  });
  const model = encodeModel(graph.finish([graph.output('blocked', blocked!)]), 'channel-block');
  const values = Float32Array.from({ length: 2 * CHANNELS }, (_, index) => index);
  try {
    const session = await runtime.InferenceSession.create(model, { logSeverityLevel: 4 });
    const result = await session.run({ picture: new runtime.Tensor('float32', values, picture.shape) });
    await session.release();
    // The second pixel's first channel follows the first pixel's first block.
    const block = (result.blocked!.data as Float32Array).indexOf(CHANNELS);
    return block > 1 && block < CHANNELS ? block : undefined;
  } catch {
    // A build, or a processor, without these operators: its Conv remains.
    return undefined;
  }
}

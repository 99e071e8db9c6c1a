import { writeFileAtomically } from '../checkpoint/atomic-write.js';
import type { Exporter } from '../contracts/exporter.js';
import { exportOnnx } from '../engine/export-onnx.js';
import { MaeError } from '../errors.js';

/** Writes a model's forward pass with its parameters as one ONNX file of standard operators. */
export const onnxExporter: Exporter = {
  name: 'onnx',
  extension: '.onnx',
  async write({ name, parameters, forward, metadata }, path, { batchSize }) {
    if (forward === undefined) {
      throw new MaeError('CONFIG_INVALID', {
        what: `"${name}" is more than one program, so it cannot be one ONNX file`,
        fix: 'use --format safetensors',
      });
    }
    const shapes = Object.fromEntries([...parameters].map(([key, { shape }]) => [key, shape]));
    const spec = { name, fn: forward.fn, parameters: shapes, batch: forward.batchSpec(batchSize) };
    await writeFileAtomically(path, exportOnnx(spec, parameters, { metadata }));
  },
};

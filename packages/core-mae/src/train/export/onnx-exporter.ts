import { extname } from 'node:path';
import { writeFileAtomically } from '../../base/atomic-write.js';
import type { Exporter } from '../../contracts/exporter.js';
import { exportOnnx } from '../../engine/export-onnx.js';
import { MaeError } from '../../base/errors.js';

/**
 * Writes a model's forward pass with its parameters as one ONNX file of standard operators; a model of several programs
 * as one file each, `model.<program>.onnx`, and what is to know of them, `model.json`.
 */
export const onnxExporter: Exporter = {
  name: 'onnx',
  extension: '.onnx',
  async write({ name, parameters, forward, programs, metadata }, path, { batchSize }) {
    const extension = extname(path);
    const stem = path.slice(0, path.length - extension.length);
    const written =
      programs !== undefined
        ? Object.entries(programs).map(([key, program]) => ({ key, program, file: `${stem}.${key}${extension}` }))
        : forward !== undefined
          ? [{ key: name, program: forward, file: path }]
          : [];
    if (written.length === 0) {
      throw new MaeError('CONFIG_INVALID', {
        what: `"${name}" is more than one program and does not name them, so it cannot be written as ONNX files`,
        fix: 'use --format safetensors',
      });
    }
    const shapes = Object.fromEntries([...parameters].map(([key, { shape }]) => [key, shape]));
    for (const { key, program, file } of written) {
      const spec = { name: key, fn: program.fn, parameters: shapes, batch: program.batchSpec(batchSize) };
      await writeFileAtomically(
        file,
        exportOnnx(spec, parameters, { metadata: programs === undefined ? metadata : { ...metadata, program: key } }),
      );
    }
    const files = written.map(({ file }) => file);
    if (programs === undefined) return files;
    const description = `${stem}.json`;
    const text = JSON.stringify({ ...metadata, batchSize: String(batchSize) }, null, 2);
    await writeFileAtomically(description, new TextEncoder().encode(`${text}\n`));
    return [...files, description];
  },
};

import { extname } from 'node:path';
import { writeFileAtomically } from '../../base/atomic-write.js';
import type { ExportedModel, Exporter, ExportModelOptions } from '../../contracts/exporter.js';
import type { ExportedProgram } from '../../contracts/objective.js';
import { exportOnnx, exportOnnxOfAnySize } from '../../engine/export-onnx.js';
import { MaeError } from '../../base/errors.js';

/**
 * Writes a model's forward pass with its parameters as one ONNX file of standard operators; a model of several programs
 * as one file each, `model.<program>.onnx`, and what is to know of them, `model.json`. Where they are to take any number of
 * pictures and one of them cannot, all are fixed and a warning says so.
 */
export const onnxExporter: Exporter = {
  name: 'onnx',
  extension: '.onnx',
  async write(model, path, options) {
    const { name, forward, programs } = model;
    const extension = extname(path);
    const stem = path.slice(0, path.length - extension.length);
    const written: readonly WrittenProgram[] =
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
    const batchSize = encodable(written, model, options) ? ANY : String(options.batchSize);
    for (const { key, program, file } of written) {
      const metadata = { ...model.metadata, batchSize, ...(programs === undefined ? {} : { program: key }) };
      await writeFileAtomically(file, encode({ key, program, file }, model, { ...options, batchSize, metadata }));
    }
    const files = written.map(({ file }) => file);
    if (programs === undefined) return files;
    const description = `${stem}.json`;
    const text = JSON.stringify({ ...model.metadata, batchSize }, null, 2);
    await writeFileAtomically(description, new TextEncoder().encode(`${text}\n`));
    return [...files, description];
  },
};

/** What the metadata says of programs that take any number of pictures. */
const ANY = 'any';

interface WrittenProgram {
  readonly key: string;
  readonly program: ExportedProgram;
  readonly file: string;
}

/** Whether all programs can be, and are to be, written for any number of pictures. */
function encodable(
  written: readonly WrittenProgram[],
  model: ExportedModel,
  { anyBatchSize = false, batchSize, reportWarning }: ExportModelOptions,
): boolean {
  if (!anyBatchSize) return false;
  try {
    for (const each of written) encode(each, model, { batchSize: ANY, metadata: {} });
    return true;
  } catch (error) {
    if (!(error instanceof MaeError) || error.code !== 'TRACE_UNSUPPORTED') throw error;
    reportWarning?.(
      `The file takes ${batchSize} ${batchSize === 1 ? 'picture' : 'pictures'} at a time: ${error.message}`,
    );
    return false;
  }
}

function encode(
  { key, program }: WrittenProgram,
  { parameters }: ExportedModel,
  { batchSize, metadata }: { readonly batchSize: string; readonly metadata: Readonly<Record<string, string>> },
): Uint8Array {
  const shapes = Object.fromEntries([...parameters].map(([name, { shape }]) => [name, shape]));
  const spec = { name: key, fn: program.fn, parameters: shapes };
  return batchSize === ANY
    ? exportOnnxOfAnySize({ ...spec, batchSpec: (size) => program.batchSpec(size) }, parameters, { metadata })
    : exportOnnx({ ...spec, batch: program.batchSpec(Number(batchSize)) }, parameters, { metadata });
}

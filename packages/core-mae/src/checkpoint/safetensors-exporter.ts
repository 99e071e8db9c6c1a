import type { Exporter } from '../contracts/exporter.js';
import { saveCheckpoint } from './save.js';

/** Writes parameters under their own names into one safetensors file. */
export const safetensorsExporter: Exporter = {
  name: 'safetensors',
  extension: '.safetensors',
  write: ({ parameters, metadata }, path) => saveCheckpoint(path, parameters, { metadata }),
};

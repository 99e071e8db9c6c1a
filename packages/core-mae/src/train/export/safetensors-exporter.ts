import type { Exporter } from '../../contracts/exporter.js';
import { saveCheckpoint } from '../../checkpoint/save.js';

/** Writes parameters under their own names into one safetensors file. */
export const safetensorsExporter: Exporter = {
  name: 'safetensors',
  extension: '.safetensors',
  async write({ parameters, metadata }, path) {
    await saveCheckpoint(path, parameters, { metadata });
    return [path];
  },
};

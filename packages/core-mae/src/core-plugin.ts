import { Backbone } from './contracts/backbone.js';
import { DataReader } from './contracts/data-reader.js';
import { Exporter } from './contracts/exporter.js';
import { TrackerFactory } from './contracts/tracker.js';
import { safetensorsExporter } from './train/export/safetensors-exporter.js';
import { dataReaders } from './data/readers/core-readers.js';
import { convStemBackbone } from './models/conv-stem.js';
import { vitBackbone } from './models/vit.js';
import { PLUGIN_API_VERSION } from './plugin/api-version.js';
import { definePlugin } from './plugin/define-plugin.js';
import { onnxExporter } from './train/export/onnx-exporter.js';
import { metricsJsonlTracker, resultsCsvTracker, tensorboardTracker } from './train/run/file-trackers.js';

/** What core itself brings, bound as a plugin binds its own. */
export const corePlugin = definePlugin({
  name: 'core',
  apiVersion: PLUGIN_API_VERSION,
  register({ bind }) {
    for (const reader of dataReaders) bind(DataReader).toConstantValue(reader);
    for (const backbone of [vitBackbone, convStemBackbone]) bind(Backbone).toConstantValue(backbone);
    for (const exporter of [safetensorsExporter, onnxExporter]) bind(Exporter).toConstantValue(exporter);
    for (const factory of [metricsJsonlTracker, resultsCsvTracker, tensorboardTracker]) {
      bind(TrackerFactory).toConstantValue(factory);
    }
  },
});

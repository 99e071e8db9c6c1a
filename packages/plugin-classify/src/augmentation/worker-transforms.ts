/** What worker threads load: these transforms alone, without the rest of the plugin. */
export { randAugment } from './rand-augment.js';
export { randomErasing } from './random-erasing.js';

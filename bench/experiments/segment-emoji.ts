import { makeEmojiScenes } from './segment-emoji/scenes.js';
import { compareSegmentation } from './segmentation.js';

/** Scenes of rendered emoji, which are made here, so that anyone can run this. */
export async function run(): Promise<void> {
  await makeEmojiScenes();
  await compareSegmentation({
    name: 'segment-emoji',
    title: 'Emoji',
    pretrainEpochs: 60,
    budgets: [{ labelled: 500, epochs: 12, seeds: [0, 1, 2] }],
  });
}

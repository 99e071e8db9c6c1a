import { compareDetection } from './detection.js';
import { makeEmojiScenes } from './segment-emoji/scenes.js';

/** Scenes of rendered emoji, which are made here, so that anyone can run this. */
export async function run(): Promise<void> {
  await makeEmojiScenes();
  await compareDetection({
    name: 'detect-emoji',
    encoder: { experiment: 'segment-emoji', epochs: 60 },
    budgets: [
      { labelled: 2000, epochs: 3, seeds: [0] },
      { labelled: 500, epochs: 5, seeds: [0, 1, 2] },
    ],
  });
}

import { compareDetection } from './detection.js';
import { makeEmojiScenes } from './segment-emoji/scenes.js';

/** Scenes of rendered emoji, which are made here, so that anyone can run this. */
export async function run(): Promise<void> {
  await makeEmojiScenes();
  await compareDetection({
    name: 'detect-emoji',
    drawThreshold: 0.1,
    encoder: { experiment: 'segment-emoji', epochs: 60 },
    budgets: [{ labelled: 500, epochs: 4, seeds: [0, 1, 2] }],
  });
}

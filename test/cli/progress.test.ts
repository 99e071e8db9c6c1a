import type { MetricsRecord } from '@mae-tasks/core-mae/task';
import { describe, expect, it } from 'vitest';
import stringWidth from 'string-width';
import { createProgress } from '../../packages/cli/src/training/progress.js';
import { openScreen, type Screen } from './terminal-screen.js';

const train = (step: number, loss = 0.43211): MetricsRecord => ({
  step,
  epoch: Math.ceil(step / 53),
  phase: 'train',
  values: { loss, lr: 1.2e-4, gradNorm: 3, imagesPerSecond: 511.7 },
});
const validation = (step: number, epoch: number): MetricsRecord => ({
  step,
  epoch,
  phase: 'val',
  values: { valLoss: 0.41 },
});

/** Runs steps at a steady pace. */
function run(screen: Screen, progress: { update(record: MetricsRecord): void }, from: number, to: number): void {
  for (let step = from; step <= to; step++) {
    screen.wait(100);
    progress.update(train(step));
  }
}

describe('progress on a window', () => {
  it('is one line with epoch, step, loss, learning rate, speed and time left', () => {
    const screen = openScreen();
    const progress = createProgress({ terminal: screen.terminal, totalEpochs: 20, totalSteps: 1060 });
    run(screen, progress, 1, 120);
    expect(screen.visible()).toEqual(['epoch 3/20  step 120/1060  loss 0.4321  lr 1.2e-4  512 img/s  1:34 left']);
  });

  it('shows the speed of the last seconds, not of single steps', () => {
    const screen = openScreen();
    const progress = createProgress({ terminal: screen.terminal, liveIntervalMs: 0 });
    const shown = [100, 400, 100, 400, 100, 400].map((imagesPerSecond, index) => {
      screen.wait(1000);
      progress.update({ ...train(index + 1), values: { imagesPerSecond } });
      return Number(/([\d.]+) img/u.exec(screen.visible().at(-1)!)![1]);
    });
    // One picture at each speed takes 12.5 ms: 160 a second.
    expect(shown).toEqual([100, 160, 133, 160, 143, 182]);
  });

  it('drops the least important first and never wraps, however narrow', () => {
    const shown = [200, 72, 60, 45, 35, 28, 22, 12, 3].map((columns) => {
      const screen = openScreen({ columns: () => columns });
      const progress = createProgress({ terminal: screen.terminal, totalEpochs: 20, totalSteps: 1060 });
      run(screen, progress, 1, 120);
      const line = screen.visible().at(-1)!;
      expect(stringWidth(line)).toBeLessThan(columns);
      return line;
    });
    expect(shown).toEqual([
      'epoch 3/20  step 120/1060  loss 0.4321  lr 1.2e-4  512 img/s  1:34 left',
      'epoch 3/20  step 120/1060  loss 0.4321  lr 1.2e-4  512 img/s  1:34 left',
      'epoch 3/20  step 120/1060  loss 0.4321  1:34 left',
      'epoch 3/20  loss 0.4321  1:34 left',
      'epoch 3/20  loss 0.4321  1:34 left',
      'epoch 3/20  loss 0.4321',
      'epoch 3/20',
      'epoch 3/20',
      'e…',
    ]);
  });

  it('keeps the newest validation in sight and redraws no more often than told', () => {
    const screen = openScreen();
    const progress = createProgress({ terminal: screen.terminal, totalSteps: 1060, liveIntervalMs: 1000 });
    run(screen, progress, 1, 53);
    progress.update(validation(53, 1));
    expect(screen.visible().at(-1)).toContain('valLoss 0.4100');
    const drawings = screen.stdout.length;
    run(screen, progress, 54, 73);
    expect(screen.stdout.length - drawings).toBe(2);
    expect(screen.visible().at(-1)).toContain('valLoss 0.4100');
  });

  it('leaves its newest numbers behind, with the cursor', () => {
    const screen = openScreen();
    const progress = createProgress({ terminal: screen.terminal, totalEpochs: 1 });
    progress.update(train(1));
    progress.update(train(2, 0.25));
    progress.finish();
    screen.terminal.print('saved');
    expect(screen.visible()).toEqual(['epoch 1/1  step 2  loss 0.2500  lr 1.2e-4  512 img/s', 'saved', '']);
    expect(screen.stdout.join('')).toContain('\u001b[?25h');
  });

  it('shows a loss that is not finite as it is, and no time left before it can know', () => {
    const screen = openScreen();
    const progress = createProgress({ terminal: screen.terminal, totalSteps: 10 });
    progress.update(train(1, Number.NaN));
    expect(screen.visible().at(-1)).toBe('epoch 1  step 1/10  loss NaN  lr 1.2e-4  512 img/s');
  });
});

describe('progress in a log', () => {
  it('is a plain line at the start, every ten seconds, at each epoch and validation, and at the end', () => {
    const screen = openScreen({ isTTY: false });
    const progress = createProgress({ terminal: screen.terminal, totalEpochs: 20, totalSteps: 1060 });
    run(screen, progress, 1, 53);
    progress.update(validation(53, 1));
    run(screen, progress, 54, 160);
    progress.finish();
    const steps = screen.visible().flatMap((line) => /step (\d+)/.exec(line)?.[1] ?? []);
    expect(steps).toEqual(['1', '53', '54', '107', '160']);
    expect(screen.stdout.join('')).not.toContain('\u001b');

    const slow = openScreen({ env: { CI: '1', NO_COLOR: '1' } });
    const slowProgress = createProgress({ terminal: slow.terminal });
    for (let step = 1; step <= 9; step++) {
      slow.wait(4000);
      slowProgress.update(train(step));
    }
    slowProgress.finish();
    slowProgress.finish();
    expect(slow.visible().flatMap((line) => /step (\d+)/.exec(line)?.[1] ?? [])).toEqual(['1', '4', '7', '9']);
  });
});

describe('progress with --json', () => {
  it('is every record as one object on stdout, and nothing else', () => {
    const screen = openScreen({ json: true });
    const progress = createProgress({ terminal: screen.terminal, totalSteps: 2 });
    progress.update(train(1));
    progress.update(validation(1, 1));
    progress.finish();
    expect(screen.stdout.map((line) => JSON.parse(line) as unknown)).toEqual([
      {
        type: 'metrics',
        step: 1,
        epoch: 1,
        phase: 'train',
        loss: 0.43211,
        lr: 1.2e-4,
        gradNorm: 3,
        imagesPerSecond: 511.7,
      },
      { type: 'metrics', step: 1, epoch: 1, phase: 'val', valLoss: 0.41 },
    ]);
    expect(screen.stderr).toEqual([]);
  });
});

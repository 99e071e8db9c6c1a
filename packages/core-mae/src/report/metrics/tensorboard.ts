import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Tracker } from '../../contracts/tracker.js';
import { type AppendOnlyFile, appendOnlyFile } from './append-only-file.js';
import { encodeEvent, frameRecord, type TensorboardEvent } from './tensorboard-event.js';

export interface TensorboardOptions {
  /** Where the event files lie; TensorBoard shows every folder that holds some as one run. */
  readonly folder: string;
  /** The time in seconds since 1970. */
  readonly now: () => number;
}

/**
 * A tracker that writes TensorBoard's event files. Scalars are tagged `train/loss`, `val/valLoss`, pictures by their
 * name. Every start writes a file of its own; after `resume` that file begins by telling TensorBoard to forget the
 * steps that are done again.
 */
export function createTensorboard({ folder, now }: TensorboardOptions): Tracker {
  let file: AppendOnlyFile | undefined;

  const append = (event: Omit<TensorboardEvent, 'wallTime'>): void => {
    if (file === undefined) {
      file = appendOnlyFile(join(folder, nextFileName(folder, now())));
      file.append(frameRecord(encodeEvent({ wallTime: now(), content: { kind: 'version' } })));
    }
    file.append(frameRecord(encodeEvent({ wallTime: now(), ...event })));
  };

  return {
    resume(step) {
      append({ step: step + 1, content: { kind: 'restart' } });
    },
    log({ step, phase, values }) {
      const scalars = Object.entries(values).map(([name, scalar]) => ({ tag: `${phase}/${name}`, scalar }));
      append({ step, content: { kind: 'summary', values: scalars } });
    },
    logPicture({ step, name, png }) {
      append({ step, content: { kind: 'summary', values: [{ tag: name, png }] } });
    },
    close() {
      file?.close();
    },
  };
}

const fileNamePattern = /^events\.out\.tfevents\.(\d+)\./;

/**
 * TensorBoard reads a folder's event files in the order of their names, so a new one must sort last: even when two
 * starts fall into one second or the clock was set back.
 */
function nextFileName(folder: string, seconds: number): string {
  let names: string[] = [];
  try {
    names = readdirSync(folder);
  } catch {
    // No such folder yet: the first write makes it, or fails with the reason.
  }
  const taken = names.map((name) => Number(fileNamePattern.exec(name)?.[1] ?? 0));
  const stamp = Math.max(Math.floor(seconds), ...taken.map((last) => last + 1));
  return `events.out.tfevents.${String(stamp).padStart(10, '0')}.mae-tasks`;
}

import type { Engine, Recorder } from '@mae-tasks/core-mae';
import type { Terminal } from '../terminal/terminal.js';

/** What decides where a command computes. */
export interface EngineFlags {
  readonly device?: string | undefined;
  readonly threads?: number | null;
}

/** How closely its work is looked at. */
export interface EngineInspection {
  readonly recorder?: Recorder | undefined;
  readonly debug?: 'nan' | undefined;
}

/** What a terminal has been told of its engine. */
const toldTo = new WeakMap<Terminal, string>();

/**
 * The engine that flags or settings ask for; what it has to say goes to the terminal.
 *
 * @throws MaeError `CONFIG_INVALID` or `ENGINE_UNAVAILABLE`
 */
export async function openEngine(
  terminal: Terminal,
  { device, threads }: EngineFlags,
  { recorder, debug }: EngineInspection = {},
): Promise<Engine> {
  const { createEngine, stopAtNotFinite } = await import('@mae-tasks/core-mae');
  const { checkSettings, runSettings } = await import('@mae-tasks/core-mae/run');
  const engine = await createEngine({
    device: checkSettings(runSettings.shape.device, device, '--device'),
    threads: threads ?? undefined,
    warn: (line) => {
      // A command may open an engine for each of its runs, and says what is wrong with it once.
      if (toldTo.get(terminal) !== line) terminal.warn(line);
      toldTo.set(terminal, line);
    },
    recorder,
  });
  return debug === 'nan' ? stopAtNotFinite(engine) : engine;
}

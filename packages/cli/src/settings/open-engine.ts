import type { Engine } from '@mae-tasks/core-mae';
import type { Terminal } from '../terminal/terminal.js';

/** What decides where a command computes. */
export interface EngineFlags {
  readonly device?: string | undefined;
  readonly threads?: number | null;
}

/**
 * The engine that flags or settings ask for; what it has to say goes to the terminal.
 *
 * @throws MaeError `CONFIG_INVALID` or `ENGINE_UNAVAILABLE`
 */
export async function openEngine(terminal: Terminal, { device, threads }: EngineFlags): Promise<Engine> {
  const { createEngine } = await import('@mae-tasks/core-mae');
  const { checkSettings, runSettings } = await import('@mae-tasks/core-mae/run');
  return createEngine({
    device: checkSettings(runSettings.shape.device, device, '--device'),
    threads: threads ?? undefined,
    warn: (line) => {
      terminal.warn(line);
    },
  });
}

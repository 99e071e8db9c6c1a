import { spawn } from 'node:child_process';
import type { Device } from '@mae-tasks/core-mae';
import type { EngineProbe } from '@mae-tasks/core-mae/run';
import { Command, Option } from 'commander';
import { optionJson } from '../settings/common-options.js';
import { formatTable } from '../terminal/table.js';
import { createProcessTerminal } from '../terminal/terminal.js';
import { looking } from '../terminal/text.js';

interface DoctorFlags {
  readonly json?: true;
  readonly probe?: string;
}

/** Longest time that one engine may take to start and differentiate a small function. */
const PROBE_TIMEOUT_MS = 60_000;

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('check this machine: engines, a gradient on each, threads, memory, what to install')
    .addOption(optionJson())
    .addOption(new Option('--probe <device>', 'try one device in this process and print the outcome').hideHelp())
    .action(async (flags: DoctorFlags) => {
      if (flags.probe === undefined) await examine(flags);
      else await probeHere(flags.probe);
    });
}

async function examine(flags: DoctorFlags): Promise<void> {
  const terminal = createProcessTerminal({ json: flags.json === true });
  const { MaeError } = await import('@mae-tasks/core-mae');
  const { describeMachine, DEVICES } = await import('@mae-tasks/core-mae/run');
  const machine = describeMachine();
  terminal.record({ type: 'machine', ...machine });
  terminal.print(
    ...formatTable([
      ['node', machine.node],
      ['platform', machine.platform],
      ['cpu', `${machine.cpu}, ${machine.processors} processors for this process`],
      ['memory', `${machine.memoryGiB} GiB, ${machine.freeMemoryGiB} GiB free`],
    ]),
  );
  let usable = 0;
  let missing: EngineProbe | undefined;
  for (const device of DEVICES.filter((name) => name !== 'auto')) {
    const probe = await probeApart(device);
    terminal.record({ type: 'engine', ...probe });
    if (probe.ok) usable++;
    else if (device === 'cpu') missing = probe;
    const mark = probe.ok ? looking('green', 'ok') : looking('dim', '– ');
    terminal.print([mark, `  ${device.padEnd(10)}  ${probe.detail}`]);
    if (probe.fix !== undefined) terminal.print([' '.repeat(16), looking('dim', probe.fix)]);
  }
  if (usable === 0) {
    throw new MaeError('ENGINE_UNAVAILABLE', {
      what: 'no engine works here',
      fix: 'reinstall mae-tasks on a supported Node.js (20.19, 22 or 24)',
    });
  }
  if (missing !== undefined) {
    const { detail, fix } = missing;
    terminal.warn(`${detail}. Work runs about 60 times slower without it${fix === undefined ? '' : ` — ${fix}`}`);
  }
}

async function probeHere(device: string): Promise<void> {
  const { checkSettings, pretrainConfig, probeEngine } = await import('@mae-tasks/core-mae/run');
  const known = checkSettings(pretrainConfig.shape.device, device, '--probe');
  createProcessTerminal().data(`${JSON.stringify(await probeEngine(known))}\n`);
}

/**
 * Probes a device in a process of its own: native libraries write to the terminal as they please, and one that crashes
 * must not take the others' results with it.
 */
async function probeApart(device: Device): Promise<EngineProbe> {
  const child = spawn(process.execPath, [process.argv[1]!, 'doctor', '--probe', device], {
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: PROBE_TIMEOUT_MS,
  });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const end = await new Promise<string>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve(signal === null ? `exit status ${code}` : `signal ${signal}`);
    });
  });
  const line = Buffer.concat(chunks)
    .toString('utf8')
    .split('\n')
    .findLast((text) => text.startsWith('{'));
  if (line !== undefined) return JSON.parse(line) as EngineProbe;
  return { device, ok: false, detail: `the process that tried it ended without an answer (${end})` };
}

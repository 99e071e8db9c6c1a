import { Command } from 'commander';
import { optionJson } from '../common-options.js';
import { formatTable } from '../table.js';
import { createProcessTerminal } from '../terminal.js';

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('check this machine: engines, a gradient on each, threads, memory, what to install')
    .addOption(optionJson())
    .action(async (flags: { readonly json?: true }) => {
      const terminal = createProcessTerminal({ json: flags.json === true });
      const core = await import('@mae-tasks/core-mae');
      const machine = core.describeMachine();
      terminal.record({ type: 'machine', ...machine });
      terminal.print(
        formatTable([
          ['node', machine.node],
          ['platform', machine.platform],
          ['cpu', `${machine.cpu}, ${machine.processors} processors for this process`],
          ['memory', `${machine.memoryGiB} GiB, ${machine.freeMemoryGiB} GiB free`],
        ]),
      );
      let usable = 0;
      for (const device of core.DEVICES.filter((name) => name !== 'auto')) {
        const probe = await core.probeEngine(device);
        terminal.record({ type: 'engine', ...probe });
        if (probe.ok) usable++;
        const mark = probe.ok ? terminal.colors.green('ok') : terminal.colors.dim('–');
        terminal.print(`${mark.padEnd(2)}  ${device.padEnd(11)} ${probe.detail}`);
        if (probe.fix !== undefined) terminal.print(`    ${' '.repeat(11)} ${terminal.colors.dim(probe.fix)}`);
      }
      if (usable === 0) {
        throw new core.MaeError('ENGINE_UNAVAILABLE', {
          what: 'no engine works here',
          fix: 'reinstall mae-tasks on a supported Node.js (20.19, 22 or 24)',
        });
      }
    });
}

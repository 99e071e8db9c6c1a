import type { Recorder } from '@mae-tasks/core-mae';
import type { PhaseTime, Profile } from '@mae-tasks/core-mae/run';
import { formatDuration } from '../terminal/duration.js';
import { formatCount } from '../terminal/format-number.js';
import { formatTable } from '../terminal/table.js';
import type { Terminal } from '../terminal/terminal.js';
import { looking, type Text } from '../terminal/text.js';
import { shortPath } from './follow-run.js';

/** Operators that are shown; the file has all. */
const SHOWN_OPERATORS = 12;
/** Phases of less than this share are not shown. */
const SHOWN_SHARE = 0.001;

/**
 * What `work` resolves to. Where a file is named, `work` is given a recorder, and however it ends, the times are shown and
 * written there as a Chrome trace.
 *
 * @param title of the trace
 * @throws MaeError `WRITE_FAILED`, before the work begins where the file cannot be written
 */
export async function withProfile<Result>(
  terminal: Terminal,
  { file, title }: { readonly file: string | undefined; readonly title: string },
  work: (recorder: Recorder | undefined) => Promise<Result>,
): Promise<Result> {
  if (file === undefined) return work(undefined);
  const { createProfile, writeFileAtomically } = await import('@mae-tasks/core-mae/run');
  const profile = createProfile();
  const write = (): Promise<void> => writeFileAtomically(file, profile.trace(title));
  await write();
  try {
    return await work(profile);
  } finally {
    showProfile(terminal, profile);
    await write();
    terminal.print(`Wrote ${shortPath(file)}: open it in https://ui.perfetto.dev or chrome://tracing`);
  }
}

function showProfile(terminal: Terminal, profile: Profile): void {
  const total = profile.elapsed();
  const phases = profile.phases();
  const operators = profile.operators();
  terminal.record({ type: 'profile', seconds: total / 1000, phases, operators });
  const share = (milliseconds: number): string => `${((100 * milliseconds) / total).toFixed(1)} %`;
  const row = (name: Text, milliseconds: number, count: string): Text[] => [
    name,
    formatTime(milliseconds),
    share(milliseconds),
    count,
  ];
  const rowsOf = (among: readonly PhaseTime[], depth: number): Text[][] =>
    among
      .filter(({ milliseconds }) => milliseconds >= SHOWN_SHARE * total)
      .flatMap(({ name, milliseconds, count, phases: inside }) => [
        row(['  '.repeat(depth), depth === 0 ? name : looking('dim', name)], milliseconds, formatCount(count)),
        ...rowsOf(inside, depth + 1),
      ]);
  const known = phases.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  terminal.print(
    '',
    looking('bold', `Where ${formatDuration(total / 1000)} went`),
    ...formatTable([...rowsOf(phases, 0), row('everything else', total - known, '')], {
      header: ['phase', 'time', 'share', 'times'],
      align: ['left', 'right', 'right', 'right'],
      indent: 2,
    }),
  );
  if (operators.length === 0) {
    terminal.print('', 'This engine does not tell its operators apart.');
    return;
  }
  const ofAll = ({ milliseconds, programRuns }: (typeof operators)[number]): number => milliseconds * programRuns;
  const rest = operators.slice(SHOWN_OPERATORS);
  const sum = rest.reduce((milliseconds, each) => milliseconds + ofAll(each), 0);
  terminal.print(
    '',
    looking('bold', 'Operators, as their first runs tell'),
    ...formatTable(
      [
        ...operators
          .slice(0, SHOWN_OPERATORS)
          .map((each) => [
            each.operator,
            each.program,
            formatTime(each.milliseconds),
            formatCount(each.count),
            share(ofAll(each)),
          ]),
        ...(rest.length === 0 ? [] : [[`${rest.length} more`, '', '', '', share(sum)]]),
      ],
      {
        header: ['operator', 'program', 'time a run', 'times a run', 'share'],
        align: ['left', 'left', 'right', 'right', 'right'],
        indent: 2,
      },
    ),
  );
}

function formatTime(milliseconds: number): string {
  if (milliseconds >= 60_000) return formatDuration(milliseconds / 1000);
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(2)} s`;
  return `${milliseconds.toFixed(milliseconds >= 10 ? 1 : 3)} ms`;
}

import { MaeError } from '../../base/errors.js';
import { shortName } from './checkpoint-file.js';

/** Encoders that a message lists. */
const LISTED = 12;

/** The error for a checkpoint that holds more than one encoder, by what their names begin with. */
export function severalEncoders(prefixes: readonly string[], path: string, wanted?: string): MaeError {
  const listed = prefixes
    .slice(0, LISTED)
    .map((prefix) => (prefix === '' ? '`""` (nothing)' : `\`${shortName(prefix)}\``));
  const further = prefixes.length > LISTED ? ` and ${prefixes.length - LISTED} more` : '';
  const example = prefixes.find((prefix) => prefix !== '' && !prefix.includes('student')) ?? prefixes[0]!;
  return new MaeError('CHECKPOINT_INVALID', {
    what:
      wanted === undefined
        ? `the checkpoint holds ${prefixes.length} encoders, whose names begin with ${listed.join(', ')}${further}`
        : `no encoder's names begin with \`checkpoint.prefix\` (=${shortName(wanted)}); there are ${listed.join(', ')}${further}`,
    where: path,
    fix: `say which by --set checkpoint.prefix=${example === '' ? `'""'` : shortName(example)}`,
  });
}

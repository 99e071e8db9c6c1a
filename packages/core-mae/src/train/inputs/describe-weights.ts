import { MaeError } from '../../base/errors.js';
import type { Weights } from '../../checkpoint/open-weights.js';
import { inferConfig } from '../../models/infer-config.js';
import type { MaeConfig } from '../../models/mae-config.js';

/** Sources whose encoders all end with a norm; detectron2's do not. */
const WITH_NORM = ['official', 'hugging-face', 'mmpretrain'];

/** Dimensions that settings give in place of those that weights tell. */
export type GivenHeads = Readonly<Partial<Record<'preset' | 'numHeads' | 'decoderNumHeads', unknown>>>;

/**
 * The dimensions of foreign weights, and a word on those that had to be guessed.
 *
 * @param given the settings, which need no guess where they say how many heads there are
 * @throws MaeError `CHECKPOINT_MISMATCH`
 */
export function describeForeign(
  { shapes, path, source, description }: Weights,
  given: GivenHeads = {},
): { readonly config: MaeConfig; readonly warnings: readonly string[] } {
  const { config, guessed } = inferConfig(shapes, path, description);
  // A part of a checkpoint that was renamed looks like a shallower model, but for the norm that comes last.
  if (WITH_NORM.includes(source) && !shapes.has('norm.weight') && !shapes.has('fc_norm.weight')) {
    throw new MaeError('CHECKPOINT_MISMATCH', {
      what: `there is no final norm (\`norm.weight\` or \`fc_norm.weight\`) behind the ${config.depth} blocks, so these weights are a part of a checkpoint`,
      where: path,
      fix: 'give the whole checkpoint: all of its shards in one folder, under their own names',
    });
  }
  const isGiven = (key: keyof GivenHeads): boolean => given[key] !== undefined && given[key] !== null;
  const unsaid = isGiven('preset') ? [] : guessed.filter((key) => !isGiven(key));
  return { config, warnings: unsaid.length === 0 ? [] : [guessWarning(unsaid, config, path)] };
}

/** One sentence for all that was guessed, with the settings that say otherwise. */
function guessWarning(guessed: ReadonlyArray<'numHeads' | 'decoderNumHeads'>, config: MaeConfig, path: string): string {
  const whose = { numHeads: '', decoderNumHeads: 'of the decoder ' } as const;
  const values = guessed.map((key) => `${whose[key]}${config[key]}`).join(', ');
  const settings = guessed.map((key) => `model.${key}=<number>`).join(' ');
  return `The number of attention heads is a guess (${values}): neither ${path} nor a config.json beside it says it. If it is another, give it by --set ${settings}.`;
}

import type { Weights } from '../../checkpoint/open-weights.js';
import { inferConfig } from '../../models/infer-config.js';
import type { MaeConfig } from '../../models/mae-config.js';

/** Dimensions that settings give in place of those that weights tell. */
export type GivenHeads = Readonly<Partial<Record<'preset' | 'numHeads' | 'decoderNumHeads', unknown>>>;

/**
 * The dimensions of foreign weights, and a word on those that had to be guessed.
 *
 * @param given the settings, which need no guess where they say how many heads there are
 * @throws MaeError `CHECKPOINT_MISMATCH`
 */
export function describeForeign(
  { shapes, path, description }: Weights,
  given: GivenHeads = {},
): { readonly config: MaeConfig; readonly warnings: readonly string[] } {
  const { config, guessed } = inferConfig(shapes, path, description);
  const isGiven = (key: keyof GivenHeads): boolean => given[key] !== undefined && given[key] !== null;
  const unsaid = isGiven('preset') ? [] : guessed.filter((key) => !isGiven(key));
  return { config, warnings: unsaid.map((key) => guessWarning(key, config, path)) };
}

function guessWarning(key: 'numHeads' | 'decoderNumHeads', config: MaeConfig, path: string): string {
  const whose = key === 'numHeads' ? '' : ' of the decoder';
  return `The number of attention heads${whose} is a guess (${config[key]}): neither ${path} nor a config.json beside it says it. If it is another, give it by --set model.${key}=<number>.`;
}

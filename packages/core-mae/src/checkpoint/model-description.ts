import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readSmallJson } from './files/small-json.js';

/**
 * What the files beside weights say of the model; undefined where they do not say it. Sizes that the weights show as well
 * are compared with them.
 */
export interface ModelDescription {
  /** The file that says so, for messages. */
  readonly path: string;
  readonly numHeads?: number | undefined;
  readonly decoderNumHeads?: number | undefined;
  readonly layerNormEps?: number | undefined;
  /** `[height, width]` in pixels. */
  readonly imageSize?: readonly [number, number] | undefined;
  readonly patchSize?: number | undefined;
  readonly inChannels?: number | undefined;
  readonly embedDim?: number | undefined;
  readonly depth?: number | undefined;
  /** Width of the hidden layer of the MLPs. */
  readonly hiddenDim?: number | undefined;
  readonly decoderEmbedDim?: number | undefined;
  readonly decoderDepth?: number | undefined;
  /** Whether targets are normalised patch by patch. */
  readonly normPixLoss?: boolean | undefined;
  /** By which pictures are normalised, per channel, in units of 0–1. */
  readonly mean?: readonly number[] | undefined;
  readonly std?: readonly number[] | undefined;
}

type Json = Readonly<Record<string, unknown>>;

/**
 * What `config.json` (of transformers or timm) and `preprocessor_config.json` say beside a file of weights; undefined
 * where there is no such file, or it describes no Vision Transformer.
 *
 * @throws MaeError `CHECKPOINT_INVALID` for a file that is no JSON
 */
export async function readModelDescription(weights: string): Promise<ModelDescription | undefined> {
  const folder = dirname(weights);
  const path = join(folder, 'config.json');
  const config = await objectIn(path, 'the description of the model');
  if (config === undefined) return undefined;
  const described = 'model_args' in config || 'pretrained_cfg' in config ? ofTimm(config) : ofTransformers(config);
  if (!Object.values(described).some((value) => value !== undefined)) return undefined;
  const preprocessor = await objectIn(join(folder, 'preprocessor_config.json'), 'the description of the preprocessing');
  return { path, ...described, ...(preprocessor === undefined ? {} : normalisation(preprocessor)) };
}

/** A description that this library wrote into a file's metadata: `export --format safetensors`. */
export function descriptionIn(metadata: Readonly<Record<string, string>>, path: string): ModelDescription | undefined {
  if (metadata.vit === undefined) return undefined;
  let vit: unknown;
  try {
    vit = JSON.parse(metadata.vit);
  } catch {
    return undefined;
  }
  if (!isObject(vit)) return undefined;
  return {
    path,
    numHeads: count(vit.numHeads),
    layerNormEps: positive(vit.layerNormEps),
    imageSize: sides(vit.imageSize),
    mean: channels(parsed(metadata.mean)),
    std: channels(parsed(metadata.std)),
  };
}

/** transformers: ViTConfig, ViTMAEConfig, DeiTConfig (models/vit_mae/configuration_vit_mae.py). */
function ofTransformers(config: Json): Omit<ModelDescription, 'path'> {
  // Models of pictures and text, and detectors, have the encoder's part within.
  const inner = ['vision_config', 'backbone_config', 'encoder'].map((key) => config[key]).find(isObject);
  const vit = 'num_attention_heads' in config || inner === undefined ? config : inner;
  return {
    numHeads: count(vit.num_attention_heads),
    decoderNumHeads: count(vit.decoder_num_attention_heads),
    layerNormEps: positive(vit.layer_norm_eps),
    imageSize: sides(vit.image_size),
    patchSize: square(vit.patch_size),
    inChannels: count(vit.num_channels),
    embedDim: count(vit.hidden_size),
    depth: count(vit.num_hidden_layers),
    hiddenDim: count(vit.intermediate_size),
    decoderEmbedDim: count(vit.decoder_hidden_size),
    decoderDepth: count(vit.decoder_num_hidden_layers),
    normPixLoss: typeof vit.norm_pix_loss === 'boolean' ? vit.norm_pix_loss : undefined,
  };
}

/** Heads of timm's plain ViTs whose heads are not 64 wide, by the end of their names' first part (timm/models/vision_transformer.py). */
const TIMM_HEADS: Readonly<Record<string, number>> = {
  vit_tiny: 3,
  vit_small: 6,
  vit_base: 12,
  vit_large: 16,
  vit_huge: 16,
  vit_giant: 16,
  vit_gigantic: 16,
  vit_so400m: 16,
  deit_tiny: 3,
  deit_small: 6,
  deit_base: 12,
};

/** timm's `config.json` on the Hugging Face hub: the architecture's name, its arguments and its preprocessing. */
function ofTimm(config: Json): Omit<ModelDescription, 'path'> {
  const args = isObject(config.model_args) ? config.model_args : {};
  const pretrained = isObject(config.pretrained_cfg) ? config.pretrained_cfg : {};
  const architecture = typeof config.architecture === 'string' ? config.architecture : '';
  const family = /^(?:vit|deit)_[a-z0-9]+/.exec(architecture)?.[0] ?? '';
  const input = Array.isArray(pretrained.input_size) ? pretrained.input_size : [];
  return {
    numHeads: count(args.num_heads) ?? (Object.hasOwn(TIMM_HEADS, family) ? TIMM_HEADS[family] : undefined),
    imageSize: sides(args.img_size) ?? sides(input.slice(1)),
    patchSize: square(args.patch_size),
    inChannels: count(args.in_chans) ?? count(input[0]),
    embedDim: count(args.embed_dim) ?? count(config.num_features),
    depth: count(args.depth),
    mean: channels(pretrained.mean),
    std: channels(pretrained.std),
  };
}

function normalisation(preprocessor: Json): Pick<ModelDescription, 'mean' | 'std'> {
  if (preprocessor.do_normalize === false) return {};
  return { mean: channels(preprocessor.image_mean), std: channels(preprocessor.image_std) };
}

async function objectIn(path: string, what: string): Promise<Json | undefined> {
  const isFile = await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile) return undefined;
  const value = await readSmallJson(path, what);
  return isObject(value) ? value : undefined;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : undefined;
}

function positive(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : undefined;
}

/** One side of a square, or both sides. */
function sides(value: unknown): readonly [number, number] | undefined {
  const [height, width] = Array.isArray(value) ? (value as unknown[]).map(count) : [count(value), count(value)];
  return height === undefined || width === undefined ? undefined : [height, width];
}

function square(value: unknown): number | undefined {
  const both = sides(value);
  return both !== undefined && both[0] === both[1] ? both[0] : undefined;
}

function channels(value: unknown): readonly number[] | undefined {
  const isValid = Array.isArray(value) && value.length > 0 && value.length <= 1000;
  return isValid && value.every((each) => typeof each === 'number' && Number.isFinite(each)) ? value : undefined;
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

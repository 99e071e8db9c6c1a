import { writeFileAtomically } from '#core/base/atomic-write.js';
import { createRandom } from '#core/base/random.js';
import { safetensorsChunks } from '#core/checkpoint/files/safetensors.js';
import { storedParameter, type StoredTensor } from '#core/checkpoint/files/stored-tensor.js';
import { vitBackbone, vitNormSpecs } from '#core/models/vit.js';
import { initializeParameters } from '#core/nn/params.js';

export const FOREIGN_VIT = {
  imageSize: [16, 16],
  patchSize: 4,
  inChannels: 3,
  embedDim: 64,
  depth: 3,
  numHeads: 4,
  mlpRatio: 2,
} as const;

/** The weights of a small ViT under the official names, as timm writes them. */
export function foreignTensors(prefix = ''): Map<string, StoredTensor> {
  const specs = { ...vitBackbone.parameters(FOREIGN_VIT), ...vitNormSpecs(FOREIGN_VIT) };
  const parameters = initializeParameters(specs, createRandom(7));
  return new Map([...parameters].map(([name, parameter]) => [prefix + name, storedParameter(parameter)]));
}

/** A scalar, for a name that should not be there. */
export const scalar: StoredTensor = { dtype: 'F32', shape: [1], data: Float32Array.of(1) };

export async function writeForeign(path: string, tensors: ReadonlyMap<string, StoredTensor>): Promise<string> {
  await writeFileAtomically(path, safetensorsChunks(tensors, { format: 'pt' }));
  return path;
}

/** The same tensors under the names of transformers' ViTModel. */
export function asHuggingFace(tensors: ReadonlyMap<string, StoredTensor>): Map<string, StoredTensor> {
  const result = new Map<string, StoredTensor>();
  for (const [name, tensor] of tensors) {
    const theirs = name
      .replace(/^(cls_token)$/, 'embeddings.$1')
      .replace(/^pos_embed$/, 'embeddings.position_embeddings')
      .replace(/^patch_embed\.proj\./, 'embeddings.patch_embeddings.projection.')
      .replace(/^norm\./, 'layernorm.')
      .replace(/^blocks\./, 'encoder.layer.')
      .replace('.norm1.', '.layernorm_before.')
      .replace('.norm2.', '.layernorm_after.')
      .replace('.attn.proj.', '.attention.output.dense.')
      .replace('.mlp.fc1.', '.intermediate.dense.')
      .replace('.mlp.fc2.', '.output.dense.');
    const qkv = /^(.*)\.attn\.qkv\.(weight|bias)$/.exec(theirs);
    if (qkv === null) {
      result.set(theirs, tensor);
      continue;
    }
    const size = tensor.data.length / 3;
    ['query', 'key', 'value'].forEach((part, index) => {
      result.set(`${qkv[1]}.attention.attention.${part}.${qkv[2]}`, {
        dtype: 'F32',
        shape: [tensor.shape[0]! / 3, ...tensor.shape.slice(1)],
        data: tensor.data.slice(size * index, size * (index + 1)),
      });
    });
  }
  return result;
}

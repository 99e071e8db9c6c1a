import { z } from 'zod';
import { PRESET_NAMES } from '../../models/presets.js';

type JsonSchema = Record<string, unknown>;

/**
 * A configuration's schema as JSON Schema (draft 2020-12), for editors that complete and check settings as they are typed.
 *
 * @param schema `pretrainConfig`, or `finetuneConfig` of a task
 */
export function settingsJsonSchema(schema: z.ZodType): JsonSchema {
  const described = z.toJSONSchema(schema, {
    // What was checked is described, since what is given may be shorter in ways that JSON Schema cannot say.
    io: 'output',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      // All but a few settings have defaults.
      delete jsonSchema.required;
    },
  }) as JsonSchema;
  const properties = described.properties as JsonSchema | undefined;
  // A model may be the name of a preset alone.
  if (properties?.model !== undefined) properties.model = { anyOf: [{ enum: PRESET_NAMES }, properties.model] };
  return described;
}

import { z } from 'zod';
import { PRESET_NAMES } from '../../models/presets.js';

/**
 * A configuration's schema as JSON Schema (draft 2020-12), for editors that complete and check settings as they are typed.
 *
 * @param schema `pretrainConfig`, or `finetuneConfig` of a task
 */
export function settingsJsonSchema(schema: z.ZodType): Record<string, unknown> {
  const described = z.toJSONSchema(schema, {
    // What was checked is described, since what is given may be shorter in ways that JSON Schema cannot say.
    io: 'output',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      // All but a few settings have defaults.
      delete jsonSchema.required;
    },
  }) as Record<string, unknown>;
  const properties = described.properties as Record<string, unknown> | undefined;
  // A model may be the name of a preset alone.
  if (properties?.model !== undefined) properties.model = { anyOf: [{ enum: PRESET_NAMES }, properties.model] };
  return described;
}

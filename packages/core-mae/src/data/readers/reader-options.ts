import type { z } from 'zod';
import type { OpenOptions } from '../../contracts/data-reader.js';
import { MaeError } from '../../base/errors.js';

/**
 * A reader's options, checked against its schema.
 *
 * @throws MaeError `CONFIG_INVALID` naming the reader and the option
 */
export function readerOptions<Options>(reader: string, schema: z.ZodType<Options>, options: OpenOptions): Options {
  const result = schema.safeParse(options);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const key = issue?.path.map(String).join('.') ?? '';
  throw new MaeError('CONFIG_INVALID', {
    what: `${key === '' ? '' : `\`${key}\`: `}${issue?.message ?? 'wrong options'}`,
    where: `data reader ${reader}`,
    fix: 'correct its options',
    cause: result.error,
  });
}

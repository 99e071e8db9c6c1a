import { z } from 'zod';

/** Two positive numbers that something is drawn between, the first not above the second. */
export const rangeSetting = z
  .tuple([z.number().positive(), z.number().positive()])
  .refine(([low, high]) => low <= high, 'the first may not be above the second');

/** The weight of each class in a loss, at least one of them above 0; `balanced` weighs by counts; null weighs all alike. */
export const classWeightsSetting = z
  .union([
    z.literal('balanced'),
    z.array(z.number().min(0)).refine((weights) => weights.some((weight) => weight > 0), 'one of them must be above 0'),
  ])
  .nullable()
  .default(null);

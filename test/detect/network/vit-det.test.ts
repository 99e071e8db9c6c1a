import { describe, expect, it } from 'vitest';
import { spreadGlobalBlocks } from '@mae-tasks/plugin-detect';

describe('the global blocks of ViTDet', () => {
  it('are spread as published for B, L and H, the last always one of them', () => {
    expect(spreadGlobalBlocks(12)).toEqual([2, 5, 8, 11]);
    expect(spreadGlobalBlocks(24)).toEqual([5, 11, 17, 23]);
    expect(spreadGlobalBlocks(32)).toEqual([7, 15, 23, 31]);
    expect(spreadGlobalBlocks(3)).toContain(2);
  });
});

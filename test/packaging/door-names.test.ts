import { describe, expect, it } from 'vitest';
import { doors, namesOf } from './doors.js';

/** Names that stand at several doors, and why. */
const SHARED: Readonly<Record<string, readonly string[]>> = {
  // Whoever calls core may catch its errors, and plugins throw them.
  MaeError: ['coco', 'index', 'task'],
  MaeErrorCode: ['coco', 'index', 'task'],
  // A script names what it holds without becoming a plugin.
  Dataset: ['index', 'task'],
  Engine: ['index', 'task'],
  NamedTensors: ['index', 'task'],
  ParameterTree: ['index', 'task'],
};

describe('the doors of core', () => {
  it.each(doors)('%s exports these names and no others', async (door) => {
    const { values, types } = namesOf(door);
    const list = [...values, ...types.map((name) => `type ${name}`)];
    await expect(`${list.join('\n')}\n`).toMatchFileSnapshot(`names/${door}.txt`);
  });

  it('have one home for each name, but for those that several kinds of user need', () => {
    const homes = new Map<string, string[]>();
    for (const door of doors) {
      const { values, types } = namesOf(door);
      for (const name of [...values, ...types]) homes.set(name, [...(homes.get(name) ?? []), door]);
    }
    const shared = [...homes].filter(([, at]) => at.length > 1).map(([name, at]) => [name, at.sort()] as const);
    expect(Object.fromEntries(shared)).toEqual(SHARED);
  });
});

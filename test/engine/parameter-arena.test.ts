import { describe, expect, it } from 'vitest';
import { createParameterArena } from '#core/engine/parameter-arena.js';

const PAGE_FLOATS = 16_384;
const shapes = { a: [PAGE_FLOATS / 4], b: [PAGE_FLOATS / 4], c: [3, 5], d: [] };

describe('a parameter arena', () => {
  it('gives zeros in the shapes asked for, each array on cache lines of its own', () => {
    const tree = createParameterArena()(shapes);
    expect([...tree.keys()]).toEqual(['a', 'b', 'c', 'd']);
    for (const { name, shape, data } of tree.values()) {
      expect(shape).toEqual(shapes[name as keyof typeof shapes]);
      expect(data.every((value) => value === 0)).toBe(true);
      expect(data.byteOffset % 64).toBe(0);
    }
    expect(tree.get('c')!.data.length).toBe(15);
    expect(tree.get('d')!.data.length).toBe(1);
  });

  it('puts trees of the same shapes side by side, without overlap', () => {
    const allocate = createParameterArena({ trees: 3 });
    const trees = [allocate(shapes), allocate(shapes), allocate({ b: shapes.b })];
    trees.forEach((tree, index) => tree.forEach(({ data }) => data.fill(index + 1)));
    trees.forEach((tree, index) =>
      tree.forEach(({ data }) => expect(data.every((value) => value === index + 1)).toBe(true)),
    );
    expect(new Set(trees.map((tree) => tree.get('b')!.data.buffer)).size).toBe(1);
  });

  it('takes more memories beyond the limit of one, and never splits what is used together', () => {
    const allocate = createParameterArena({ trees: 4, pageLimit: 1 });
    const [parameters, gradients] = [allocate({ a: shapes.a, b: shapes.b }), allocate({ a: shapes.a, b: shapes.b })];
    const bufferOf = (tree: typeof parameters, name: string) => tree.get(name)!.data.buffer;
    expect(bufferOf(parameters, 'a')).not.toBe(bufferOf(parameters, 'b'));
    expect(bufferOf(parameters, 'a')).toBe(bufferOf(gradients, 'a'));
    expect(bufferOf(parameters, 'b')).toBe(bufferOf(gradients, 'b'));
  });

  it('makes new room when the trees planned for are used up', () => {
    const allocate = createParameterArena({ trees: 1 });
    const [first, second] = [allocate(shapes), allocate(shapes)];
    first.get('c')!.data.fill(1);
    expect(second.get('c')!.data.every((value) => value === 0)).toBe(true);
  });

  it('falls back to the heap for a tensor that no memory can hold', () => {
    const tree = createParameterArena({ trees: 4, pageLimit: 1 })({ large: [PAGE_FLOATS], small: [4] });
    expect(tree.get('large')!.data.length).toBe(PAGE_FLOATS);
    expect(tree.get('large')!.data.buffer).not.toBe(tree.get('small')!.data.buffer);
  });
});

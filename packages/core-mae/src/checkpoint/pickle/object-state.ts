import { PickleError } from './stack.js';
import { countsOf, describe, isKind, type PickleArray, type PickleValue } from './values.js';

/**
 * Gives an object the state that follows it in the pickle (`BUILD`). Only inert records, NumPy arrays and their types
 * take one.
 */
export function setState(target: PickleValue, content: PickleValue): void {
  if (isKind(target, 'record')) target.state = content;
  else if (isKind(target, 'numpy-type')) target.byteOrder = byteOrderOf(content);
  else if (isKind(target, 'array')) fillArray(target, content);
  // Attributes of a dictionary (`_metadata` of torch's state dictionaries) describe modules, not weights.
  else if (!(target instanceof Map)) throw new PickleError(`a state is set on ${describe(target)}`);
}

/** NumPy's state of an array: (version, shape, type, whether in Fortran order, contents). */
function fillArray(array: PickleArray, state: PickleValue): void {
  const items = isKind(state, 'tuple') ? state.items : [];
  // Version 0 of the state has no number in front.
  const [shapeItem, type, fortranOrder, content] = items.length === 5 ? items.slice(1) : items;
  const shape = countsOf(shapeItem);
  if (shape === undefined || !isKind(type, 'numpy-type') || typeof fortranOrder === 'undefined') {
    throw new PickleError('a NumPy array has a state of an unknown form');
  }
  array.shape = shape;
  array.type = type;
  array.fortranOrder = fortranOrder === true || fortranOrder === 1;
  array.content = content instanceof Uint8Array || typeof content === 'string' ? content : undefined;
}

/** NumPy's state of an element type: (version, byte order, …). */
function byteOrderOf(state: PickleValue): string {
  const order = isKind(state, 'tuple') ? state.items[1] : undefined;
  if (typeof order !== 'string') throw new PickleError('a NumPy type has a state of an unknown form');
  return order;
}

/** The package has no types for this module of its own. */
declare module 'crc-32/crc32c.js' {
  const crc32c: { buf(bytes: Uint8Array, seed?: number): number };
  export default crc32c;
}

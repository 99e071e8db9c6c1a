/**
 * The fixed 2-D sine-cosine position table with a zero row for the class token: `[1 + height·width, width of a token]`,
 * row-major (official util/pos_embed.py, `get_2d_sincos_pos_embed`).
 *
 * The first half of each row encodes the column, the second the row of the patch: the official code's mesh grid puts
 * the width first.
 *
 * @param embedDim divisible by 4
 */
export function sinCosPosEmbed(embedDim: number, height: number, width: number): Float32Array {
  const half = embedDim / 2;
  const quarter = embedDim / 4;
  const table = new Float32Array((1 + height * width) * embedDim);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const start = (1 + row * width + column) * embedDim;
      for (let i = 0; i < quarter; i++) {
        const frequency = 1 / 10000 ** (i / quarter);
        table[start + i] = Math.sin(column * frequency);
        table[start + quarter + i] = Math.cos(column * frequency);
        table[start + half + i] = Math.sin(row * frequency);
        table[start + half + quarter + i] = Math.cos(row * frequency);
      }
    }
  }
  return table;
}

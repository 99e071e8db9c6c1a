/** Something that took time, on a row of the picture. */
export interface Span {
  readonly name: string;
  /** Milliseconds from the profile's start. */
  readonly start: number;
  readonly duration: number;
  readonly details?: Readonly<Record<string, string | number>>;
}

/** A row: spans that lie beside each other or within one another. */
export interface TraceRow {
  readonly name: string;
  readonly spans: readonly Span[];
}

/**
 * Rows of spans as the JSON that chrome://tracing and ui.perfetto.dev show (Trace Event Format, complete events; times in
 * microseconds).
 *
 * @param about kept in the file beside the events
 */
export function chromeTrace(
  title: string,
  rows: readonly TraceRow[],
  about: Readonly<Record<string, unknown>>,
): string {
  const named = (event: string, thread: number, name: string): object => ({
    name: event,
    ph: 'M',
    pid: 1,
    tid: thread,
    args: { name },
  });
  const events = rows.flatMap(({ name, spans }, row) => [
    named('thread_name', row + 1, name),
    ...spans.map(({ name: span, start, duration, details }) => ({
      name: span,
      ph: 'X',
      pid: 1,
      tid: row + 1,
      ts: microseconds(start),
      dur: microseconds(duration),
      ...(details === undefined ? {} : { args: details }),
    })),
  ]);
  const lines = [named('process_name', 0, title), ...events].map((event) => JSON.stringify(event));
  return `{"displayTimeUnit":"ms","otherData":${JSON.stringify(about)},"traceEvents":[\n${lines.join(',\n')}\n]}\n`;
}

function microseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1000);
}

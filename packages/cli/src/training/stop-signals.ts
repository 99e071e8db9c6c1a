/** Whether and how the process was asked to end. */
export interface StopSignals {
  shouldStop(): boolean;
  /** Exit status by convention: 128 + the signal's number; 0 where nobody asked. */
  exitCode(): number;
  /** Lets signals end the process again. */
  release(): void;
}

const NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const;

/**
 * Takes the first SIGINT or SIGTERM as a wish to save and end; a second one ends the process at once.
 *
 * @param announce called at the first signal
 */
export function listenForStop(announce: () => void): StopSignals {
  let received: keyof typeof NUMBERS | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    const code = 128 + NUMBERS[signal as keyof typeof NUMBERS];
    if (received !== undefined) process.exit(code);
    received = signal as keyof typeof NUMBERS;
    announce();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    shouldStop: () => received !== undefined,
    exitCode: () => (received === undefined ? 0 : 128 + NUMBERS[received]),
    release() {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}

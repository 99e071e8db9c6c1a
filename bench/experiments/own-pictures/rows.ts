/** Tasks, and what says how well they are learned. */
export const ROWS = [
  { name: 'cells', task: 'detect', metric: 'valBoxAP', digits: 3 },
  { name: 'nuclei', task: 'segment', metric: 'valMIoU', digits: 1 },
  { name: 'groceries', task: 'classify', metric: 'valTop1', digits: 1 },
] as const;

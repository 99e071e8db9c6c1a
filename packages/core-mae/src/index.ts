export { MaeError, type MaeErrorCode } from './errors.js';
export { type MetricsRecord, type PictureRecord, type TrackedRun, Tracker } from './contracts/tracker.js';

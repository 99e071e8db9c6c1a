export { MaeError, type MaeErrorCode } from './errors.js';

import type { Step } from '../steps/step.ts';
import type { Purpose } from './purpose.ts';

/** Kernel steps that belong together, and the handling of a failed one. */
export interface Plan<For extends Purpose = Purpose> {
  /** returned with its result */
  purpose: For;
  /**
   * build: stop at the first failure and take everything back; extend: take back only what it made itself, because the rest
   * was there before and may be in use; mend: try everything and take nothing back, because it may have been there before;
   * dismantle: try everything, collect what is left
   */
  kind: 'build' | 'extend' | 'mend' | 'dismantle';
  steps: Step[];
}

import { Thread } from '../../src/threads/thread.ts';

export interface ProbeVerbs {
  add: [{ one: number; other: number }, number];
  refuse: [null, number];
  stumble: [null, number];
  /** never answered */
  wait: [null, number];
  exit: [exitCode: number, number];
}

export interface ToProbe {
  kind: 'say';
  word: string;
}

export interface FromProbe {
  kind: 'echo';
  word: string;
}

export interface ProbeSettings {
  /** the thread throws before it serves */
  failing: boolean;
}

export type Probe = Thread<ProbeVerbs, ToProbe, FromProbe>;

const file = new URL('../../dist/test/threads/probe-worker.js', import.meta.url);

/** A real thread, of the compiled tree. */
export function startProbe(settings: Partial<ProbeSettings> = {}, hear: (said: FromProbe) => void = () => {}): Probe {
  return new Thread({ file, title: 'the probe', name: 'probe', settings: { failing: false, ...settings } }, hear);
}

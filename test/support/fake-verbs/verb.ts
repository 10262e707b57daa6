import type { SettingDrift } from '../../../src/core/plan/interface-settings.ts';
import type { Step, StepOutput, Verb } from '../../../src/core/steps/step.ts';
import type { FakeLink, FakeLinux, FakeNetns } from '../fake-linux.ts';

/** A step that the kernel refuses. */
export class Refused extends Error {
  constructor(
    readonly op: string,
    readonly errno: string,
    readonly detail: string | null = null,
    /** the host port that another program has */
    readonly port?: number,
  ) {
    super(`${op}: ${errno}`);
  }
}

/** How a FakeLinux does what a step asks for. */
export interface FakeVerb<V extends Verb> {
  perform: (step: Step<V>) => StepOutput | void | Promise<StepOutput> | Promise<void>;
  /** whether what the step would make is there, and the same. Absent: it makes nothing */
  isSet?: (step: Step<V>) => boolean;
  /** settings that the step is about to change */
  driftOf?: (step: Step<V>) => SettingDrift[];
  /** mending: of a step that follows another, whether it does nothing unless that one changed something */
  follows?: true;
}

/** The table of a noun. */
export type FakeVerbs<V extends Verb> = { readonly [P in V]: FakeVerb<P> };

export function netnsAt(linux: FakeLinux, path: string | null): FakeNetns {
  const netns = linux.netns(path);
  if (!netns) throw new Refused('open netns', 'ENOENT', path);
  return netns;
}

export function linkIn(netns: FakeNetns, name: string, operation: string): FakeLink {
  const link = netns.links.get(name);
  if (!link) throw new Refused(operation, 'ENODEV', `no link ${name}`);
  return link;
}

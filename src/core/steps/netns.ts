import type { ActorAddress } from '../actor-address.ts';
import { inDetail, type StepKinds } from './kind.ts';

export interface NetnsSteps {
  /** ip netns add; its interfaces begin with namespaceSettings */
  'netns.create': { path: string };
  /** ip netns attach; ENOTUNIQ: the process is in the host's own namespace */
  'netns.adopt': { path: string; pid: number };
  /** changes nothing: the namespace must exist (and have that inode); foreign: and must not be the host's own (ENOTUNIQ) */
  'netns.require': { path: string; inode: number | null; foreign?: true };
  /**
   * ip netns set <path> auto; ip monitor nsid: reports the end of the namespace to the owner. Not needed if a veth of the
   * namespace has its other end here: then the veth's end shows it
   */
  'netns.watch': { owner: ActorAddress; path: string };
  'netns.unwatch': { owner: ActorAddress };
  /** changes nothing: checks whether a thread of any process is in that namespace; EACCES unless all can be seen. Output: the result */
  'netns.inhabited': { path: string; inode: number };
  /** ip netns delete */
  'netns.remove': { path: string };
}

type Pinned = { path: string };
const pathOf = ({ path }: Pinned): string => path;
const isGone = ({ path }: Pinned): string => netnsGoneText(path);
export const netnsGoneText = (path: string): string => `the network namespace ${path} is gone`;

/** Fault for the host's own namespace, used as a container's. */
const hostsOwn = { code: 'mode.conflict', words: inDetail } as const;

export const netnsSteps: StepKinds<keyof NetnsSteps> = {
  'netns.create': { inverse: ({ path }) => ({ verb: 'netns.remove', path }), describe: pathOf },
  'netns.adopt': {
    inverse: ({ path }) => ({ verb: 'netns.remove', path }),
    describe: ({ path, pid }) => `${path} (process ${pid})`,
    faults: {
      ESRCH: { code: 'process.gone', words: ({ pid }) => `process ${pid} has ended` },
      ENOTUNIQ: hostsOwn,
    },
  },
  'netns.require': {
    inverse: null,
    describe: pathOf,
    // the namespace is gone or was replaced: what is at its path is not netloom's
    endsPlan: true,
    faults: {
      ENOENT: { code: 'netns.gone', words: isGone },
      // an object at the path that is not a namespace did not vanish
      EINVAL: { code: 'netns.gone', words: (step, detail) => detail || isGone(step) },
      ENOTUNIQ: hostsOwn,
    },
  },
  'netns.watch': { inverse: ({ owner }) => ({ verb: 'netns.unwatch', owner }), describe: pathOf },
  'netns.unwatch': { inverse: null, describe: () => '' },
  'netns.inhabited': { inverse: null, describe: pathOf },
  'netns.remove': { inverse: null, describe: pathOf },
};

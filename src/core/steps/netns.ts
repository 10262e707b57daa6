import { inDetail, type StepKinds } from './kind.ts';

export interface NetnsSteps {
  /** ip netns add; its interfaces begin with namespaceSettings */
  'netns.create': { path: string };
  /** ip netns attach; ENOTUNIQ: the process is in the host's own */
  'netns.adopt': { path: string; pid: number };
  /** changes nothing: the namespace must be there (and be the one with that inode); foreign: and not the host's own (ENOTUNIQ) */
  'netns.require': { path: string; inode: number | null; foreign?: true };
  /**
   * ip netns set <path> auto; ip monitor nsid: reports the end of the namespace to the owner. The end of a namespace with a veth
   * whose other end is here is known by the end of the veth
   */
  'netns.watch': { owner: string; path: string };
  'netns.unwatch': { owner: string };
  /** changes nothing: whether a thread of any process is in that namespace; EACCES unless all can be seen. Output: that */
  'netns.inhabited': { path: string; inode: number };
  /** ip netns delete */
  'netns.remove': { path: string };
}

type Pinned = { path: string };
const pathOf = ({ path }: Pinned): string => path;
const isGone = ({ path }: Pinned): string => `the network namespace ${path} is gone`;

/** The host's own namespace, taken for a container's. */
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
    faults: {
      ENOENT: { code: 'netns.gone', words: isGone },
      // what is at a path and is not a namespace did not go away
      EINVAL: { code: 'netns.gone', words: (step, detail) => detail || isGone(step) },
      ENOTUNIQ: hostsOwn,
    },
  },
  'netns.watch': { inverse: ({ owner }) => ({ verb: 'netns.unwatch', owner }), describe: pathOf },
  'netns.unwatch': { inverse: null, describe: () => '' },
  'netns.inhabited': { inverse: null, describe: pathOf },
  'netns.remove': { inverse: null, describe: pathOf },
};

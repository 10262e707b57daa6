import { namespaceSettings } from '../../../src/core/plan/interface-settings.ts';
import type { NetnsSteps } from '../../../src/core/steps/netns.ts';
import type { Step, StepOutput } from '../../../src/core/steps/step.ts';
import type { FakeLinux, FakeNetns } from '../fake-linux.ts';
import { type FakeVerbs, netnsAt, Refused } from './verb.ts';

/** `watched`: owner → namespace whose end it hears of */
export function netnsVerbs(linux: FakeLinux, watched: Map<string, FakeNetns>): FakeVerbs<keyof NetnsSteps> {
  const isSet = ({ path }: { path: string }) => linux.pins.has(path);
  return {
    'netns.create': { perform: ({ path }) => linux.pin(path, linux.pins.get(path) ?? newNetns(linux)), isSet },
    'netns.adopt': { perform: (step) => adopt(linux, step), isSet },
    'netns.require': { perform: (step) => require(linux, step) },
    'netns.watch': { perform: ({ owner, path }) => void watched.set(owner, netnsAt(linux, path)) },
    'netns.unwatch': { perform: ({ owner }) => void watched.delete(owner) },
    'netns.inhabited': {
      perform: ({ inode }) => ({ inhabited: [...linux.processes.values()].some(({ netns }) => netns.inode === inode) }),
    },
    'netns.remove': { perform: ({ path }) => linux.unpin(path) },
  };
}

function newNetns(linux: FakeLinux): FakeNetns {
  const netns = linux.newNetns();
  netns.ipv6 = { ...netns.ipv6, ...namespaceSettings };
  return netns;
}

const hostsOwn = "the host's own network namespace: use mode host";

function adopt(linux: FakeLinux, { path, pid }: Step<'netns.adopt'>): StepOutput {
  const process = linux.processes.get(pid);
  if (!process) throw new Refused('adopt netns', 'ESRCH', `process ${pid} has ended`);
  if (process.netns === linux.host) throw new Refused('adopt netns', 'ENOTUNIQ', `process ${pid} is in ${hostsOwn}`);
  const pinned = linux.pins.get(path);
  if (pinned && pinned !== process.netns) throw new Refused('adopt netns', 'EEXIST', `${path} is another namespace`);
  return linux.pin(path, process.netns);
}

function require(linux: FakeLinux, { path, inode, foreign }: Step<'netns.require'>): StepOutput {
  const netns = linux.netns(path);
  if (!netns || (inode !== null && inode !== netns.inode)) throw new Refused('find netns', 'ENOENT', `no ${path}`);
  if (foreign && netns === linux.host) throw new Refused('find netns', 'ENOTUNIQ', `${path} is ${hostsOwn}`);
  return { netns: { path, inode: netns.inode } };
}

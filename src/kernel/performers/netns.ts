import * as native from '#native';
import { namespaceSysctls } from '../../core/plan/interface-settings.ts';
import type { NetnsSteps } from '../../core/steps/netns.ts';
import { inhabitedNamespaces } from '../netns/inhabited-namespaces.ts';
import type { NamespaceWatch } from '../netns/namespace-watch.ts';
import { adoptForeign, type NamespaceSockets, refuseHostOf, refuseOther, requireNetns } from '../netns/netns-steps.ts';
import { acts, type Outcome, type Performers, unchanged } from './performer.ts';

export const netnsPerformers = (namespaces: NamespaceWatch): Performers<keyof NetnsSteps> => ({
  'netns.create': ({ path }, { sockets }) => pin(path, () => native.createNetns(path, namespaceSysctls), sockets),
  'netns.adopt': ({ path, pid }, { sockets }) => {
    refuseOther(path, pid);
    refuseHostOf(pid);
    return pin(path, () => adoptForeign(pid, path), sockets);
  },
  'netns.require': ({ path, inode, foreign }, run) => {
    const output = requireNetns(path, inode, foreign);
    run.found = true;
    return unchanged(output);
  },
  'netns.watch': acts(({ owner, path }) => namespaces.watch(owner, path)),
  'netns.unwatch': acts(({ owner }) => namespaces.unwatch(owner)),
  'netns.inhabited': ({ inode }) => unchanged({ inhabited: inhabitedNamespaces().has(inode) }),
  'netns.remove': acts(({ path }) => native.removeNetns(path)),
});

/** Pins a namespace; one that is already pinned there is the intended one. */
function pin(
  path: string,
  make: () => { identity: native.NetnsIdentity; socket: native.RouteSocket },
  sockets: NamespaceSockets,
): Outcome {
  const there = native.netnsIdentity(path);
  if (there) return unchanged({ netns: { path, inode: there.inode } });
  const { identity, socket } = make();
  sockets.keep(path, socket);
  return { output: { netns: { path, inode: identity.inode } }, changed: true };
}

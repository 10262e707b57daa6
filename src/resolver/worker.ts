import { workerData } from 'node:worker_threads';
import { answerCalls, type Handlers } from '../threads/calls.ts';
import { serveThread } from '../threads/inside.ts';
import type { ResolverSettings, ResolverVerbs, ToResolver } from './protocol.ts';
import { Resolver } from './resolver.ts';

/** Entry of the resolver's thread: each client has a separate port. */

const resolver = new Resolver(workerData as ResolverSettings);

const handlers: Handlers<ResolverVerbs> = {
  serve: (network) => resolver.serve(network),
  retire: (name) => resolver.retire(name),
  add: ({ entry, patient }) => resolver.add(entry, patient),
  remove: ({ network, container }) => resolver.remove(network, container),
  status: () => resolver.status(),
  restore: (established) => resolver.restore(established),
};

serveThread<Record<never, never>, ToResolver>({}, ({ port }) => answerCalls(port, handlers)).ready();

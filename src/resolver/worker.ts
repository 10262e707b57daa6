import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { type ResolverCall, type ResolverReply, type ResolverSettings, resolverFault } from './protocol.ts';
import { Resolver } from './resolver.ts';

/** The resolver's thread: each client has a port of its own. */

const parent = parentPort as MessagePort;
const resolver = new Resolver(workerData as ResolverSettings);

async function perform({
  verb,
  input,
  patient,
}: ResolverCall): Promise<Extract<ResolverReply, { ok: true }>['output']> {
  switch (verb) {
    case 'serve':
      return resolver.serve(input as ResolverCall<'serve'>['input']);
    case 'retire':
      await resolver.retire(input as ResolverCall<'retire'>['input']);
      return null;
    case 'add':
      await resolver.add(input as ResolverCall<'add'>['input'], patient);
      return null;
    case 'remove': {
      const { network, container } = input as ResolverCall<'remove'>['input'];
      await resolver.remove(network, container);
      return null;
    }
    case 'status':
      return resolver.status();
    case 'restore':
      return resolver.restore(input as ResolverCall<'restore'>['input']);
  }
}

async function answer(port: MessagePort, call: ResolverCall): Promise<void> {
  const reply: ResolverReply = await perform(call).then(
    (output) => ({ id: call.id, ok: true, output }),
    (error) => ({ id: call.id, ok: false, fault: resolverFault(`resolver.${call.verb}`, error) }),
  );
  port.postMessage(reply);
}

parent.on('message', (port: MessagePort) => port.on('message', (call: ResolverCall) => void answer(port, call)));
parent.postMessage('ready');

import { type NatsConnection, NoRespondersError } from '@nats-io/nats-core';
import { Svcm } from '@nats-io/services';
import { fault, NetloomError } from '../../core/fault.ts';

export interface NodeOnBus {
  node: string;
  version: string;
}

/** Lists the daemons that share the server: those that answer until none has answered for `stallMs`. */
export async function nodesOn(nc: NatsConnection, stallMs = 200): Promise<NodeOnBus[]> {
  const client = new Svcm(nc).client({ strategy: 'stall', maxWait: 10 * stallMs, stall: stallMs });
  const found: NodeOnBus[] = [];
  try {
    for await (const { metadata, version } of await client.ping('netloom'))
      found.push({ node: metadata?.node ?? '', version });
  } catch (error) {
    if (!(error instanceof NoRespondersError)) throw error;
  }
  return found;
}

/**
 * Refuses a second daemon of one name, because both would carry out each command. Throws node.running when one answers
 * already. For servers that others use too; it takes a moment when there are daemons of other names, else none.
 */
export async function refuseTwin(nc: NatsConnection, node: string): Promise<void> {
  const nodes = await nodesOn(nc);
  if (!nodes.some((other) => other.node === node)) return;
  const where = nc.getServer();
  throw new NetloomError(
    fault('node.running', `another daemon of node ${node} is connected to ${where}: node names must differ`),
  );
}

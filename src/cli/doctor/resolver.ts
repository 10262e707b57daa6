import * as native from '#native';
import { decodeElement } from '../../core/firewall/encoding.ts';
import { type NftSet, nftTable } from '../../core/firewall/nft.ts';
import { type Finding, good } from './finding.ts';

const sets: readonly NftSet[] = ['resolver4', 'resolver6'];

/** Reports the ports at which queries of containers arrive; other firewalls must accept them. */
export function resolverPorts(): Finding[] {
  const listens = sets.flatMap((set) => listed(set).flatMap(({ value }) => (value ? `${value[1]}` : [])));
  const ports = [...new Set(listens)].toSorted((one, other) => Number(one) - Number(other));
  if (ports.length === 0) return [];
  const which = ports.length === 1 ? `port ${ports[0]}` : `ports ${ports.join(', ')}`;
  return [good('Name resolver', `queries to port 53 of the gateways arrive at ${which}, UDP and TCP`)];
}

function listed(set: NftSet) {
  try {
    const socket = native.openNftSocket();
    try {
      return native.listElements(socket, nftTable, set).map((element) => decodeElement(set, element));
    } finally {
      socket.close();
    }
  } catch {
    // no table, or no permission to read it: no finding
    return [];
  }
}

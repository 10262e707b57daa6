import type { NetloomClient } from '../client.ts';
import { idAlias } from '../core/container/reference.ts';
import type { ContainerRequest } from '../core/container/request.ts';
import {
  type HostEntry,
  hostAddressFor,
  hostsFile,
  type NameFiles,
  type Resolver,
  resolverFor,
} from '../core/name-files.ts';
import { ownsBridge } from '../core/network/definition.ts';
import type { StatusBlock } from '../core/status.ts';
import { textOfOrdinaryFile } from '../files/ordinary-file.ts';

/** Options for a command's resolv.conf and hosts, besides --dns. */
export interface NameOptions {
  dnsSearch?: string[];
  addHost?: HostEntry[];
}

/** systemd-resolved writes the servers that it queries to this file. */
const uplinkFile = '/run/systemd/resolve/resolv.conf';

/**
 * Makes the name files of a command. null: the host's files, which a command in the host's network keeps without these
 * options.
 */
export async function nameFilesFor(
  client: NetloomClient,
  { id, name, mode, dnsServers }: ContainerRequest,
  status: Record<string, StatusBlock>,
  { dnsSearch = [], addHost = [] }: NameOptions,
): Promise<{ files: NameFiles | null; problem: Resolver['problem'] }> {
  const isHostNetwork = mode === 'host';
  const isAsked = dnsSearch.length + addHost.length + (dnsServers?.length ?? 0) > 0;
  if (isHostNetwork && !isAsked) return { files: null, problem: null };
  const host = { text: textOf('/etc/resolv.conf'), uplinkText: textOf(uplinkFile) };
  const { resolvConf, problem } = resolverFor({
    status,
    dnsServers: dnsServers ?? [],
    searchDomains: dnsSearch,
    host,
    isHostNetwork,
  });
  const hosts = hostsFile({
    base: textOf('/etc/hosts'),
    status,
    names: [name ?? id, id, idAlias(id)],
    added: addHost,
    hostAddress: isHostNetwork ? '127.0.0.1' : await hostAddressOf(client, status),
  });
  return { files: { resolvConf, hosts }, problem };
}

async function hostAddressOf(client: NetloomClient, status: Record<string, StatusBlock>): Promise<string | null> {
  if (Object.keys(status).length === 0) return null;
  const [{ networks }, { hostIp }] = await Promise.all([client.network.list(), client.info()]);
  const bridges = networks.filter(({ driver, options }) => ownsBridge({ driver, options }));
  return hostAddressFor(status, new Set(bridges.map(({ name }) => name)), hostIp);
}

function textOf(path: string): string | null {
  try {
    return textOfOrdinaryFile(path);
  } catch {
    return null;
  }
}
